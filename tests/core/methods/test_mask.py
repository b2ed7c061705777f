"""The middle of a text is hidden; at least one character always is."""

from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.methods import METHODS, Surroundings

HERE = Surroundings("customers", "card")


def masked(values, **options):
    return METHODS["mask"].configure(options, None).apply(pa.array(values), HERE).to_pylist()


class TestMask:
    @pytest.mark.parametrize(
        ("options", "value", "expected"),
        [
            pytest.param({}, "", "", id="the empty text is a text"),
            pytest.param({}, None, None, id="a null stays a null"),
            pytest.param({}, "secret", "******", id="all is hidden by default"),
            pytest.param({"keep_last": 4}, "4111111111111111", "************1111", id="the end shows"),
            pytest.param({"keep_first": 2, "keep_last": 2}, "abcdef", "ab**ef", id="both ends show"),
            pytest.param({"keep_last": 4}, "12345", "*2345", id="one character is hidden at least"),
            pytest.param({"keep_last": 4}, "1234", "****", id="no longer than what would show: all is hidden"),
            pytest.param({"keep_first": 1, "keep_last": 1}, "a", "*", id="shorter than what would show"),
            pytest.param({"keep_last": 4, "keep": "-"}, "-1234", "-****", id="nothing but separators left to hide"),
            pytest.param({"keep_last": 4, "keep": "-"}, "-é234", "-****", id="nothing left to hide, in characters"),
            pytest.param(
                {"keep_first": 1, "keep_last": 2, "keep": "- "}, "a - b-", "* - *-", id="separators at an end"
            ),
            pytest.param({"keep_last": 2, "keep": "- "}, " - ", " - ", id="separators alone"),
            pytest.param({"keep_last": 1, "char": "•"}, "Ελένη", "••••η", id="characters, not bytes"),
            pytest.param({"keep_first": 1}, "a\nb", "a**", id="a line break is a character"),
            pytest.param({"keep_last": 2}, -12345, "****45", id="an integer by its digits"),
            pytest.param({"keep": "-", "keep_last": 4}, "4111-1111-1111-1111", "****-****-****-1111", id="dashes show"),
            pytest.param({"keep": "@."}, "ann@example.com", "***@*******.***", id="several separators show"),
            pytest.param({"keep": "-"}, "é-é", "*-*", id="also between letters that are no ASCII"),
            pytest.param({"keep": "·"}, "a·b", "*·*", id="a separator that is no ASCII"),
            pytest.param(
                {"keep": "]^\\", "char": "\x23"}, "a]b^c\\d", "#]#^#\\#", id="separators with a meaning in patterns"
            ),
            pytest.param({"keep": "-", "char": "\\"}, "é-é", "\\-\\", id="a backslash hides like any other"),
            pytest.param({"keep": "-", "keep_first": 3}, "a-b", "*-*", id="too short, and still its separators show"),
            pytest.param({"length": 5}, "secret", "*****", id="the length is hidden"),
            pytest.param({"length": 5}, "", "*****", id="nothing looks like something"),
            pytest.param({"length": 2, "keep_last": 2}, "Ελένη", "**νη", id="the length is hidden, the end shows"),
            pytest.param({"length": 2, "keep_last": 2}, "ab", "**", id="too short to show its end"),
            pytest.param(
                {"keep_last": 20}, "x" * 19 + "0123456789", "*" * 9 + "x" * 10 + "0123456789", id="a long end"
            ),
        ],
    )
    def test_hides(self, options, value, expected):
        assert masked([value, None], **options) == [expected, None]

    @pytest.mark.parametrize("char", ["", "**", "ab"])
    def test_it_hides_by_one_character(self, char):
        with pytest.raises(ValueError, match="`char:` is one character"):
            METHODS["mask"].configure({"char": char}, None)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            pytest.param({"keep": "-a"}, "no letters or digits", id="a letter is no separator"),
            pytest.param({"keep": "-1"}, "no letters or digits", id="a digit is no separator"),
            pytest.param({"keep": "*"}, "and not `char:`", id="what hides cannot show"),
            pytest.param({"keep": "-", "length": 3}, "take one of them out", id="separators tell the length"),
        ],
    )
    def test_options_must_not_contradict_each_other(self, options, message):
        with pytest.raises(ValueError, match=message):
            METHODS["mask"].configure(options, None)

    @pytest.mark.parametrize(
        "options", [{}, {"keep_last": 4}, {"keep_first": 2, "keep_last": 3}, {"keep": "-@.", "keep_first": 1}], ids=str
    )
    def test_ascii_is_masked_as_anything_else(self, options):
        """A faster way for texts of ASCII alone gives the same."""
        texts = ["", "a", "ab-cd", "ann@example.com", None, "x" * 40, "1-2", "....", "abcdef"] * 3
        alone, mixed = pa.array(texts).slice(1), pa.array([*texts, "é"]).slice(1)
        method = METHODS["mask"].configure(options, None)
        assert method.apply(alone, HERE).to_pylist() == method.apply(mixed, HERE).to_pylist()[:-1]


class TestShape:
    @pytest.mark.parametrize(
        "options",
        [{}, {"keep_last": 4}, {"keep_first": 1, "keep_last": 1, "char": "."}, {"keep": "@."}, {"length": 3}],
        ids=str,
    )
    def test_originals_do_not_fit(self, options):
        """The gate sees that a column was not masked."""
        shape = METHODS["mask"].configure(options, None).shape()
        assert shape.violations(pa.array(["4111111111111111", "ann@example.com", None])) == 2
        assert shape.violations(pa.array([4111111111111111])) == 1


class TestManyTexts:
    """All kinds of texts at once are masked as each is alone, whatever layout and portion they are in."""

    TEXTS = (None, "", "a", "-", "ann@example.com", "Ελένη", "é-é-", "·a€··", "4111-1111-1111-1111", "😀" * 40, "ab")

    @pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
    @pytest.mark.parametrize("keep", [{}, {"keep": "-@"}, {"keep": "·€"}, {"length": 3}], ids=str)
    @pytest.mark.parametrize("char", ["*", "•", "😀"])
    @pytest.mark.parametrize("ends", [(0, 0), (2, 0), (0, 4), (1, 1), (20, 20)], ids=str)
    def test_each_as_if_alone(self, ends, char, keep, kind):
        options = {"keep_first": ends[0], "keep_last": ends[1], "char": char, **keep}
        texts = [*self.TEXTS, *reversed(self.TEXTS)] * 1000
        expected = {text: _masked_alone(text, *ends, char, keep) for text in self.TEXTS}
        out = METHODS["mask"].configure(options, None).apply(pa.array(texts, kind), Surroundings("t", "c"))
        assert out.to_pylist() == [expected[text] for text in texts]


def _masked_alone(text, first, last, char, options):
    if text is None:
        return None
    keep, end = options.get("keep", ""), max(len(text) - last, first)
    middle = text[first:end]
    if not (middle.strip(keep) if keep else middle):
        first, end, middle = 0, len(text), text
    hidden = "".join(each if each in keep else char for each in middle)
    if "length" in options:
        hidden = char * options["length"]
    return text[:first] + hidden + text[end:]
