"""Swaps of values that are near in rank, by way of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from maskgate.datasets.moving.pairing import pair_neighbours
from maskgate.datasets.moving.sorting import OuterOrder, OuterRuns, group_bounds
from maskgate.errors import DatasetError
from maskgate.methods.fixed_width import view
from maskgate.methods.numbers import as_doubles, counted
from maskgate.methods.orders import LEAST_RUN, Word
from maskgate.methods.permutation import ends
from maskgate.methods.ranks import (
    above,
    block_counts,
    block_starts,
    coarse_of,
    dropped_bits,
    ordered_integers,
    refine,
    whole_places,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from maskgate.datasets.moving.column import Column, Portion
    from maskgate.datasets.moving.result import Moved
    from maskgate.datasets.moving.sorting import Ordered
    from maskgate.datasets.moving.strip import Workspace
    from maskgate.methods.chance import Chance

_SAMPLED = 256
_BLOCK_BYTES = 32
_RANK = pa.field("rank", pa.uint64())


def swap_near(column: Column, space: Workspace, chance: Chance, moved: Moved, percent: float) -> None:
    """Exchange values within blocks of near ones, as :func:`maskgate.methods.ranks.near_in_rank` cuts them.

    Raises:
        DatasetError: If there are more blocks than memory holds, or too many values lie too near each other.
    """
    sizes, most = column.group_sizes()
    sizes = sizes[sizes > 0]
    if int(block_counts(sizes, percent)[0].sum()) * _BLOCK_BYTES > space.memory:
        raise DatasetError(
            f'column "{column.name}": `rank_distance:` makes more blocks of near values than fit into memory. Allow '
            "more with --memory, or a greater distance."
        )
    starts = block_starts(sizes, percent)
    widths = np.diff(starts, append=column.present)
    order = _order_in_blocks(column, space, chance, widths)
    at = 0
    for rows in _by_rank(column, space, chance, most):
        count = rows.num_rows
        blocks = np.searchsorted(starts, np.arange(at, at + count), side="right") - 1
        order.add(np.zeros(count, np.uint8), blocks, None, rows)
        at += count
    pair_neighbours(order.in_order(), moved)


def _order_in_blocks(column: Column, space: Workspace, chance: Chance, widths: NDArray[np.int64]) -> OuterOrder:
    """Return an order by chance within blocks, made as :func:`maskgate.methods.orders.order_in_runs` makes it."""
    count = column.present
    bits, bins = max(count - 1, 0).bit_length(), space.bins_for(count, column.size)
    if len(widths) * LEAST_RUN <= count:
        return OuterRuns(space, chance, Word.of(count, bits), widths, column.carried, bins=bins)
    word = Word.of(count, bits, max(len(widths) - 1, 0))
    return OuterOrder(space, chance, word, group_bounds(word, widths, bins), column.carried)


def _by_rank(column: Column, space: Workspace, chance: Chance, most: int) -> Iterator[pa.RecordBatch]:
    """Give values by group and rank, and equal ones in any order."""
    ranks = _Ranks.of(column)
    dropped = dropped_bits(column.rows, ranks.bits, most)
    greatest, sample, step = 0, [], max(1, column.rows // (_SAMPLED * space.bins_for(column.rows, column.size)))
    for portion in column.portions():
        coarse = coarse_of(ranks.of_portion(portion), ranks.bits, dropped, portion.groups)
        greatest = max(greatest, int(coarse.max(initial=0)))
        sample.append((coarse if portion.valid is None else coarse[portion.valid])[::step])
    word = Word.of(column.rows, max(column.rows - 1, 0).bit_length(), greatest)
    bounds = _sampled_bounds(word, np.concatenate(sample), space.bins_for(column.rows, column.size))
    order = OuterOrder(space, chance, word, bounds, column.carried.append(_RANK))
    for portion in column.portions():
        found = ranks.of_portion(portion)
        coarse = coarse_of(found, ranks.bits, dropped, portion.groups)
        present = found if portion.valid is None else found[portion.valid]
        carried = portion.carried(column.carried).append_column(_RANK, pa.array(present))
        order.add(np.zeros(len(found), np.uint8), coarse, portion.valid, carried)
    rows = order.in_order()
    for refined in _refined(column.name, rows) if dropped else (each.carried for each in rows):
        assert refined is not None
        yield refined.select(column.carried.names)


def _refined(name: str, rows: Iterator[Ordered]) -> Iterator[pa.RecordBatch]:
    """Put rows in order by their whole ranks that so far are in order by the first bits of these."""
    last, least, greatest = -1, 0, 0
    for portion in rows:
        assert portion.carried is not None
        if portion.carried.num_rows == 0:
            continue
        found, groups = view(portion.carried.column(_RANK.name), np.uint64), portion.groups
        # Equal first bits that go on from bin to bin are in order only if the whole ranks are equal too.
        head = found[: np.searchsorted(groups, groups[0], side="right")]
        if int(groups[0]) == last:
            least, greatest = min(least, int(head.min())), max(greatest, int(head.max()))
            if least != greatest:
                raise DatasetError(
                    f'column "{name}": so many values lie so near each other that they cannot be ranked within the '
                    "memory limit. Allow more with --memory."
                )
        order = np.arange(len(found))
        refine(order, found, np.diff(groups, prepend=groups[:1] + 1) == 0)
        tail = found[np.searchsorted(groups, groups[-1]) :]
        if int(groups[-1]) != last:
            last, least, greatest = int(groups[-1]), int(tail.min()), int(tail.max())
        yield portion.carried.take(pa.array(order))


def _sampled_bounds(word: Word, sample: NDArray[np.uint64], bins: int) -> NDArray[Any]:
    """Return words that cut rows into bins of about one size, given the first bits of some of them."""
    # Where they fall among equals does not matter, but that they are spread among them.
    words = np.random.default_rng(0).integers(0, 1 << word.free, len(sample), np.uint64)
    if word.free < word.little.itemsize * 8:
        words |= sample << np.uint64(word.free)
    words.sort()
    cuts = words[np.arange(1, bins) * len(words) // bins] if len(words) else words
    bounds: NDArray[Any] = np.unique(cuts.astype(word.kind) & ~word.of_value)
    return bounds


@dataclass(frozen=True)
class _Ranks:
    """How the values of a column are ranked.

    Attributes:
        as_doubles: Whether decimals are, as the doubles next to them.
        places: Of how many places doubles are decimals; None if of many.
        least: The least of all values as whole numbers.
        bits: How many bits they lie apart.
    """

    as_doubles: bool
    places: int | None
    least: int = 0
    bits: int = 1

    @classmethod
    def of(cls, column: Column) -> _Ranks:
        """Look at all values."""
        kind = column.type
        too_long = pa.types.is_decimal(kind) and any(
            counted(portion.cells, max(0, kind.scale)).dtype == object for portion in column.portions()
        )
        places = None
        if too_long or pa.types.is_float64(kind):
            places = whole_places(lambda: (as_doubles(portion.cells) for portion in column.portions()))
        ranks = cls(too_long, places)
        if not column.present:
            return ranks
        found = [ends(ranks._numbers(portion.cells)) for portion in column.portions() if len(portion.cells)]
        least, most = min(each for each, _ in found), max(each for _, each in found)
        return cls(too_long, places, least, (most - least).bit_length())

    def of_portion(self, portion: Portion) -> NDArray[np.uint64]:
        """Return numbers in the order of the values."""
        return above(self._numbers(portion.cells), self.least)

    def _numbers(self, cells: pa.Array) -> pa.Array:
        kind = cells.type
        if self.as_doubles:
            cells = pa.array(as_doubles(cells))
        elif pa.types.is_decimal(kind):
            return pa.array(counted(cells, max(0, kind.scale)))
        if pa.types.is_floating(cells.type):
            return ordered_integers(cells, as_doubles(cells), self.places)
        return cells
