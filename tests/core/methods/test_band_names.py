from __future__ import annotations

from decimal import localcontext

import pyarrow as pa
import pytest

from maskgate.methods.band_names import names_of
from maskgate.methods.bands import bands_of_width
from maskgate.methods.numbers import exactly, over_power_of_ten, written

NUMBERS = [0, -1, 1, 9, -10, 12345, -98765, 10**9]


class TestNamesOf:
    """Many names at once are those that are written one after the other."""

    def test_none(self):
        assert names_of(pa.array([], pa.int64()), 10, 0).to_pylist() == []

    @pytest.mark.parametrize("width", [1, 7, 1000, 0.5, 0.25, 0.1, 12.34, 0.001, 1e-9], ids=str)
    def test_each_is_the_same(self, width):
        exact = exactly(width)
        with localcontext(prec=200):
            one_by_one = [f"[{written(each * exact)}, {written((each + 1) * exact)})" for each in NUMBERS]
        assert names_of(pa.array(NUMBERS), *over_power_of_ten(exact)).to_pylist() == one_by_one

    @pytest.mark.parametrize("width", [1e18, 1e-30], ids=["edges beyond int64", "more places than int64 has"])
    def test_what_is_too_large_is_left_to_others(self, width):
        assert names_of(pa.array([10**9]), *over_power_of_ten(exactly(width))) is None

    @pytest.mark.parametrize("width", [3, 0.5], ids=["whole", "half"])
    @pytest.mark.parametrize("step", [1, 7919], ids=["bands that lie close", "bands that lie apart"])
    def test_a_column_of_many_bands(self, width, step):
        column = pa.array([None, *(number * step - 9_000_000 for number in range(5000))])
        lowers = [each if each is None else each // width * width for each in column.to_pylist()]
        found = bands_of_width(column, width).to_pylist()
        assert found[0] is None
        assert [edges_of(each) for each in found[1:]] == [(each, each + width) for each in lowers[1:]]


def edges_of(name):
    lower, upper = name.strip("[)").split(", ")
    return float(lower), float(upper)
