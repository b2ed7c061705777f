"""Exchange values between pairs of rows of the same group.

Data swapping (Dalenius and Reiss, 1982): within a group, such as the rows of one region, rows are paired at random
and each pair exchanges its values, so that every figure of the group stays exact. With `rank_distance` only values
that are near each other in rank are exchanged (rank swapping; Moore, 1996), which also keeps much of how the column
goes with others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pyarrow as pa

from maskgate.crypto.cells import validity
from maskgate.errors import MaskingError
from maskgate.methods.chance import chance_for
from maskgate.methods.families import family_of
from maskgate.methods.grouping import group_numbers
from maskgate.methods.layout import plain
from maskgate.methods.method import Declaration, Domain, Family, Kind, Method, Parameter, Surroundings, Uniqueness
from maskgate.methods.numbers import as_doubles
from maskgate.methods.orders import order_by_chance
from maskgate.methods.pairs import Blocks, exchanged, halves, neighbours
from maskgate.methods.permutation import MOVABLE, among_present, movable, moved_type, rearranged, with_zeros
from maskgate.methods.ranks import near_in_rank
from maskgate.methods.row_order import PresentRows, RowOrder, sortable, swapped_sources
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from maskgate.keys import Key
_RANKED = frozenset(
    {Family.INTEGER, Family.FLOAT, Family.DECIMAL, Family.DATE, Family.TIMESTAMP, Family.TIME, Family.DURATION}
)


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
                "For numbers, dates, times and durations: exchange only values whose ranks are no further apart than "
                "this percentage of the group, or next to each other.",
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
            raise ValueError(
                f"`rank_distance:` is for numbers, dates, times and durations, not {input_type}; leave it out"
            )
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
        within = self.grouping(surroundings, len(column))
        rows = PresentRows.of(column, surroundings, self.row_order, within)
        if rows is not None:
            return rearranged(column, among_present(column, self._sources(column, rows)))
        groups = group_numbers(within)
        parameters = [list(self.within), self.rank_distance]
        content = [column] if groups is None else [column, pa.array(groups)]
        chance = chance_for(content, surroundings, purpose="swap", parameters=parameters)
        if self.rank_distance is not None:
            moves = neighbours(near_in_rank(with_zeros(plain(column)), groups, self.rank_distance, chance))
        elif groups is not None:
            order = order_by_chance(len(column), chance, groups, validity(column))
            moves = neighbours(Blocks(order.all(), order.starts()))
        else:
            moves = halves(column, chance)
        return exchanged(column, moves)

    def check_other(self, kind: pa.DataType) -> None:
        """Refuse what makes no groups.

        Raises:
            ValueError: If the column is nested, or of another type without single values.
        """
        if family_of(kind) not in MOVABLE - {Family.NESTED}:
            raise ValueError(f"{kind} makes no groups. Name a column of single values")

    def grouping(self, surroundings: Surroundings, length: int) -> list[pa.Array]:
        """Return the columns that make groups.

        Raises:
            MaskingError: If one is not there, nested, or the column itself.
        """
        return [self._grouping(name, surroundings, length) for name in self.within]

    def _grouping(self, name: str, surroundings: Surroundings, length: int) -> pa.Array:
        column = surroundings.columns.get(name)
        where = f'column "{surroundings.column}"'
        if name == surroundings.column:
            raise MaskingError(f"{where}: `within:` names the column itself. Name another one.")
        if column is None or len(column) != length:
            raise MaskingError(f'{where}: "{name}" of `within:` is not there. Name a column of the same table.')
        try:
            self.check_other(column.type)
        except ValueError as error:
            raise MaskingError(f'{where}: "{name}" of `within:`: {error}.') from None
        return column

    def _sources(self, column: pa.Array, rows: PresentRows) -> NDArray[np.int64]:
        if self.rank_distance is None:
            return swapped_sources(rows.groups, rows.places[0])
        values = sortable(sortable_numbers(plain(column).drop_null()))
        return swapped_sources(rows.groups, rows.places[0], (values, rows.places[1], self.rank_distance))


def sortable_numbers(values: pa.Array) -> NDArray[Any]:
    """Return integers or doubles that sort as numbers, dates or times without nulls do."""
    kind = values.type
    if pa.types.is_temporal(kind):
        values = values.cast(pa.int32() if kind.bit_width == 32 else pa.int64())  # noqa: PLR2004  a width
    return values.to_numpy(zero_copy_only=False) if pa.types.is_integer(values.type) else as_doubles(values)
