"""Rows by the rank of their values, cut into blocks of near ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from maskgate.crypto.cells import validity
from maskgate.crypto.room import room, taken
from maskgate.methods.fixed_width import clear_nulls, view
from maskgate.methods.numbers import as_doubles, counted
from maskgate.methods.orders import order_by_chance, order_in_runs
from maskgate.methods.pairs import Blocks
from maskgate.methods.permutation import span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from maskgate.methods.chance import Chance

_WORD_BITS = 64
# So many bits of a word at least decide by chance between equal values, before more words are drawn.
_LEAST_CHANCE = 4
# Doubles that are decimals of so few places are ranked as whole numbers, of which many may be equal.
_MOST_PLACES = 4
_PROBED = 1024
_MOST_WHOLE = 2.0**40


def near_in_rank(
    column: pa.Array, groups: NDArray[np.unsignedinteger[Any]] | None, percent: float, chance: Chance
) -> Blocks:
    """Cut groups into blocks of neighbours in rank, in each of which rows stand in any order.

    Equal values are ranked by chance.

    Args:
        column: A plain column of numbers, dates or times.
        groups: The number of each row's group; None if all are one.
        percent: How wide a block is, in percent of its group.
        chance: Where orders come from.
    """
    valid = validity(column)
    rows = _ranked(column, groups, valid, chance)
    sizes = np.array([len(rows)]) if groups is None else np.bincount(groups if valid is None else groups[valid])
    starts = block_starts(sizes[sizes > 0], percent)
    return Blocks(taken(rows, order_in_runs(len(rows), chance, starts).all()), starts)


def block_counts(sizes: NDArray[np.int64], percent: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many blocks groups of these sizes have, and how wide these are."""
    widths = np.maximum(2, (sizes * (percent / 100)).astype(np.int64))
    # A last block of one joins the one before, which is why a block is one narrower than the distance allows.
    return np.maximum(1, sizes // widths + (sizes % widths > 1)), widths


def block_starts(sizes: NDArray[np.int64], percent: float) -> NDArray[np.int64]:
    """Return where the blocks of groups of these sizes begin."""
    starts = np.cumsum(sizes) - sizes
    counts, widths = block_counts(sizes, percent)
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    begins: NDArray[np.int64] = np.repeat(starts, counts) + number * np.repeat(widths, counts)
    return begins


def _ranked(
    column: pa.Array,
    groups: NDArray[np.unsignedinteger[Any]] | None,
    valid: NDArray[np.bool_] | None,
    chance: Chance,
) -> NDArray[np.int64]:
    """Return the rows that are not null by group and value, and those of equal values in any order."""
    ranks, bits = _ranks(column)
    dropped = dropped_bits(len(column), bits, 0 if groups is None or len(groups) == 0 else int(groups.max()))
    coarse = coarse_of(ranks, bits, dropped, groups)
    order = order_by_chance(len(column), chance, coarse, valid)
    rows = order.all()
    if dropped:
        refine(rows, ranks, order.tied_groups())
    return rows


def dropped_bits(rows: int, bits: int, most_group: int) -> int:
    """Return how many of the last bits of ranks have no place beside groups, chance and the numbers of rows."""
    return max(0, bits - (_WORD_BITS - _LEAST_CHANCE - most_group.bit_length() - rows.bit_length()))


def coarse_of(
    ranks: NDArray[np.uint64], bits: int, dropped: int, groups: NDArray[np.unsignedinteger[Any]] | None
) -> NDArray[np.uint64]:
    """Return numbers in the order of groups and ranks, but for the last bits of these."""
    coarse = ranks
    if dropped or groups is not None:
        coarse = np.right_shift(ranks, np.uint64(dropped), out=room(len(ranks), np.uint64))
    if groups is not None:
        coarse |= groups.astype(np.uint64) << np.uint64(bits - dropped)
    return coarse


def refine(rows: NDArray[np.int64], ranks: NDArray[np.uint64], tied: NDArray[np.bool_]) -> None:
    """Put rows in order, in place, that so far are so only by the first bits of their ranks.

    Args:
        rows: The rows, those with equal first bits in any order.
        ranks: The rank of each row.
        tied: Which of `rows` have the same first bits as the one before.
    """
    places = np.flatnonzero(tied | np.append(tied[1:], False))
    if len(places):
        runs = np.cumsum(~tied[places])
        # Stable, so that equal ones stay in any order.
        rows[places] = rows[places[np.lexsort((ranks[rows[places]], runs))]]


def _ranks(column: pa.Array) -> tuple[NDArray[np.uint64], int]:
    """Return numbers above 0 that stand in the order of the values, and how many bits they have."""
    kind = column.type
    if column.null_count == len(column):
        return np.zeros(len(column), np.uint64), 1
    if pa.types.is_decimal(kind):
        units = counted(column, max(0, kind.scale))
        column = pa.array(as_doubles(column)) if units.dtype == object else pa.array(units)
    if pa.types.is_floating(column.type):
        column = _floats_as_integers(column)
    least, bits = span(column)
    return above(column, least), bits


def above(column: pa.Array, least: int) -> NDArray[np.uint64]:
    """Return how much numbers are above the least of them; 0 for nulls."""
    cells = view(column, f"{'u' if pa.types.is_unsigned_integer(column.type) else 'i'}{column.type.bit_width // 8}")
    ranks = room(len(cells), np.uint64)
    np.copyto(ranks, cells, casting="unsafe")
    ranks -= np.uint64(least % (1 << _WORD_BITS))
    clear_nulls(ranks, validity(column))
    return ranks


def _floats_as_integers(column: pa.Array) -> pa.Array:
    """Return integers in the order of floats."""
    doubles = as_doubles(column)
    places = whole_places(lambda: iter([doubles])) if pa.types.is_float64(column.type) else None
    return ordered_integers(column, doubles, places)


def ordered_integers(column: pa.Array, doubles: NDArray[np.float64], places: int | None) -> pa.Array:
    """Return integers in the order of floats.

    Args:
        column: The floats.
        doubles: The same as doubles.
        places: Of how many places they are decimals, as :func:`whole_places` says.
    """
    if places is not None:
        numbers: NDArray[Any] = np.rint(doubles * 10.0**places).astype(np.int64)
    else:
        single = not pa.types.is_float64(column.type)
        # Zero has one sign.
        numbers = ((doubles + 0.0).astype(np.float32) if single else doubles + 0.0).view("i4" if single else "i8")
        numbers ^= (numbers >> (numbers.itemsize * 8 - 1)) & np.iinfo(numbers.dtype).max
    valid = validity(column)
    return pa.array(numbers, mask=None if valid is None else ~valid)


def whole_places(doubles: Callable[[], Iterator[NDArray[np.float64]]]) -> int | None:
    """Return of how few places all doubles are decimals; None if of many.

    Args:
        doubles: Gives them, some at a time, as often as it is called.
    """
    for places in range(_MOST_PLACES + 1):
        if all(_are_whole(some[:_PROBED], places) and _are_whole(some, places) for some in doubles()):
            return places
    return None


def _are_whole(doubles: NDArray[np.float64], places: int) -> bool:
    with np.errstate(all="ignore"):
        whole = np.rint(doubles * 10.0**places)
        return bool(((whole / 10.0**places == doubles) & (np.abs(whole) < _MOST_WHOLE)).all())
