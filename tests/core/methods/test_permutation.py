"""Of all ways in which rows can change places, none is likelier than another."""

from __future__ import annotations

from collections import Counter
from math import factorial

import numpy as np
import pyarrow as pa
import pytest

from maskgate.keys import Key
from maskgate.methods import METHODS, Surroundings

ORDERS_OF_FIVE_IN_A_PAIR_AND_A_RING = 20
KEY = Key("people", bytes(range(32)))
KINDS = [pa.int64(), pa.int16(), pa.float64(), pa.date32(), pa.string(), pa.decimal128(12, 2)]


def ways(name, rows, kind, runs, columns=None, **options):
    """Count the orders in which the rows come out, each time under another key."""
    method = METHODS[name].configure(options, None)
    column = pa.array(range(rows), pa.int32()).cast(kind)
    keys = (Key("people", number.to_bytes(32, "big")) for number in range(runs))
    made = (method.apply(column, Surroundings("t", "c", key, columns=columns or {})).to_pylist() for key in keys)
    return Counter(tuple(map(str, each)) for each in made)


def check_even(counts, different, runs):
    """Refuse counts that even odds would give once in a million times (chi-square, about normal)."""
    expected = runs / different
    chi_square = sum((count - expected) ** 2 / expected for count in counts.values())
    chi_square += (different - len(counts)) * expected
    freedom = different - 1
    assert len(counts) <= different
    assert chi_square < freedom + 5 * (2 * freedom) ** 0.5 + 10


class TestOrders:
    @pytest.mark.parametrize("kind", KINDS, ids=str)
    def test_every_order_of_a_shuffle_is_as_likely(self, kind):
        check_even(ways("shuffle", 4, kind, 2400), factorial(4), 2400)

    @pytest.mark.parametrize(("rows", "different"), [(3, 2), (4, 3), (5, ORDERS_OF_FIVE_IN_A_PAIR_AND_A_RING), (6, 15)])
    @pytest.mark.parametrize("kind", [pa.int64(), pa.string()], ids=str)
    def test_every_way_to_swap_is_as_likely(self, rows, different, kind):
        check_even(ways("swap", rows, kind, 3000), different, 3000)

    def test_every_way_to_swap_within_a_group_is_as_likely(self):
        groups = {"g": pa.array([0, 1, 0, 0, 1, 0, 0])}
        counts = ways("swap", 7, pa.int64(), 3000, groups, within=["g"])
        check_even(counts, ORDERS_OF_FIVE_IN_A_PAIR_AND_A_RING, 3000)

    def test_every_way_to_swap_neighbours_in_rank_is_as_likely(self):
        check_even(ways("swap", 4, pa.int64(), 3000, rank_distance=100), 3, 3000)

    def test_nulls_between_values_do_not_make_an_order_likelier(self):
        """Null rows are left out before values are dealt, and what they get is passed on to others."""
        method, column = METHODS["shuffle"].configure({}, None), pa.array([None, 1, None, 2, 3], pa.int64())
        keys = (Key("people", number.to_bytes(32, "big")) for number in range(1800))
        made = [method.apply(column, Surroundings("t", "c", key)) for key in keys]
        assert all(each.is_null().equals(column.is_null()) for each in made)
        check_even(Counter(tuple(each.drop_null().to_pylist()) for each in made), factorial(3), 1800)

    def test_many_rows_of_few_values_do_not_stay_sorted_anywhere(self):
        """They are sorted in words so short that one in twelve meets another by chance."""
        values = np.repeat(np.arange(4, dtype=np.int8), 2**17)
        out = METHODS["shuffle"].configure({}, None).apply(pa.array(values), Surroundings("t", "c", KEY)).to_numpy()
        assert (np.bincount(out) == 2**17).all()
        rises, falls = (out[1:] > out[:-1]).sum(), (out[1:] < out[:-1]).sum()
        assert abs(int(rises) - int(falls)) < 5 * np.sqrt(len(out))

    @pytest.mark.parametrize("name", ["shuffle", "swap"])
    def test_what_lies_under_nulls_makes_no_difference(self, name):
        method = METHODS[name].configure({}, None)
        clean = pa.array([5, None, -3, 2**40, None, 7])
        bits, numbers = clean.buffers()[0], np.array([5, 99, -3, 2**40, -(2**62), 7])
        dirty = pa.Array.from_buffers(pa.int64(), 6, [bits, pa.py_buffer(numbers)])
        assert method.apply(dirty, Surroundings("t", "c", KEY)).equals(method.apply(clean, Surroundings("t", "c", KEY)))

    @pytest.mark.parametrize("name", ["shuffle", "swap"])
    def test_numbers_far_apart_and_on_both_sides_of_zero_are_all_still_there(self, name):
        numbers = [-(2**63), 2**63 - 1, 0, -1, 5, 2**40]
        for values in (
            pa.array(numbers),
            pa.array([-128, 127, 0, -1], pa.int8()),
            pa.array([2**64 - 1, 2**64 - 2, 2**64 - 9], pa.uint64()),
        ):
            out = METHODS[name].configure({}, None).apply(values, Surroundings("t", "c", KEY))
            assert sorted(out.to_pylist()) == sorted(values.to_pylist())
