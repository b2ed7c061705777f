"""What stands around personal data, and in which script its digits are written, makes no difference."""

from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.detect import KINDS, find

VALUES = {
    "email": "ann.b+c@mail.example.co.uk",
    "card": "4111 1111 1111 1111",
    "iban": "GB82 WEST 1234 5698 7654 32",
    "ip": "192.168.10.24",
    "ssn": "123-45-6789",
    "url": "https://example.com/a/b?c=d",
    "mac": "00:1A:2B:3C:4D:5E",
    "nino": "AB 12 34 56 C",
    "date": "2024-01-05",
    "phone": "+44 20 7946 0958",
}
SURROUNDINGS = [
    *["{}", "({})", "[{}]", "{{{}}}", "<{}>", '"{}"', "'{}'", "“{}”", "«{}»", "„{}“", "*{}*", "**{}**", "`{}`", "|{}|"],
    *["x {} x", "\n{}\n", "\t{}\t", "\r\n{}\r\n", "\u00a0{}\u00a0", "\u2003{}\u2003", "\u3000{}\u3000", "\u202f{} "],
    *["x: {}, y", "x; {}; y", "¿{}?", "¡{}!", "…{}…", "— {} —", "é {} é", "王 {} 王", "😀{} 😀", "({}).", "{}. Then"],
    *["\u200b{}\u200b", "\ufeff{}", "\u200e{}\u200f", "\u2066{}\u2069", '{{"k": "{}"}}', "k={} l=1", "a,{}, b"],
    *["• {}", "{}) or", "#{}", "> {}", "x={};", "k:\t{}\n"],
]


def in_digits(text, zero):
    """Write the digits of a text in another script, told by its zero."""
    return "".join(chr(ord(zero) + int(each)) if each.isdigit() else each for each in text)


def wide(text):
    """Write a text in full-width characters, but for its blanks."""
    return "".join(each if each == " " else chr(ord(each) + 0xFEE0) for each in text)


