"""Exchange values between pairs of rows of the same group.

Data swapping (Dalenius and Reiss, 1982): within a group, such as the rows of one region, rows are paired at random
and each pair exchanges its values, so that every figure of the group stays exact. With `rank_distance` only values
that are near each other in rank are exchanged (rank swapping; Moore, 1996), which also keeps much of how the column
goes with others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pyarrow as pa

from maskgate.crypto.room import room, taken
from maskgate.errors import MaskingError
from maskgate.methods.families import family_of
from maskgate.methods.grouping import group_numbers
from maskgate.methods.layout import plain
from maskgate.methods.method import Declaration, Domain, Family, Kind, Method, Parameter, Surroundings, Uniqueness
from maskgate.methods.numbers import as_doubles
from maskgate.methods.permutation import (
    MOVABLE,
    chance_for,
    movable,
    moved_type,
    order_by_chance,
    rearranged,
)
from maskgate.methods.row_order import PresentRows, RowOrder, sortable, swapped_sources
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maskgate.keys import Key
    from maskgate.methods.permutation import Chance

# Fewer rows have nothing to exchange.
_LEAST = 2
_WORD = 64
# Integers that lie so close are ranked together with the chance that ranks equal ones.
_MOST_CLOSE = 2**31
_RANKED = frozenset({Family.INTEGER, Family.FLOAT, Family.DECIMAL, Family.DATE, Family.TIMESTAMP, Family.TIME})


@dataclass(frozen=True)
class Swap(Method):
    """Exchange values within groups. Where a group is odd, three of its rows pass their values round.

    Every value that is not null goes to another row, unless it is alone in its group: then it stays where it is.

    Attributes:
        within: The columns whose original values, taken together, make a group; empty if the whole table is one.
        rank_distance: How far apart values may be in rank, in percent of their group; None for any distance.
    """

    within: tuple[str, ...]
    rank_distance: float | None

    declaration: ClassVar[Declaration] = Declaration(
        name="swap",
        done="swapped between similar rows",
        term="randomization (permutation)",
        summary="Exchanges values between pairs of rows of the same group; one that is alone in its group stays.",
        accepts=MOVABLE,
        parameters=(
            Parameter("within", Kind.COLUMNS, "The columns whose values make a group; without it, all rows are one."),
            Parameter(
                "rank_distance",
                Kind.NUMBER,
                "For numbers and dates: exchange only values whose ranks are no further apart than this percentage "
                "of the group, or next to each other.",
                above=0,
                maximum=100,
            ),
        ),
        uniqueness=Uniqueness.PRESERVED,
        needs_key=True,
        whole_table=True,
    )

    @classmethod
    def configure(cls, options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method.

        Raises:
            ValueError: If a column makes groups twice, or the distance in rank is 0.
        """
        within = tuple(options.get("within") or ())
        if len(set(within)) < len(within):
            raise ValueError("`within:` names a column twice")
        distance = options.get("rank_distance")
        if distance is not None and not distance > 0:
            raise ValueError("`rank_distance:` must be above 0")
        return cls(within, distance)

    def reads(self) -> tuple[str, ...]:
        """Return the columns that make groups."""
        return self.within

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return the type of the values.

        Raises:
            ValueError: If values of the type have no rank, and it is asked for.
        """
        if self.rank_distance is not None and family_of(input_type) not in _RANKED:
            raise ValueError(f"`rank_distance:` is for numbers, dates and times, not {input_type}")
        return moved_type(input_type)

    def shape(self) -> Shape:
        """Promise nothing: any value of the column may come out."""
        return Shape(families=tuple(sorted(family.value for family in MOVABLE)))

    def row_order(self, key: Key, table: str, column: str) -> RowOrder:
        """Return what orders the rows of a table that has a row key."""
        return RowOrder(key, table, column, purpose="swap", parameters=[list(self.within), self.rank_distance])

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the exchanged values.

        Raises:
            MaskingError: If there is no key, or a column that makes groups is not there, nested, or this one.
        """
        column = movable(column)
        within = [_grouping(name, surroundings, len(column)) for name in self.within]
        rows = PresentRows.of(column, surroundings, self.row_order, within)
        if rows is not None:
            return rearranged(column, self._sources(column, rows))
        groups = group_numbers(within)
        parameters = [list(self.within), self.rank_distance]
        content = [column] if groups is None else [column, pa.array(groups)]
        chance = chance_for(content, surroundings, purpose="swap", parameters=parameters)
        if groups is not None and column.null_count:
            groups = groups.take(np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False)))
        if self.rank_distance is not None:
            values = sortable_numbers(plain(column).drop_null())
            groups = _blocks(values, groups, self.rank_distance, chance)
        return rearranged(column, _partners(len(column) - column.null_count, groups, chance))

    def _sources(self, column: pa.Array, rows: PresentRows) -> NDArray[np.int64]:
        if self.rank_distance is None:
            return swapped_sources(rows.groups, rows.places[0])
        values = sortable(sortable_numbers(plain(column).drop_null()))
        return swapped_sources(rows.groups, rows.places[0], (values, rows.places[1], self.rank_distance))


