from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from maskgate.errors import RulesError, UsageError
from maskgate.methods import Declaration, Family, Kind, Parameter, Shape
from maskgate.methods.redact import Redact
from maskgate.methods.registry import find_method
from maskgate.rules import ColumnRule, Rules, column_reader, load_rules, read_rules, rule
from maskgate.rules.option_reader import OptionReader
from maskgate.rules.strict_yaml import Reader, parse

HERE = Path(__file__).parent
SAMPLE = Path(__file__).parents[3] / "sample_dags" / "rules" / "customers.yaml"


def files(folder):
    return [pytest.param(path, id=path.stem.replace("_", " ")) for path in sorted((HERE / folder).glob("*.yaml"))]


class TestLoadRules:
    """A rules file is taken whole or refused whole, with everything that is wrong."""

    @pytest.mark.parametrize("path", [*files("accepted"), pytest.param(SAMPLE, id="the sample")])
    def test_accepts(self, path):
        rules = load_rules(path)
        assert rules.path == path
        assert Rules.from_json(rules.as_json()) == rules
        for table in rules.tables.values():
            assert set(table.shapes()) == set(table.columns)

    @pytest.mark.parametrize("path", files("refused"))
    def test_refuses(self, path):
        with pytest.raises(RulesError) as caught:
            read_rules(path.read_text(encoding="utf-8"), path.name, path)
        assert str(caught.value) + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")
        assert caught.value.exit_code == 2

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(RulesError, match="the rules cannot be read: No such file"):
            load_rules(tmp_path / "rules.yaml")

    def test_a_name_that_no_file_has(self):
        with pytest.raises(RulesError, match="the rules cannot be read: no file can have this name"):
            load_rules("rules\0.yaml")

    def test_a_file_that_is_not_text(self, tmp_path):
        (tmp_path / "rules.yaml").write_bytes(b"version: 1\nPAR1\xff\xfe")
        with pytest.raises(RulesError, match=r"rules\.yaml:2, .*not text in UTF-8"):
            load_rules(tmp_path / "rules.yaml")

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            pytest.param("loop.yaml", "'loop.yaml' cannot be read: Too many levels of symbolic links", id="a loop"),
            pytest.param("x" * 300, "cannot be read: File name too long", id="a long name"),
            pytest.param(r"a\0.yaml", "a file's name has no null character in it", id="a null character"),
            pytest.param("pipe", "'pipe' is not a file", id="a pipe, which nobody writes to"),
            pytest.param("rules.yaml", "an included file includes nothing", id="the file itself"),
        ],
    )
    def test_an_included_file_that_cannot_be_opened(self, tmp_path, name, said):
        (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "rules.yaml").write_text(f'version: 1\ninclude: "{name}"\ntables: {{t: {{columns: {{a: drop}}}}}}')
        with pytest.raises(RulesError, match=said):
            load_rules(tmp_path / "rules.yaml")

    def test_a_link_that_leads_out_of_the_folder(self, tmp_path):
        (tmp_path / "elsewhere.yaml").write_text("version: 1\nkeys: {people: env:A}\n")
        folder = tmp_path / "rules"
        folder.mkdir()
        (folder / "shared.yaml").symlink_to(tmp_path / "elsewhere.yaml")
        (folder / "rules.yaml").write_text("version: 1\ninclude: shared.yaml\ntables: {t: {columns: {a: drop}}}")
        with pytest.raises(RulesError, match=r"'shared.yaml' is outside of the folder of the rules file"):
            load_rules(folder / "rules.yaml")
        (folder / "shared.yaml").unlink()
        (folder / "shared.yaml").symlink_to(folder / "real.yaml")
        (folder / "real.yaml").write_text("version: 1\nkeys: {people: env:A}\n")
        assert load_rules(folder / "rules.yaml").keys == {"people": "env:A"}

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            pytest.param(b"PAR1\xff\xfe", "'shared.yaml' is not text in UTF-8", id="bytes"),
            pytest.param(b" " * 4_000_001, "'shared.yaml' has more than 4,000,000 bytes", id="too much"),
        ],
    )
    def test_an_included_file_that_is_no_text(self, tmp_path, content, said):
        (tmp_path / "shared.yaml").write_bytes(content)
        (tmp_path / "rules.yaml").write_text("version: 1\ninclude: shared.yaml\ntables: {t: {columns: {a: drop}}}")
        with pytest.raises(RulesError, match=said):
            load_rules(tmp_path / "rules.yaml")

    def test_rules_given_as_text_have_no_folder(self):
        with pytest.raises(RulesError, match="rules that are given as text have no folder"):
            load_rules("version: 1\ninclude: shared.yaml\ntables: {t: {columns: {a: drop}}}")

    @pytest.mark.parametrize(
        "text", ["version: 1\ntables: {t: {columns: {a: drop}}}", "{version: 1, tables: {t: {columns: {a: drop}}}}"]
    )
    def test_text_is_read_as_well(self, text):
        assert load_rules(text).tables["t"].columns["a"].method == "drop"


