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

from maskgate.errors import MaskingError
from maskgate.methods.families import family_of
from maskgate.methods.layout import plain
from maskgate.methods.method import Declaration, Domain, Family, Kind, Method, Parameter, Surroundings, Uniqueness
from maskgate.methods.numbers import as_doubles
from maskgate.methods.permutation import (
    MOVABLE,
    generator_for,
    movable,
    moved_type,
    present_rows,
    rearranged,
    stable_order,
)
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

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
                minimum=0,
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

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the exchanged values.

        Raises:
            MaskingError: If there is no key, or a column that makes groups is not there, nested, or this one.
        """
        column = movable(column)
        places = present_rows(column)
        groups = _groups([_grouping(name, surroundings, len(column)) for name in self.within], places)
        parameters = [list(self.within), self.rank_distance]
        generator = generator_for([column, pa.array(groups)], surroundings, purpose="swap", parameters=parameters)
        if self.rank_distance is not None:
            values = _sortable(plain(column).take(pa.array(places)))
            groups = _blocks(groups, values, self.rank_distance, generator)
        return rearranged(column, places, places.take(_partners(groups, generator)))


def _grouping(name: str, surroundings: Surroundings, length: int) -> pa.Array:
    column = surroundings.columns.get(name)
    where = f'column "{surroundings.column}"'
    if name == surroundings.column:
        raise MaskingError(f"{where}: `within:` names the column itself; a group of equal values would change nothing.")
    if column is None or len(column) != length:
        raise MaskingError(f'{where}: "{name}" of `within:` is not there. Name a column of the same table.')
    if family_of(column.type) not in MOVABLE | {Family.NULL}:
        raise MaskingError(f'{where}: "{name}" of `within:` is {column.type}, which makes no groups. Name its fields.')
    return plain(column)


def _groups(columns: Sequence[pa.Array], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the groups in the order of their first rows; nulls are equal to each other."""
    numbers, most = np.zeros(len(places), np.int64), 0
    for column in columns:
        values = column if len(places) == len(column) else column.take(pa.array(places))
        codes = values.dictionary_encode(null_encoding="encode")
        if most:
            joined = numbers * len(codes.dictionary) + codes.indices.to_numpy()
            codes = pa.array(joined).dictionary_encode()
        numbers, most = codes.indices.to_numpy().astype(np.int64), len(codes.dictionary) - 1
    return numbers


def _sortable(values: pa.Array) -> NDArray[Any]:
    kind = values.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        values = values.cast(pa.int32() if kind.bit_width == 32 else pa.int64())  # noqa: PLR2004  a width
    return values.to_numpy(zero_copy_only=False) if pa.types.is_integer(values.type) else as_doubles(values)


def _blocks(
    groups: NDArray[np.int64], values: NDArray[Any], percent: float, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Cut groups into blocks of neighbours in rank, each a group of its own; equal values are ranked by chance."""
    order = generator.permutation(len(values))
    order = order.take(np.argsort(values.take(order), kind="stable"))
    order = stable_order(groups, order)
    starts, sizes = _runs(groups.take(order))
    widths = np.maximum(2, (sizes * (percent / 100)).astype(np.int64))
    # A last block of one joins the one before, which is why a block is one narrower than the distance allows.
    counts = np.maximum(1, sizes // widths + (sizes % widths > 1))
    first = np.cumsum(counts) - counts
    ranks = np.arange(len(values)) - np.repeat(starts, sizes)
    blocks = np.minimum(ranks // np.repeat(widths, sizes), np.repeat(counts, sizes) - 1) + np.repeat(first, sizes)
    numbers = np.empty(len(values), np.int64)
    numbers[order] = blocks
    return numbers


def _partners(groups: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Return for each row the row that it gets its value from."""
    order = stable_order(groups, generator.permutation(len(groups)))
    starts, sizes = _runs(groups.take(order))
    # Neighbours in pairs, counted from where their group starts.
    odd = np.repeat(starts & 1, sizes)
    partners = ((np.arange(len(groups)) + odd) ^ 1) - odd
    ends = (starts + sizes)[sizes % 2 == 1]
    alone, three = ends[sizes[sizes % 2 == 1] == 1], ends[sizes[sizes % 2 == 1] > 1]
    partners[alone - 1] = alone - 1
    for place, partner in ((-3, -2), (-2, -1), (-1, -3)):
        partners[three + place] = three + partner
    sources = np.empty(len(groups), np.int64)
    sources[order] = order.take(partners)
    return sources


def _runs(codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where runs of equal codes start, and how long they are."""
    if len(codes) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    starts = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
    return starts, np.diff(np.append(starts, len(codes)))