def _grouping(name: str, surroundings: Surroundings, length: int) -> pa.Array:
    column = surroundings.columns.get(name)
    where = f'column "{surroundings.column}"'
    if name == surroundings.column:
        raise MaskingError(f"{where}: `within:` names the column itself; a group of equal values would change nothing.")
    if column is None or len(column) != length:
        raise MaskingError(f'{where}: "{name}" of `within:` is not there. Name a column of the same table.')
    if family_of(column.type) not in MOVABLE | {Family.NULL}:
        raise MaskingError(f'{where}: "{name}" of `within:` is {column.type}, which makes no groups. Name its fields.')
    return column


def sortable_numbers(values: pa.Array) -> NDArray[Any]:
    """Return integers or doubles that sort as numbers, dates or times without nulls do."""
    kind = values.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        values = values.cast(pa.int32() if kind.bit_width == 32 else pa.int64())  # noqa: PLR2004  a width
    return values.to_numpy(zero_copy_only=False) if pa.types.is_integer(values.type) else as_doubles(values)


def _blocks(
    values: NDArray[Any], groups: NDArray[np.uint32] | None, percent: float, chance: Chance
) -> NDArray[np.uint32]:
    """Cut groups into blocks of neighbours in rank, each a group of its own; equal values are ranked by chance."""
    order = _ranked(values, chance)
    if groups is not None:
        order = order.take(np.argsort(groups.take(order), kind="stable"))
    starts, sizes = _runs(len(values), groups)
    widths = np.maximum(2, (sizes * (percent / 100)).astype(np.int64))
    # A last block of one joins the one before, which is why a block is one narrower than the distance allows.
    counts = np.maximum(1, sizes // widths + (sizes % widths > 1))
    first = np.cumsum(counts) - counts
    ranks = np.arange(len(values)) - np.repeat(starts, sizes)
    blocks = np.minimum(ranks // np.repeat(widths, sizes), np.repeat(counts, sizes) - 1) + np.repeat(first, sizes)
    numbers = room(len(values), np.uint32)
    numbers[order] = blocks
    return numbers


def _ranked(values: NDArray[Any], chance: Chance) -> NDArray[np.int64]:
    """Return the rows by their values, and those of equal values in any order."""
    if values.dtype.kind in "iu" and len(values) and int(values.max()) - int(values.min()) < _MOST_CLOSE:
        return order_by_chance(len(values), chance, (values - values.min()).astype(np.uint32))
    order = order_by_chance(len(values), chance)
    return order.take(np.argsort(values.take(order), kind="stable"))


def _partners(count: int, groups: NDArray[np.uint32] | None, chance: Chance) -> NDArray[np.int64]:
    """Return for each row the row that it gets its value from."""
    if groups is None:
        return _partners_of_all(count, chance)
    order = order_by_chance(count, chance, groups)
    starts, sizes = _runs(count, groups)
    # Neighbours in pairs, counted from where their group starts.
    exchanged = _exchanged(order, 0)
    if (starts & 1).any():
        np.copyto(exchanged, _exchanged(order, 1), where=np.repeat((starts & 1).astype(np.bool_), sizes))
    odd = sizes % 2 == 1
    ends, alone = (starts + sizes)[odd], sizes[odd] == 1
    exchanged[ends[alone] - 1] = order[ends[alone] - 1]
    three = ends[~alone]
    for place, partner in ((-3, -2), (-2, -1), (-1, -3)):
        exchanged[three + place] = order[three + partner]
    sources = room(count, np.int64)
    sources[order] = exchanged
    return sources


def _exchanged(order: NDArray[np.int64], first: int) -> NDArray[np.int64]:
    """Return neighbours in each other's place, from the first or the second on."""
    exchanged = room(len(order), np.int64)
    exchanged[:] = order
    end = first + (len(order) - first) // 2 * 2
    exchanged[first:end:2], exchanged[first + 1 : end : 2] = order[first + 1 : end : 2], order[first:end:2]
    return exchanged


def _partners_of_all(count: int, chance: Chance) -> NDArray[np.int64]:
    """Pair rows of one half that chance takes with those of the other half in an order that chance makes.

    Of the larger half, as many rows as it has too many go over; three rows that go round are left for the end.
    """
    here = np.unpackbits(chance.words(count // _WORD + 1).view(np.uint8), count=count).view(np.bool_)
    small, large = np.flatnonzero(here), np.flatnonzero(~here)
    if len(small) > len(large):
        small, large = large, small
    large = taken(large, order_by_chance(len(large), chance))
    half = count // 2
    if count < _LEAST:
        return np.arange(count)
    sources = room(count, np.int64)
    left, right = np.concatenate([small, large[half + count % 2 :]]), large[: half + count % 2]
    pairs = half - count % 2
    if count % 2:
        # Any row may be the one: without this, it would be the last of its half.
        other = int(chance.words(1)[0]) % len(left)
        left[[-1, other]] = left[[other, -1]]
    sources[left[:pairs]], sources[right[:pairs]] = right[:pairs], left[:pairs]
    if count % 2:
        one, two, three = left[-1], *right[-2:]
        sources[one], sources[two], sources[three] = two, three, one
    return sources


def _runs(count: int, groups: NDArray[np.uint32] | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the rows of each group start when they stand together, and how many there are."""
    sizes = np.bincount(groups) if groups is not None else np.array([count])
    sizes = sizes[sizes > 0]
    return np.cumsum(sizes) - sizes, sizes
