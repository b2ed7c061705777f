from __future__ import annotations

import random

import pyarrow as pa
import pytest
from core.masking.haunted_nesting import Haunting

from maskgate.methods.nesting import elements_of, lists_like, sizes_of, taken


class TestTaken:
    """Cells are taken from every type, also from those that Arrow takes nothing from."""

    @pytest.mark.parametrize("seed", range(60))
    def test_from_any_nesting(self, seed):
        chance = random.Random(seed)
        haunting = Haunting(chance)
        kind = haunting.type(3)
        rows = chance.randint(0, 6)
        cells = [haunting.cell(kind) for _ in range(rows + 2)]
        column = haunting.column(cells, kind).slice(1, rows)
        places = [None if not rows or chance.random() < 0.2 else chance.randrange(rows) for _ in range(8)]
        found = taken(column, pa.array(places, pa.int64()))
        found.validate(full=True)
        assert found.type == kind
        assert found.to_pylist() == [None if place is None else cells[1 + place] for place in places]

    def test_from_run_ends_and_extensions(self):
        runs = pa.RunEndEncodedArray.from_arrays([2, 3, 5], ["a", None, "b"]).slice(1, 4)
        assert taken(runs, pa.array([3, 0, None, 1])).to_pylist() == ["b", "a", None, None]
        ids = pa.array([bytes(16), None], pa.uuid())
        assert taken(ids, pa.array([1, 0])).is_null().to_pylist() == [True, False]


class TestLists:
    """Lists and maps are taken apart and put together without loss."""

    @pytest.mark.parametrize(
        "kind",
        [
            pa.list_(pa.int64()),
            pa.large_list(pa.int64()),
            pa.list_view(pa.int64()),
            pa.large_list_view(pa.int64()),
            pa.list_(pa.int64(), 2),
            pa.map_(pa.int64(), pa.int64()),
        ],
        ids=str,
    )
    def test_there_and_back(self, kind):
        cells = [[(1, 2), (3, 4)], None, [(5, None), (6, 7)]] if pa.types.is_map(kind) else [[1, None], None, [3, 4]]
        column = pa.array([cells[0], *cells], kind).slice(1)
        assert sizes_of(column).tolist() == [2, 0, 2]
        assert len(elements_of(column)) == 4
        again = lists_like(kind, elements_of(column), column)
        again.validate(full=True)
        assert again.equals(column)
        empty = column.slice(0, 0)
        assert lists_like(kind, elements_of(empty), empty).to_pylist() == []
