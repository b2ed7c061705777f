"""The first bits of a word say what the whole word would, or nothing."""

from __future__ import annotations

from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from core.methods.noisy import entities, noise

from maskgate.methods.first_bits import FirstBits

ROWS = 100_001
DRAW = np.random.default_rng(9)


def hundredths(words):
    """Of 2^64 words, as many become each of -50 to 49."""
    return (words.view(np.int64) >> 57).astype(np.int64) * 25 // 32


class TestFirstBits:
    def test_what_they_say_is_true(self):
        drawn = DRAW.integers(0, 2**64, (ROWS, 2), dtype=np.uint64)
        for number in (0, 1):
            found, unknown = FirstBits.of(hundredths).look_up(drawn, number)
            known = np.ones(ROWS, np.bool_)
            known[unknown] = False
            assert known.mean() > 0.9
            assert (found[known] == hundredths(drawn[:, number].copy())[known]).all()

    def test_they_say_nothing_where_words_that_begin_alike_differ(self):
        border = np.array([[2**63 + 2**40 - 1], [2**63 + 2**40]], np.uint64)
        table = FirstBits.of(lambda words: (words >= border[1, 0]).astype(np.int64))
        assert table.look_up(border, 0)[1].tolist() == [0, 1]

    def test_a_function_of_all_bits_has_no_table(self):
        assert FirstBits.of(lambda words: (words & np.uint64(1)).astype(np.int64)) is None


class TestWholeNoise:
    """Integers get the same noise as the same numbers as doubles, which are rounded one by one."""

    @pytest.mark.parametrize(("kind", "scale"), list(product(["laplace", "gaussian", "geometric"], [1, 5, 60])))
    @pytest.mark.parametrize("type_", [pa.int8(), pa.uint8(), pa.int32(), pa.uint64()], ids=str)
    @pytest.mark.parametrize("bounds", [{"min": 0, "max": 120}, {"min": 0.5, "max": 99.5}], ids=str)
    def test_it_is_that_of_doubles(self, kind, scale, type_, bounds):
        limits = np.iinfo(type_.to_pandas_dtype())
        least, most = max(limits.min, -150), min(limits.max, 2**40)
        numbers = DRAW.integers(least, min(most, 150), 5000, endpoint=True)
        numbers[::50] = DRAW.integers(least, most, 100, endpoint=True)
        method = noise(kind=kind, scale=scale, round_to=1, **bounds)
        column = pa.array(numbers).cast(type_)
        expected = method.apply(column.cast(pa.float64()), entities(range(5000)))
        assert method.apply(column, entities(range(5000))).cast(pa.float64()).equals(expected)
