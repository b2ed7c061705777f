"""Swaps that memory does not hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from maskgate.datasets.moving.pairing import pair_neighbours
from maskgate.datasets.moving.ranking import swap_near
from maskgate.datasets.moving.result import Moved
from maskgate.datasets.moving.sorting import OuterOrder, even_bounds, group_bounds
from maskgate.datasets.moving.strip import Strip, together
from maskgate.methods.orders import Word

if TYPE_CHECKING:
    from maskgate.datasets.moving.column import Column
    from maskgate.datasets.moving.result import Result
    from maskgate.datasets.moving.spill import Spill
    from maskgate.datasets.moving.strip import Workspace
    from maskgate.methods.chance import Chance
    from maskgate.methods.swap import Swap

_WORD_BITS, _LEAST = 64, 2
_PAIRED = 1 << 16


def swapped_outside(column: Column, space: Workspace, into: Spill, method: Swap) -> Result:
    """Return the values as :class:`~maskgate.methods.swap.Swap` exchanges them."""
    chance = column.chance("swap", [list(method.within), method.rank_distance])
    moved = Moved(column, space)
    if method.rank_distance is not None:
        swap_near(column, space, chance, moved, method.rank_distance)
    elif column.groups is None:
        _halves(column, space, chance, moved)
    else:
        _within_groups(column, space, chance, moved)
    return moved.result(into)


def _halves(column: Column, space: Workspace, chance: Chance, moved: Moved) -> None:
    """Pair rows of one half with those of the other, as :func:`maskgate.methods.pairs.halves` does."""
    small, large = _tossed(column, space, chance)
    bits = (column.rows - 1).bit_length()
    word = Word.of(large.rows, bits)
    bounds = even_bounds(word, space.bins_for(large.rows, large.size))
    order = OuterOrder(space, chance, word, bounds, column.carried)
    for batch in large.batches():
        order.add(np.zeros(batch.num_rows, np.uint8), None, None, batch)
    right = Strip(space.spill, column.carried)
    for rows in order.in_order():
        right.append(rows.carried)
    right.flush()
    half, odd = divmod(column.present, 2)
    if column.present < _LEAST:
        for strip in (small, right):
            moved.exchange(strip.all(), strip.all())
        return
    left = _Row(((small, 0), (right, half + odd)))
    if odd:
        # Any row may be the one: without this, it would be the last of its half.
        left.exchange_last(int(chance.words(1)[0]) % half)
    pairs = half - odd
    for start in range(0, pairs, _PAIRED):
        stop = min(start + _PAIRED, pairs)
        ours, theirs = left.read(start, stop), right.read(start, stop)
        moved.exchange(ours, theirs)
        moved.exchange(theirs, ours)
    if odd:
        three = pa.Table.from_batches([left.read(half - 1, half), right.read(half - 1, half + 1)]).combine_chunks()
        (rows,) = three.to_batches()
        moved.exchange(rows, rows.take(pa.array([1, 2, 0])))


def _tossed(column: Column, space: Workspace, chance: Chance) -> tuple[Strip, Strip]:
    """Put the values into two strips by chance, and return the shorter one first; if none is, that of heads."""
    heads, tails = Strip(space.spill, column.carried), Strip(space.spill, column.carried)
    left, tossed = column.rows // _WORD_BITS + 1, np.zeros(0, np.uint8)
    for portion in column.portions():
        missing = -(-(len(portion.cells) - len(tossed)) // _WORD_BITS)
        drawn = chance.words(max(0, missing))
        left -= len(drawn)
        tossed = np.concatenate([tossed, np.unpackbits(drawn.view(np.uint8))])
        here, tossed = tossed[: len(portion.cells)].view(np.bool_), tossed[len(portion.cells) :]
        here = here if portion.valid is None else here[portion.valid]
        batch = portion.carried(column.carried)
        heads.append(batch.filter(pa.array(here)))
        tails.append(batch.filter(pa.array(~here)))
    chance.words(left)
    for strip in (heads, tails):
        strip.flush()
    return (tails, heads) if heads.rows > tails.rows else (heads, tails)


@dataclass(eq=False)
class _Row:
    """What strips hold from some place on, one behind the other."""

    strips: tuple[tuple[Strip, int], tuple[Strip, int]]
    _instead: dict[int, pa.RecordBatch] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(strip.rows - start for strip, start in self.strips)

    def read(self, start: int, stop: int) -> pa.RecordBatch:
        """Return some of them."""
        (first, skipped), (second, also) = self.strips
        ahead = first.rows - skipped
        parts = []
        if start < ahead:
            parts.append(first.read(skipped + start, skipped + min(stop, ahead)))
        if stop > ahead:
            parts.append(second.read(also + max(start, ahead) - ahead, also + stop - ahead))
        for place, row in self._instead.items():
            if start <= place < stop:
                whole = together(parts, row.schema)
                parts = [whole.slice(0, place - start), row, whole.slice(place - start + 1)]
        return together(parts, first.schema)

    def exchange_last(self, place: int) -> None:
        """Exchange one of them with the last."""
        last = len(self) - 1
        self._instead = {last: self.read(place, place + 1), place: self.read(last, last + 1)}


def _within_groups(column: Column, space: Workspace, chance: Chance, moved: Moved) -> None:
    """Pair neighbours in an order by chance within each group."""
    sizes, most = column.group_sizes()
    word = Word.of(column.rows, max(column.rows - 1, 0).bit_length(), most)
    bounds = group_bounds(word, sizes, space.bins_for(column.rows, column.size))
    order = OuterOrder(space, chance, word, bounds, column.carried)
    for portion in column.portions():
        order.add(
            np.zeros(len(portion.cells), np.uint8), portion.groups, portion.valid, portion.carried(column.carried)
        )
    pair_neighbours(order.in_order(), moved)