class TestRules:
    """Rules hold everything spelled out, so that what means the same is the same."""

    @pytest.fixture
    def whole(self):
        return load_rules(HERE / "accepted" / "whole.yaml")

    def test_a_key_stands_with_every_column_that_takes_it(self, whole):
        columns = whole.tables["customers"].columns
        assert [columns[name].key for name in ("customer_id", "email", "seen_at", "notes")] == [
            "people",
            "contact",
            "contact",
            None,
        ]

    def test_the_only_key_is_the_default(self):
        rules = load_rules(HERE / "accepted" / "one_key.yaml")
        assert {rule.key for rule in rules.tables["people"].columns.values()} == {"people"}

    def test_the_digest_is_that_of_the_meaning(self, whole):
        text = (HERE / "accepted" / "whole.yaml").read_text(encoding="utf-8")
        assert read_rules(f"# moved\n\n{text}", "other.yaml").digest == whole.digest
        assert whole.digest.startswith("sha256:")

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            pytest.param("to: year", "to: month", id="an option"),
            pytest.param("NO: keep", "NO: drop", id="a method"),
            pytest.param("unlisted: drop", "unlisted: keep", id="what happens to the rest"),
            pytest.param("scheme: cmac", "scheme: hmac", id="a scheme"),
            pytest.param("env:MASKGATE_KEY_PEOPLE", "env:OTHER", id="a reference"),
        ],
    )
    def test_another_meaning_has_another_digest(self, whole, old, new):
        text = (HERE / "accepted" / "whole.yaml").read_text(encoding="utf-8")
        assert read_rules(text.replace(old, new), "rules.yaml").digest != whole.digest

    def test_what_is_included_counts_as_if_it_stood_there(self):
        included = load_rules(HERE / "accepted" / "included.yaml")
        shared = (HERE / "accepted" / "shared" / "domains.yaml").read_text(encoding="utf-8")
        text = (HERE / "accepted" / "included.yaml").read_text(encoding="utf-8")
        domain = shared.partition("domains:\n")[2].strip()
        written = (
            text.replace("include: shared/domains.yaml\n", "")
            .replace("env:MASKGATE_KEY_PEOPLE}", "env:MASKGATE_KEY_PEOPLE, contact: env:MASKGATE_KEY_CONTACT}")
            .replace("domains: {phone:", f"domains: {{{domain.replace('email:', 'email:')}, phone:")
        )
        assert "include" not in written
        assert read_rules(written, "rules.yaml").digest == included.digest

    def test_only_the_keys_of_the_tables_asked_for_are_referred_to(self, rules):
        assert set(rules.references(["orders"])) == {"people"}
        assert set(rules.references(["orders", "customers"])) == {"people", "contact"}

    def test_a_rule_describes_itself(self, whole):
        columns = whole.tables["customers"].columns
        assert columns["email"].describe() == "token (domain=email, hmac)"
        assert columns["birth_date"].describe() == "generalize (to=year)"
        assert columns["NO"].describe() == "keep"

    def test_a_conditional_rule_describes_itself(self):
        columns = load_rules(HERE / "accepted" / "conditions.yaml").tables["people"].columns
        assert columns["tax_id"].describe() == (
            'redact (with="***") when country is DE or AT or null, '
            "mask when country is GB and age is at least 18 and at most 67, "
            "mask (keep_last=2) when country is not FR or null and age is not at most 17, "
            "nullify when born is at least 1936-01-01 and note matches ^(ref|no)[.] and active is true, "
            "otherwise keep"
        )
        assert columns["tax_id"].methods == ("redact", "mask", "nullify", "keep")
        assert columns["contacts[].value"].rules()[0].describe() == "redact (on_invalid=redact)"

    def test_rules_without_news_have_the_digest_they_always_had(self):
        """What the gate has registered by digest stays registered."""
        text = """\
version: 1
keys: {people: env:A}
domains: {customer: {scheme: hmac, prefix: c_}}
tables: {t: {entity: id, columns: {id: {method: token, domain: customer}, at: {method: shift_date, days: 3}}}}
"""
        expected = "sha256:24c64ec8a174c85a52dd489d199b853206250b12cce55353f8aa4309afb1d67b"
        assert read_rules(text, "rules.yaml").digest == expected


