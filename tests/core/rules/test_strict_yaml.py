from __future__ import annotations

import pytest

from maskgate.errors import PolicyError, RulesError
from maskgate.rules.strict_yaml import MAX_CHARACTERS, MAX_DEPTH, Located, Reader, did_you_mean, parse


def plain(text):
    return parse(text, "file.yaml", RulesError).plain()


class TestParse:
    """A file says one thing only, and everything else is refused with its line."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            pytest.param("{}", {}, id="an empty mapping is a mapping"),
            pytest.param("a: [NO, no, yes, on, off]", {"a": ["NO", "no", "yes", "on", "off"]}, id="words stay words"),
            pytest.param("a: 1936-01-01", {"a": "1936-01-01"}, id="a date stays text"),
            pytest.param("a: 12:30:00", {"a": "12:30:00"}, id="a time stays text"),
            pytest.param("a: [true, False, ~, null]", {"a": [True, False, None, None]}, id="constants of YAML 1.2"),
            pytest.param("a: [0, -12, 0x1f, 0o17]", {"a": [0, -12, 31, 15]}, id="whole numbers"),
            pytest.param("a: [1.5, -.5, 1e3]", {"a": [1.5, -0.5, 1000.0]}, id="fractions"),
            pytest.param(
                "a: [007, 1_000, .inf, .nan]", {"a": ["007", "1_000", ".inf", ".nan"]}, id="odd ones stay text"
            ),
            pytest.param("a: ['1', \"true\"]", {"a": ["1", "true"]}, id="quoted is text"),
            pytest.param("1: x\nNO: y\n'': z", {"1": "x", "NO": "y", "": "z"}, id="a key is always text"),
            pytest.param(r'a: ["\ud83d\ude00", "\U0001F600"]', {"a": ["\U0001f600"] * 2}, id="halves of one character"),
            pytest.param("\ufeffa: 1", {"a": 1}, id="a mark of the byte order is no part of the text"),
            pytest.param("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}, id="lines as Windows ends them"),
            pytest.param('a: "\\u2028"', {"a": "\u2028"}, id="an escape may be any character"),
            pytest.param("a:\nb: >\n  x\n  y\n", {"a": None, "b": "x y\n"}, id="nothing, and folded text"),
        ],
    )
    def test_reads(self, text, expected):
        assert plain(text) == expected

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            pytest.param("", "file.yaml:1, a mapping is expected here", id="an empty file"),
            pytest.param("- 1", "file.yaml:1, a mapping is expected here", id="a list"),
            pytest.param("just text", "file.yaml:1, a mapping is expected here", id="text"),
            pytest.param(
                "a: drop\nb: 1\na: keep",
                'file.yaml:3, "a" stands here a second time; first in line 1',
                id="a key twice",
            ),
            pytest.param("a: {x: 1, 'x': 2}", '"x" stands here a second time', id="a key twice, once quoted"),
            pytest.param("a: &x 1\nb: *x", "file.yaml:1, anchors (&x) are not allowed", id="an anchor"),
            pytest.param("a: &x 1\nb: *x", "file.yaml:2, aliases (*x) are not allowed", id="an alias"),
            pytest.param("<<: {a: 1}", "merge keys (<<) are not allowed", id="a merge key"),
            pytest.param("a: !!python/object:os.system 1", "tags (", id="a tag"),
            pytest.param("a: !include other.yaml", "tags (!include) are not allowed", id="a tag of one's own"),
            pytest.param("# a\n%YAML 1.1\n---\na: 1", "file.yaml:2, directives", id="a directive"),
            pytest.param("%FOO\n---\na: 1", "file.yaml:1, directives", id="a directive that nobody knows"),
            pytest.param("a: 1\n---\nb: 2", "file.yaml:2, a second document begins here", id="two documents"),
            pytest.param("? [a]\n: 1", "file.yaml:1, a key must be a name", id="a list as key"),
            pytest.param(": 1", "file.yaml:1, a key is missing", id="no key"),
            pytest.param("a: [1,\nb: 2", "file.yaml:2, this is not YAML", id="a bracket left open"),
            pytest.param("a: b: c", "file.yaml:1, this is not YAML", id="two colons"),
            pytest.param("a: 1\n\x00PAR1", "file.yaml:2, this is not YAML: the character U+0000", id="binary data"),
            pytest.param(
                "a: 1\n# ssn is dropped\u2028ssn: keep",
                "file.yaml:2, this is not YAML: the character U+2028 is not allowed",
                id="a line end that no editor shows",
            ),
            pytest.param("a: b\x85", "the character U+0085 is not allowed", id="a line end of older YAML"),
            pytest.param("a: 1\n\ufeffb: 2", "file.yaml:2, this is not YAML: the character U+FEFF", id="a late mark"),
            pytest.param(r'a: "\ud83d"', "file.yaml:1, an escape stands for half a character", id="half a character"),
            pytest.param(r'"\ud83d": 1', "file.yaml:1, an escape stands for half a character", id="half a key"),
            pytest.param(
                'a: 1\nb: "\\U00110000"', "file.yaml:2, this is not YAML: an escape stands for no", id="no character"
            ),
            pytest.param('a: ["\\UFFFFFFFF"]', "file.yaml:1, this is not YAML: an escape", id="nearly a character"),
            pytest.param(
                "a:\n\tb: 1",
                "file.yaml:2, this is not YAML: found character '\\t' that cannot start any "
                "token. Indent with spaces, not with tabs.",
                id="a tab",
            ),
            pytest.param("a: {b: 1", "close every bracket.", id="a brace left open"),
            pytest.param("a: 'b", "Close the quote.", id="a quote left open"),
            pytest.param(
                "a: 99999999999999999999999", "file.yaml:1, this number is too large", id="a number no digest can hold"
            ),
            pytest.param("a: 1e999", "file.yaml:1, this number is too large", id="a fraction that is infinite"),
            pytest.param("a: " + "[" * 40 + "]" * 40, f"more than {MAX_DEPTH} levels", id="too deep"),
            pytest.param("a: " + "x" * MAX_CHARACTERS, "longer than 1,000,000 characters", id="too long"),
        ],
    )
    def test_refuses(self, text, message):
        with pytest.raises(RulesError) as caught:
            plain(text)
        assert message in str(caught.value)

    def test_an_alias_bomb_costs_nothing(self):
        bomb = "a0: &a0 [x]\n" + "".join(f"a{at}: &a{at} [{f'*a{at - 1},' * 9}]\n" for at in range(1, 20))
        with pytest.raises(RulesError, match="anchors"):
            plain(bomb)

    def test_what_is_no_yaml_is_not_quoted(self):
        with pytest.raises(RulesError) as caught:
            plain("name\temail\n\tAnn\tann@secret.example: [")
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None

    def test_the_error_is_the_callers(self):
        with pytest.raises(PolicyError):
            parse("[]", "policy.yaml", PolicyError)

    def test_a_value_stands_in_the_line_of_its_key(self):
        root = parse("a: 1\nb:\n  c:\n    - 2\n", "file.yaml", RulesError)
        assert root.value["b"].line == 2
        assert root.value["b"].value["c"].value[0] == Located(2, 4)


class TestReader:
    """Every problem of a file is shown, in the order of its lines."""

    @pytest.fixture
    def reader(self):
        return Reader("file.yaml")

    def test_without_problems_nothing_is_raised(self, reader):
        assert reader.finish(RulesError) is None

    def test_what_is_absent_reads_as_its_default(self, reader):
        assert reader.string(None, "x", "d") == "d"
        assert reader.integer(None, "x", default=3) == 3
        assert reader.mapping(None, "x") == {}
        reader.finish(RulesError)

    def test_all_problems_come_together_and_sorted(self, reader):
        fields = reader.mapping(
            parse("nam: 1\nage: old\nsize: 11\nkind: tree\nis: 1\n", "file.yaml", RulesError),
            "thing",
            ("name", "age", "size", "kind", "is"),
            ("name",),
        )
        reader.choice(fields["kind"], "kind", ("three", "four"))
        reader.integer(fields["size"], "size", minimum=1, maximum=10)
        reader.integer(fields["age"], "age")
        reader.boolean(fields["is"], "is")
        with pytest.raises(RulesError) as caught:
            reader.finish(RulesError)
        assert str(caught.value).splitlines() == [
            "file.yaml:1, thing: 'nam' is not known here. Did you mean 'name'?",
            "file.yaml:1, thing: 'name' is missing. Add `name:`.",
            "file.yaml:2, age: a whole number is expected here, not text.",
            "file.yaml:3, size: at most 10 is expected here.",
            "file.yaml:4, kind: one of three, four is expected here. Did you mean 'three'?",
            "file.yaml:5, is: true or false is expected here, not a number.",
        ]

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            pytest.param(4, 4, id="an integer"),
            pytest.param(4.0, 4, id="as JSON Schema has it, 4.0 is one too"),
            pytest.param(4.5, None, id="a fraction is none"),
            pytest.param(1e300, None, id="what digests cannot carry is none"),
        ],
    )
    def test_a_whole_number(self, reader, written, read):
        assert reader.integer(Located(written, 1), "x") == (read or 0)
        assert isinstance(reader.integer(Located(written, 1), "x"), int)
        assert bool(reader.problems) == (read is None)

    @pytest.mark.parametrize("written", ["Drop", "DROP", "drpo"])
    def test_a_near_name_is_suggested_in_whatever_case(self, written):
        assert did_you_mean(written, ("drop", "keep")) == " Did you mean 'drop'?"

    def test_among_many_names_a_near_one_is_found_and_not_all_are_listed(self):
        many = [f"column_{at}" for at in range(3000)]
        assert did_you_mean("column_299x", many).startswith(" Did you mean 'column_29")
        assert did_you_mean("qqq", many).endswith("column_1031, column_1032 and 2,960 more.")

    def test_true_is_no_number(self, reader):
        reader.number(Located(value=True, line=1), "x")
        with pytest.raises(RulesError, match="a number is expected here, not true or false"):
            reader.finish(RulesError)

    def test_what_is_not_enforced_has_its_own_sentence(self, reader):
        root = parse("k: 5\n", "file.yaml", RulesError)
        reader.mapping(root, "evidence", ("rows",), unenforced={"k": "this version does not measure it."})
        with pytest.raises(RulesError, match=r"file\.yaml:1, evidence: this version does not measure it"):
            reader.finish(RulesError)
