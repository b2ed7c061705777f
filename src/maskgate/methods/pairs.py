"""Rows in pairs that exchange their values; where their number is odd, three of them pass theirs round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from maskgate.crypto.cells import validity
from maskgate.crypto.room import room, warmed
from maskgate.methods.orders import sorted_by_chance
from maskgate.methods.permutation import cells_to_move, column_of, is_fixed, rearranged

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from maskgate.methods.chance import Chance

# Fewer rows have nothing to exchange.
_LEAST = 2
_WORD = 64

Moves = tuple["NDArray[np.int64]", "NDArray[np.int64]"]
"""Rows, and for each the row that it gets its value from."""


@dataclass(frozen=True)
class Blocks:
    """Rows of which each block exchanges its values among itself.

    Attributes:
        rows: The rows, block by block.
        starts: Where each block begins.
    """

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]


def exchanged(column: pa.Array, moves: Sequence[Moves]) -> pa.Array:
    """Return the column after some moves, in which each row that is not null gets one value.

    Args:
        column: A column that is :func:`~maskgate.methods.permutation.movable`.
        moves: Where its values go.
    """
    if is_fixed(column.type):
        cells = cells_to_move(column)
        moved = room(len(cells), cells.dtype)
        # Which also brings them into the cache, before they are written to at random.
        moved.view(np.uint8).fill(0)
        warmed(cells)
        for rows, sources in moves:
            moved[rows] = cells.take(sources, out=room(len(sources), cells.dtype), mode="clip")
        return column_of(column.type, moved, validity(column))
    every: NDArray[Any] = np.arange(len(column))
    for rows, sources in moves:
        every[rows] = sources
    return rearranged(column, every)


def neighbours(blocks: Blocks) -> list[Moves]:
    """Pair rows that stand next to each other, from where their block begins."""
    order, starts = blocks.rows, blocks.starts
    sizes = np.diff(starts, append=len(order))
    shifted = _crossed(order, 0)
    if (starts & 1).any():
        np.copyto(shifted, _crossed(order, 1), where=np.repeat((starts & 1).astype(np.bool_), sizes))
    odd = sizes % 2 == 1
    ends, alone = (starts + sizes)[odd], sizes[odd] == 1
    shifted[ends[alone] - 1] = order[ends[alone] - 1]
    three = ends[~alone]
    for place, partner in ((-3, -2), (-2, -1), (-1, -3)):
        shifted[three + place] = order[three + partner]
    return [(order, shifted)]


def _crossed(order: NDArray[np.int64], first: int) -> NDArray[np.int64]:
    """Return neighbours in each other's place, from the first or the second on."""
    crossed = room(len(order), np.int64)
    end = first + (len(order) - first) // 2 * 2
    crossed[:first], crossed[end:] = order[:first], order[end:]
    crossed[first:end:2], crossed[first + 1 : end : 2] = order[first + 1 : end : 2], order[first:end:2]
    return crossed


def halves(column: pa.Array, chance: Chance) -> list[Moves]:
    """Pair rows of one half that chance takes with those of the other half in an order that chance makes.

    If one half is larger, some of its rows go over to the other. Of an odd number of rows, three are left for the end.
    """
    rows, valid = len(column), validity(column)
    here = np.unpackbits(chance.words(rows // _WORD + 1).view(np.uint8), count=rows).view(np.bool_)
    small, large = (np.flatnonzero(each if valid is None else each & valid) for each in (here, ~here))
    count = len(small) + len(large)
    if count < _LEAST:
        alone = np.concatenate([small, large])
        return [(alone, alone)]
    if len(small) > len(large):
        small, large = large, small
    bits = (rows - 1).bit_length()
    large = sorted_by_chance(len(large), chance, bits, lambda portion: large[portion]).instead(np.int64)
    half, odd = divmod(count, 2)
    left, right, pairs = np.concatenate([small, large[half + odd :]]), large[: half + odd], half - odd
    if odd:
        # Any row may be the one: without this, it would be the last of its half.
        other = int(chance.words(1)[0]) % len(left)
        left[[-1, other]] = left[[other, -1]]
    moves = [(left[:pairs], right[:pairs]), (right[:pairs], left[:pairs])]
    if odd:
        three = np.array([left[-1], *right[-2:]])
        moves.append((three, np.roll(three, -1)))
    return moves
