"""Orders of rows that chance makes: every one as likely as any other, also where random numbers meet."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest

from maskgate.methods.grouping import group_numbers
from maskgate.methods.permutation import Chance, order_by_chance, shuffled


class FewWords(Chance):
    """Chance of which the first words have but one even bit each, so that most are equal."""

    def __init__(self, seed: bytes) -> None:
        super().__init__(seed)
        self._turn = 0

    def words(self, count):
        self._turn += 1
        words = super().words(count)
        return words & np.uint64(1 << 63) if self._turn == 1 else words


class TestOrderByChance:
    @pytest.mark.parametrize("count", [0, 1, 2, 1000, 70_000])
    def test_every_row_once(self, count):
        assert sorted(order_by_chance(count, Chance(bytes(32)))) == list(range(count))

    def test_groups_stand_together(self):
        groups = np.arange(1000, dtype=np.uint32) % 7
        order = order_by_chance(1000, Chance(bytes(32)), groups)
        assert sorted(order) == list(range(1000))
        assert (np.diff(groups[order].astype(int)) >= 0).all()

    @pytest.mark.parametrize("chance", [Chance, FewWords])
    def test_every_order_is_as_likely(self, chance):
        counts = Counter(tuple(order_by_chance(4, chance(turn.to_bytes(16, "big")))) for turn in range(4800))
        assert set(counts) == set(permutations(range(4)))
        assert max(abs(count - 200) for count in counts.values()) < 5 * np.sqrt(200)

    @pytest.mark.parametrize("chance", [Chance, FewWords])
    def test_every_order_of_values_is_as_likely(self, chance):
        values = pa.array([5, 6, 7], pa.int32())
        counts = Counter(tuple(shuffled(values, chance(turn.to_bytes(16, "big"))).to_pylist()) for turn in range(1200))
        assert set(counts) == set(permutations([5, 6, 7]))
        assert max(abs(count - 200) for count in counts.values()) < 5 * np.sqrt(200)


class TestGroupNumbers:
    TEXTS = pa.array(["b", None, "a", "b", "c", None, "a"])

    @pytest.mark.parametrize(
        "column",
        [
            TEXTS,
            TEXTS.cast(pa.large_string()),
            TEXTS.dictionary_encode(),
            pa.array([7, None, 5, 7, 90_000, None, 5]),
            pa.array([7, None, 5, 7, 6, None, 5], pa.uint8()),
            pa.array([7, None, 5, 7, 6, None, 5]).dictionary_encode(),
            pa.array([2.5, None, 0.5, 2.5, 1.0, None, 0.5]),
        ],
        ids=lambda column: str(column.type),
    )
    def test_values_are_numbered_as_they_come(self, column):
        assert group_numbers([column]).tolist() == [0, 3, 1, 0, 2, 3, 1]

    def test_no_columns_are_no_groups(self):
        assert group_numbers([]) is None

    @pytest.mark.parametrize("many", [3, 5000])
    def test_columns_make_groups_together(self, many):
        left, right = np.arange(20_000) % many, np.arange(20_000) // 7 % many
        numbers = group_numbers([pa.array(left), pa.array(right)])
        groups = {}
        for number, pair in zip(numbers.tolist(), zip(left.tolist(), right.tolist(), strict=True), strict=True):
            assert groups.setdefault(number, pair) == pair
        assert len(groups) == len(set(groups.values()))