PLUGIN = "{method: acme.round_money, to: [100], key: people, on_invalid: nullify}"
WITH_PLUGIN = f"version: 1\nkeys: {{people: env:A}}\ntables: {{t: {{columns: {{a: {PLUGIN}}}}}}}\n"


class RoundMoney(Redact):
    """Stands for a method of a distribution that is installed beside ours."""

    declaration = Declaration(
        name="acme.round_money",
        term="generalization",
        summary="Rounds.",
        accepts=frozenset({Family.STRING}),
        parameters=(Parameter("to", Kind.NUMBERS, "To what."),),
        needs_key=True,
    )


class TestPlugins:
    """A plugin's method is loaded where data is masked, and nowhere else; the rules mean the same in both places."""

    @pytest.fixture
    def install(self, monkeypatch):
        def put(method):
            for module in (column_reader, rule):
                found = lambda name, *, plugins=True: find_method(name) or (method if plugins else None)  # noqa: E731
                monkeypatch.setattr(module, "find_method", found)

        return put

    def test_where_plugins_are_not_loaded_their_rules_are_taken_as_they_are_written(self):
        rule = load_rules(WITH_PLUGIN, plugins=False).tables["t"].columns["a"]
        assert rule.is_opaque
        assert rule.shape() == Shape(free=True)
        assert rule.describe() == "acme.round_money (to=[100], on_invalid=nullify)"
        with pytest.raises(UsageError, match=r"'acme.round_money' is a plugin's that is not installed or not loaded"):
            rule.build()

    def test_both_have_the_same_digest(self, install):
        registered = load_rules(WITH_PLUGIN, plugins=False)
        install(RoundMoney)
        loaded = load_rules(WITH_PLUGIN)
        assert not loaded.tables["t"].columns["a"].is_opaque
        assert loaded == registered
        assert loaded.digest == registered.digest
        assert Rules.from_json(loaded.as_json()).tables["t"].columns["a"].is_opaque
        assert not Rules.from_json(loaded.as_json(), plugins=True).tables["t"].columns["a"].is_opaque

    def test_a_key_stands_beside_it(self, install):
        install(RoundMoney)
        with pytest.raises(RulesError, match=r"'acme.round_money' needs a key. Add `key:` to the column. Declared are"):
            load_rules(WITH_PLUGIN.replace(" key: people,", ""))

    def test_it_reads_no_file(self, install):
        declaration = replace(RoundMoney.declaration, parameters=(Parameter("to", Kind.FILE, "From what."),))
        install(type("Other", (RoundMoney,), {"declaration": declaration}))
        with pytest.raises(RulesError, match=r"'acme.round_money' reads a file, which a plugin's method cannot"):
            load_rules(WITH_PLUGIN)


