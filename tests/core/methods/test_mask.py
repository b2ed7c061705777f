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
            pytest.param({"keep_last": 1, "char": "•"}, "Ελένη", "••••η", id="characters, not bytes"),
            pytest.param({"keep_first": 1}, "a\nb", "a**", id="a line break is a character"),
            pytest.param({"keep_last": 2}, -12345, "****45", id="an integer by its digits"),
        ],
    )
    def test_hides(self, options, value, expected):
        assert masked([value, None], **options) == [expected, None]

    @pytest.mark.parametrize("char", ["", "**", "ab"])
    def test_it_hides_by_one_character(self, char):
        with pytest.raises(ValueError, match="`char:` is one character"):
            METHODS["mask"].configure({"char": char}, None)


class TestShape:
    @pytest.mark.parametrize("options", [{}, {"keep_last": 4}, {"keep_first": 1, "keep_last": 1, "char": "."}], ids=str)
    def test_originals_do_not_fit(self, options):
        """The gate sees that a column was not masked."""
        shape = METHODS["mask"].configure(options, None).shape()
        assert shape.violations(pa.array(["4111111111111111", "ann@example.com", None])) == 2
        assert shape.violations(pa.array([4111111111111111])) == 1