class TestSurroundings:
    """Every kind is found whole, and nothing beside it."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_make_no_difference(self, kind):
        texts = [each.format(VALUES[kind]) for each in SURROUNDINGS]
        starts = [each.index(VALUES[kind]) for each in texts]
        wanted = [[(start, start + len(VALUES[kind]), kind)] for start in starts]
        found = find(pa.array(texts), KINDS)
        assert dict(zip(texts, found, strict=True)) == dict(zip(texts, wanted, strict=True))

    @pytest.mark.parametrize("kind", sorted(set(KINDS) - {"email", "url", "date", "phone"}))
    @pytest.mark.parametrize("around", ["_{}_", "file_{}_x", "\\n{}\\n", "a\\t{}\\tb"])
    def test_underscores_and_escaped_breaks_are_no_part_of_a_number(self, bracketed, kind, around):
        text = around.format(VALUES[kind])
        assert bracketed(text, [kind]) == text.replace(VALUES[kind], f"⟦{VALUES[kind]}⟧")

    @pytest.mark.parametrize(
        "expected",
        [
            pytest.param(r"x\n⟦ann@example.com⟧\n", id="a break before an e-mail address"),
            pytest.param(r"x\n⟦example.com/y⟧\nz", id="a break before a page without a scheme"),
            pytest.param(r"x\t⟦www.example.com⟧\t", id="a tab before a page"),
            pytest.param(r"x\\\n⟦10.0.0.1⟧\\\n", id="breaks of a text in a text in a text"),
            pytest.param(r"⟦https:\/\/example.com\/a\/b⟧", id="slashes as PHP writes them"),
            pytest.param(r"⟦https://example.com/?a=1\u0026b=2⟧", id="an ampersand as Go writes it"),
            pytest.param(r"\u003c⟦ann@example.com⟧\u003e", id="brackets around an address"),
            pytest.param(
                r"\u0022⟦4111111111111111⟧\u0022 \u003C⟦123-45-6789⟧", id="brackets and quotes around numbers"
            ),
            pytest.param(r"⟦m\u00fcller@b\u00fccher.example⟧\u3002", id="letters beyond ASCII"),
            pytest.param(r"\u90ae\u7bb1⟦ann@example.com⟧\uff0c", id="words of Chinese around an address"),
            pytest.param(r"\u043d\u0430 ⟦\u0438\u0432\u0430\u043d@example.com⟧", id="a name in Cyrillic letters"),
            pytest.param(r"⟦411\u0661 1111\u00a01111 1111⟧", id="digits and blanks"),
            pytest.param(r"⟦\u002b49 30 901820⟧", id="the plus of a telephone number"),
            pytest.param(r"⟦ann\u200b@example.com⟧", id="a space of no width"),
            pytest.param("&lt;⟦ann@example.com⟧&gt; ⟦ann&#64;example&#46;com⟧", id="signs as HTML writes them"),
            pytest.param("⟦4111&nbsp;1111&nbsp;1111&nbsp;1111⟧&nbsp;⟦123&ndash;45&ndash;6789⟧", id="blanks of HTML"),
            pytest.param("&quot;⟦https://example.com/?a=1&amp;b=2⟧&quot; & &amp; &#12;", id="an ampersand of HTML"),
            pytest.param(r"C:\users\new\u12 \ud83d\ude00 \u12", id="backslashes that begin nothing to be found"),
        ],
    )
    def test_what_is_spelled_as_an_escape_counts_as_what_it_means(self, bracketed, expected):
        text = expected.replace("⟦", "").replace("⟧", "")
        assert bracketed(text) == expected

    def test_in_several_cells_escapes_do_not_move_what_is_found(self):
        cells = pa.array([r"a\nann@example.com", None, "", "bob@example.com", r"\u003ccy@example.com\\n"])
        pairs = zip(cells.to_pylist(), find(cells), strict=True)
        assert [[cell[start:end] for start, end, _ in here] for cell, here in pairs] == [
            ["ann@example.com"],
            [],
            [],
            ["bob@example.com"],
            ["cy@example.com"],
        ]


class TestScripts:
    """Digits of other scripts and wide letters count as those of ASCII; what nobody sees does not count."""

    @pytest.mark.parametrize(
        "expected",
        [
            pytest.param(wide("4111 1111 1111 1111"), id="a card in wide digits"),
            pytest.param(in_digits("4111111111111111", "\u0660"), id="a card in Arabic digits"),
            pytest.param(in_digits("4111-1111-1111-1111", "\u06f0"), id="a card in Persian digits"),
            pytest.param(in_digits("4111 1111 1111 1111", "\u0966"), id="a card in Devanagari digits"),
            pytest.param(in_digits("123-45-6789", "\u09e6"), id="a number of a person in Bengali digits"),
            pytest.param(wide("123-45-6789"), id="wide dashes"),
            pytest.param(wide("DE89370400440532013000"), id="an account in wide letters"),
            pytest.param(wide("ann@example.com"), id="an e-mail address in wide letters"),
            pytest.param(wide("192.168.10.24"), id="a machine in wide digits"),
            pytest.param(in_digits("+8801670416465", "\u09e6"), id="a telephone number in Bengali digits"),
            pytest.param("4111\u200b1111\u200b1111\u200b1111", id="zero-width spaces in a card"),
            pytest.param("ann@\u200bexam\u00adple.com", id="places for breaks in an e-mail address"),
            pytest.param("123\u2060-\u206045\u2060-\u20606789", id="word joiners in a number of a person"),
            pytest.param(wide("192") + "\u200b.168.10." + wide("24"), id="wide digits and a zero-width space"),
        ],
    )
    def test_make_no_difference(self, bracketed, expected):
        text = f"é \u200b{expected}\u200b, 王"
        assert bracketed(text) == f"é \u200b⟦{expected}⟧\u200b, 王"

    def test_two_beside_a_space_of_no_width_are_two(self, bracketed):
        assert bracketed("10.0.0.1\u200b10.0.0.2", ["ip"]) == "⟦10.0.0.1⟧\u200b⟦10.0.0.2⟧"

    def test_in_several_cells(self):
        cells = pa.array([wide("123") + "-45-6789", None, "é", "", "x \u200b123-45\u200b-6789"])
        assert find(cells, ["ssn"]) == [[(0, 11, "ssn")], [], [], [], [(3, 15, "ssn")]]

    def test_joiners_within_words_stay(self, bracketed):
        """Some scripts need them to be read; what stands around them is looked at as it is."""
        word = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0645"
        assert bracketed(f"{word} ann@example.com") == f"{word} ⟦ann@example.com⟧"
