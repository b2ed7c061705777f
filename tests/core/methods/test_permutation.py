"""Of all ways in which rows can change places, none is likelier than another."""

from __future__ import annotations

from collections import Counter
from math import factorial

import pyarrow as pa
import pytest

from maskgate.keys import Key
from maskgate.methods import METHODS, Surroundings

ORDERS_OF_FIVE_IN_A_PAIR_AND_A_RING = 20
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
