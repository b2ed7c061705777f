"""Swaps that memory does not hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from maskgate.datasets.moving.result import Moved
from maskgate.datasets.moving.sorting import OuterOrder, even_bounds, group_bounds
from maskgate.datasets.moving.strip import Strip, together
from maskgate.methods.orders import Word
from maskgate.methods.pairs import Blocks, neighbours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

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
    if column.groups is None:
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
    for _, batch in order.in_order():
        right.append(batch)
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
    assert column.groups is not None
    sizes, most = np.zeros(0, np.int64), 0
    for portion in column.portions():
        assert portion.groups is not None
        most = max(most, int(portion.groups.max(initial=0)))
        present = portion.groups if portion.valid is None else portion.groups[portion.valid]
        counted = np.bincount(present, minlength=len(sizes))
        counted[: len(sizes)] += sizes
        sizes = counted
    word = Word.of(column.rows, max(column.rows - 1, 0).bit_length(), most)
    bounds = group_bounds(word, sizes, space.bins_for(column.rows, column.size))
    order = OuterOrder(space, chance, word, bounds, column.carried)
    for portion in column.portions():
        order.add(
            np.zeros(len(portion.cells), np.uint8), portion.groups, portion.valid, portion.carried(column.carried)
        )
    pair_neighbours(((words >> np.uint64(word.free % _WORD_BITS), batch) for words, batch in order.in_order()), moved)


def pair_neighbours(rows: Iterator[tuple[NDArray[Any], pa.RecordBatch]], moved: Moved) -> None:
    """Exchange the values of neighbours, from where their block begins; the last three of an odd block go round.

    Args:
        rows: The number of each row's block, and its value with its place; blocks may go on in the next portion.
        moved: Takes values with their new places.
    """
    blocks, held = np.zeros(0, np.int64), None
    for more, batch in rows:
        blocks = np.concatenate([blocks, more])
        held = batch if held is None else together([held, batch], batch.schema)
        # Of the last block, which may go on, so many that those before are pairs.
        last = len(blocks) - int(np.searchsorted(blocks, blocks[-1])) if len(blocks) else 0
        done = len(blocks) - min(last, _LEAST + last % _LEAST)
        _pair(blocks[:done], held.slice(0, done), moved)
        blocks, held = blocks[done:], held.slice(done)
    if held is not None:
        _pair(blocks, held, moved)


def _pair(blocks: NDArray[Any], batch: pa.RecordBatch, moved: Moved) -> None:
    starts = np.flatnonzero(np.diff(blocks, prepend=blocks[:1] - 1)) if len(blocks) else np.zeros(0, np.int64)
    ((_, sources),) = neighbours(Blocks(np.arange(len(blocks)), starts))
    moved.exchange(batch, batch.take(pa.array(sources)))
