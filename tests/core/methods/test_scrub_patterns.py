"""The rules' own patterns are looked for too, and cannot be made to hang."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from maskgate.detect.text import Text
from maskgate.errors import MaskingError
from maskgate.methods import METHODS, Surroundings
from maskgate.methods.scrub_patterns import SECONDS, UserPattern

HERE = Surroundings("customers", "notes")


def scrubbed(values, *patterns):
    return METHODS["scrub"].configure({"also_find": list(patterns)}, None).apply(pa.array(values), HERE).to_pylist()


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "text", "expected"),
        [
            pytest.param("EMP-[0-9]+", "EMP-77, EMP-78", "<FOUND>, <FOUND>", id="without a name"),
            pytest.param("(?P<staff>EMP-[0-9]+)", "by EMP-77", "by <STAFF>", id="with a name"),
            pytest.param("(?P<staff>EMP)-(?P<no>[0-9]+)", "by EMP-77", "by <STAFF>", id="with two, by the first"),
            pytest.param("(?i)emp-[0-9]+", "Emp-7", "<FOUND>", id="in any case"),
            pytest.param("^x+$", "xx", "<FOUND>", id="a whole cell"),
            pytest.param("^x+", "xx x", "<FOUND> x", id="at the beginning"),
            pytest.param(r"\p{Lu}\p{L}+", "für Élodie", "für <FOUND>", id="in any script"),
            pytest.param(r"a\s+b", "a \n b", "<FOUND>", id="over lines"),
            pytest.param(r"[0-9]+@[a-z.]+", "77@x.example", "<FOUND>", id="before the built-in kinds"),
            pytest.param("ab?", "abab", "<FOUND>", id="side by side is one"),
            pytest.param(r"\b", "ab", "ab", id="nothing between words is nothing"),
            pytest.param(r"\bab|\b", "ab cd", "<FOUND> cd", id="nothing or something"),
            pytest.param(r"a\\C", "a\\C", "<FOUND>", id="a backslash before a letter"),
        ],
    )
    def test_are_found(self, pattern, text, expected):
        assert scrubbed(["", None, text, text + "\n" + "." * 2_000], pattern)[:3] == ["", None, expected]

    def test_in_long_texts_too(self):
        long = "." * 50_000
        assert scrubbed([f"{long}éEMP-7{long}", "EMP-8"], "EMP-[0-9]") == [f"{long}é<FOUND>{long}", "<FOUND>"]

    def test_do_not_reach_over_cells(self):
        assert scrubbed(["a", "b", "a b"], r"a\s*b", "b[^x]*a") == ["a", "b", "<FOUND>"]

    def test_several_are_looked_for_in_their_order(self):
        assert scrubbed(["A1 B2"], "(?P<first>A[0-9])", "(?P<second>[AB][0-9])") == ["<FIRST> <SECOND>"]

    @pytest.mark.parametrize(
        ("patterns", "text", "expected"),
        [
            pytest.param(["x[yz]", "foo.*bar"], "a foo xy bar b", "a <FOUND><FOUND><FOUND> b", id="all around it"),
            pytest.param(["x[yz]", "foo.*y"], "foo xy", "<FOUND><FOUND>", id="up to its end"),
            pytest.param(["x+"], "to ann@example.com", "to <EMAIL><FOUND><EMAIL>", id="in the middle of an address"),
            pytest.param(["[0-9]{5}"], "4111111111111111", "<FOUND><CARD>", id="a part of a card"),
            pytest.param(["(?P<b>b+)", "(?P<any>.+)"], "abba", "<ANY><B><ANY>", id="everything"),
            pytest.param(
                ["b", "[^x]+"], "éb\x01bé", "<FOUND><FOUND><FOUND><FOUND><FOUND>", id="beside a control character"
            ),
        ],
    )
    def test_what_overlaps_is_replaced_together(self, patterns, text, expected):
        assert scrubbed([text, None, text + "!"], *patterns)[:2] == [expected, None]

    @pytest.mark.parametrize("text", ["foo xy bar", "foo\u200bxy bar", "Foo xy BAR"])
    def test_a_value_of_another_column_that_reaches_over_a_match_is_removed_around_it(self, text):
        here = Surroundings("customers", "notes", columns={"name": pa.array(["foo bar", "foo bar"])})
        method = METHODS["scrub"].configure({"also_find": ["x[yz]"], "also_remove": ["name"]}, None)
        for cell in method.apply(pa.array([text, "foo bar"]), here).to_pylist():
            assert not {"foo", "bar", "xy"} & set(re.findall("[a-z]+", cell.lower()))


class TestRefusals:
    @pytest.mark.parametrize(
        ("pattern", "message"),
        [
            ("(a", "'(a' is no pattern of RE2: missing ): (a"),
            ("(?<=x)a", "'(?<=x)a' is no pattern of RE2: invalid perl operator: (?<="),
            (r"(a)\1", r"'(a)\\1' is no pattern of RE2: invalid escape sequence: \1"),
            (r"a\C", r"'a\\C' takes characters apart. Write `(?s:.)`, any character, for its `\C`, any byte"),
            ("a{1001}", "'a{1001}' is no pattern of RE2: invalid repetition size: {1001}"),
            ("x*", "'x*' matches the empty text, and so would be found everywhere"),
            ("", "'' matches the empty text, and so would be found everywhere"),
        ],
    )
    def test_what_is_no_pattern_is_refused(self, pattern, message):
        with pytest.raises(ValueError) as error:
            UserPattern.of(pattern)
        assert str(error.value) == message

    def test_what_is_too_large_is_refused(self):
        with pytest.raises(ValueError, match=r"is too large a pattern: [0-9]+ steps, of which 20000 are allowed"):
            UserPattern.of(r"\pL{20}")


class TestHostileTexts:
    """What makes other engines run for hours is done in a moment here; the suite's time limit is the test."""

    @pytest.mark.parametrize(
        ("pattern", "text"),
        [
            ("(a+)+b", "a" * 100_000),
            ("(x+x+)+y", "x" * 100_000),
            ("(a|aa)+$", "a" * 100_000 + "!"),
            ("(.*)*=.*;", "x" * 10_000),
            (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 100_000),
        ],
    )
    def test_do_not_stop_a_pattern(self, pattern, text):
        assert len(scrubbed([text], f"(?P<p>{pattern})z")) == 1

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("a" * 2_000_000, id="letters"),
            pytest.param("1" * 2_000_000, id="digits"),
            pytest.param("1 " * 1_000_000, id="digits apart"),
            pytest.param("a@" * 500_000, id="at signs"),
            pytest.param("a." * 500_000, id="points"),
            pytest.param("a@a." * 300_000, id="almost addresses"),
            pytest.param("http://" * 200_000, id="schemes"),
            pytest.param(":" * 500_000, id="colons"),
            pytest.param("1:" * 500_000, id="digits and colons"),
            pytest.param("DE89 " * 300_000, id="beginnings of accounts"),
            pytest.param("4111 " * 300_000, id="beginnings of cards"),
            pytest.param("+1 (" * 300_000, id="beginnings of telephone numbers"),
            pytest.param("123-45-" * 200_000, id="beginnings of numbers of people"),
            pytest.param("((((" * 200_000, id="brackets"),
            pytest.param("http://x" + ")" * 500_000, id="an address and brackets"),
            pytest.param("é" * 500_000 + "@é.é", id="letters of two bytes"),
            pytest.param("0171 1234567 " * 80_000, id="telephone numbers"),
            pytest.param("4111 1111 1111 1111 " * 50_000, id="cards"),
            pytest.param("2001:db8:" * 100_000, id="beginnings of addresses"),
            pytest.param("1.2.3.4." * 100_000, id="numbers and points"),
            pytest.param("versions 1.2.3.4, " * 60_000, id="versions"),
            pytest.param("example.com." * 80_000, id="domains"),
            pytest.param("1\u200b" * 250_000, id="digits and characters of no width"),
            pytest.param("\uff11" * 300_000, id="wide digits"),
            pytest.param("\\n" * 500_000, id="escapes"),
            pytest.param("\\" * 1_000_000 + "n", id="backslashes"),
            pytest.param(r"\u0041" * 200_000, id="letters as escapes"),
            pytest.param('"a' * 400_000 + '"@', id="quotes"),
            pytest.param('"a"@' * 250_000, id="quotes and at signs"),
            pytest.param("a%40" * 250_000, id="at signs of a form"),
            pytest.param("日本@日本." * 50_000, id="words of a script without blanks"),
        ],
    )
    def test_do_not_stop_the_built_in_kinds(self, text):
        kinds = {"find": ["url", "email", "iban", "card", "mac", "ip", "ssn", "nino", "date", "phone"]}
        column = pa.array([text, "ann@example.com"])
        assert METHODS["scrub"].configure(kinds, None).apply(column, HERE).to_pylist()[1] == "<EMAIL>"

    def test_a_pattern_that_looks_far_ahead_at_every_place_is_stopped(self):
        """Two matches a second apart, by this clock, are enough to see it."""
        seconds = iter(range(0, 10_000, 20))
        text = Text.of(pa.array(["ab" * 1_000]))
        with pytest.raises(MaskingError) as error:
            UserPattern.of("a").find(text, "notes", lambda: float(next(seconds)))
        assert str(error.value) == (
            f"column \"notes\": the pattern 'a' takes more than {SECONDS:.0f} seconds for a few long texts. "
            "Write it so that it does not look far ahead, as `.*` does"
        )