class TestOptions:
    """Every kind of option is read strictly, and reaches the method in one form."""

    @pytest.fixture
    def read(self, tmp_path):
        """Read options of a method that has one of every kind."""
        (tmp_path / "levels.csv").write_text("a,b\n", encoding="utf-8")
        parameters = (
            Parameter("texts", Kind.STRINGS, ""),
            Parameter("values", Kind.VALUES, ""),
            Parameter("words", Kind.CHOICES, "", choices=("email", "card")),
            Parameter("columns", Kind.COLUMNS, ""),
            Parameter("edges", Kind.NUMBERS, "", minimum=0),
            Parameter("matrix", Kind.MATRIX, "", minimum=0, maximum=1),
            Parameter("file", Kind.FILE, ""),
        )
        declaration = Declaration("try", "", "", frozenset(), parameters)

        def options(text):
            located = parse(f"{{{text}}}", "rules.yaml", RulesError)
            reader = Reader("rules.yaml")
            read = OptionReader(reader, tmp_path / "rules.yaml").options("c", declaration, located.value, 1)
            reader.finish(RulesError)
            return read

        return options

    @pytest.mark.parametrize(
        ("text", "read_as"),
        [
            pytest.param("", {}, id="nothing"),
            pytest.param("texts: a", {"texts": ["a"]}, id="one text is a list of one"),
            pytest.param("texts: [a, '']", {"texts": ["a", ""]}, id="texts, also an empty one"),
            pytest.param(
                "values: [7, -1, true, a, '']", {"values": ["7", "-1", "true", "a", ""]}, id="values as spelled"
            ),
            pytest.param("words: [card, email]", {"words": ["card", "email"]}, id="words"),
            pytest.param("columns: a.b", {"columns": ["a.b"]}, id="a column"),
            pytest.param("edges: [0, 1.5]", {"edges": [0, 1.5]}, id="numbers"),
            pytest.param("edges: 3", {"edges": 3}, id="a number stays one"),
            pytest.param("matrix: {a: {a: 0.9, b: 0.1}}", {"matrix": {"a": {"a": 0.9, "b": 0.1}}}, id="a matrix"),
            pytest.param(
                "file: levels.csv", {"file": {"file": "levels.csv", "content": "a,b\n"}}, id="a file with its content"
            ),
        ],
    )
    def test_accepts(self, read, text, read_as):
        assert read(text) == read_as

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            pytest.param("texts: []", "c, texts: this list is empty", id="no text"),
            pytest.param("texts: [1]", "c, texts: text is expected here, not a number", id="a number for a text"),
            pytest.param("values: [1.5]", "c, values: a text, a whole number, true or false is", id="no spelled value"),
            pytest.param("words: [iban]", "c, words: one of email, card is expected here", id="another word"),
            pytest.param("columns: ['*']", "c, columns: one column is expected here, not a pattern", id="a pattern"),
            pytest.param("columns: ['a[']", "c, columns: 'a\\[' is not the path of a column", id="no path"),
            pytest.param("edges: [-1]", "c, edges: at least 0 is expected here", id="a number out of bounds"),
            pytest.param("matrix: [a]", "c, matrix: a mapping is expected here, not a list", id="no matrix"),
            pytest.param(
                "matrix: {a: {b: 2}}", 'c, matrix, from "a" to "b": at most 1 is expected here', id="no probability"
            ),
            pytest.param("file: ../levels.csv", "c, file: '../levels.csv' is outside of the folder", id="outside"),
            pytest.param("file: none.csv", "c, file: 'none.csv' cannot be read: No such file", id="no file"),
            pytest.param("when: {a: 1}", "a rule with `when:` is one entry of a list", id="a condition alone"),
        ],
    )
    def test_refuses(self, read, text, said):
        with pytest.raises(RulesError, match=said):
            read(text)

    def test_a_file_is_named_and_not_shown(self):
        options = {"hierarchy": {"file": "levels.csv", "content": "secret"}, "matrix": {"a": {"b": 0.5}}, "find": ["x"]}
        assert ColumnRule("generalize", options).describe() == (
            'generalize (hierarchy="levels.csv", matrix={a: {b: 0.5}}, find=[x])'
        )
