"""Few texts in many rows are the same as when Arrow writes them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from maskgate.methods.bands import bands_of_width
from maskgate.methods.cleansing import cleansed
from maskgate.methods.few_texts import FewTexts

# Odd, so that the last row has no other to be copied with.
ROWS = 40_001
SHORT = [str(number) * (number % 9) for number in range(40)]
LONG = ["x" * (number % 33) for number in range(90)]
DRAW = np.random.default_rng(4)


class TestFewTexts:
    @pytest.mark.parametrize("texts", [[], ["a"]])
    def test_no_rows(self, texts):
        assert FewTexts(pa.array(texts, pa.string())).column(np.zeros(0, np.int64), 0, None).to_pylist() == []

    @pytest.mark.parametrize(
        ("kind", "first"), [(np.uint8, 0), (np.int8, 0), (np.int8, -128), (np.int16, -30), (np.int64, 7)]
    )
    @pytest.mark.parametrize("has_nulls", [False, True])
    @pytest.mark.parametrize(
        "texts",
        [
            pytest.param(SHORT, id="of up to 16 bytes"),
            pytest.param(LONG, id="of up to 32 bytes"),
            pytest.param([*LONG, "y" * 33], id="longer ones"),
            pytest.param(["same"] * 40, id="all of one length"),
        ],
    )
    def test_each_row_has_its_text(self, kind, first, has_nulls, texts):
        places = DRAW.integers(0, len(texts), ROWS)
        valid = DRAW.random(ROWS) < 0.8 if has_nulls else None
        out = FewTexts(pa.array(texts)).column((places + first).astype(kind), first, valid)
        mask = None if valid is None else ~valid
        assert out.equals(pa.array(texts).take(pa.array(places, mask=mask)))
        out.validate(full=True)

    def test_nothing_is_left_behind_the_last_text(self):
        """Neither the rest of a copy nor what lay under a null."""
        codes, valid = DRAW.integers(0, len(SHORT), ROWS), DRAW.random(ROWS) < 0.8
        codes[~valid] = 2**40
        out = FewTexts(pa.array(SHORT)).column(codes, 0, valid)
        assert cleansed(out) is out
        assert out.buffers()[2].size == sum(map(len, out.drop_null().to_pylist()))


class TestBands:
    """Bands of many rows are those of single ones, whatever the type."""

    @pytest.mark.parametrize("kind", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"])
    @pytest.mark.parametrize("width", [7, 1000, 2.5])
    def test_they_are_the_same(self, kind, width):
        least, most = (-(10**5), 10**5) if kind[0] == "f" else (np.iinfo(kind).min, np.iinfo(kind).max)
        numbers = DRAW.integers(max(least, -(10**5)), min(most, 10**5), 3000).astype(kind)
        if kind[0] == "f":
            numbers += numbers.dtype.type(0.25)
        column = pa.array(numbers, mask=DRAW.random(3000) < 0.1)
        alone = [bands_of_width(column.slice(row, 1), width)[0].as_py() for row in range(0, 3000, 100)]
        assert bands_of_width(column, width).to_pylist()[::100] == alone

    def test_what_lies_under_nulls_names_no_band(self):
        bits = pa.array([1, None, 2]).buffers()[0]
        for under in (-(2**63), 2**63 - 1):
            column = pa.Array.from_buffers(pa.int64(), 3, [bits, pa.py_buffer(np.array([1, under, 25]))])
            assert bands_of_width(column, 10).to_pylist() == ["[0, 10)", None, "[20, 30)"]
        for under in (float("nan"), float("inf"), 1e300):
            column = pa.Array.from_buffers(pa.float64(), 3, [bits, pa.py_buffer(np.array([1, under, 25]))])
            assert bands_of_width(column, 10).to_pylist() == ["[0, 10)", None, "[20, 30)"]
