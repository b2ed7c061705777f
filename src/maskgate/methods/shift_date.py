"""Move all dates of an entity by the same number of days.

The distance between two dates of one entity stays exact, in all tables that share the key and `days`. Who knows one
true date of an entity knows its shift, and with it all its dates.

A shift that would leave the years 1 to 9999, or what the type can hold, goes the other way instead: such dates,
often stand-ins for "unknown" or "for ever", must neither stop a run nor come out as they are. A date that lies
outside of those years to begin with may go wherever its type can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pyarrow as pa

from maskgate.crypto.cells import validity, validity_buffer
from maskgate.methods.entities import draw_by_entity
from maskgate.methods.families import value_type
from maskgate.methods.layout import plain
from maskgate.methods.method import Declaration, Domain, Family, Kind, Method, Parameter, ReversibleBy, Surroundings
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_FIRST_DAY = -719_162  # 0001-01-01, counted from 1970-01-01
_LAST_DAY = 2_932_896  # 9999-12-31
_TICKS = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


@dataclass(frozen=True)
class ShiftDate(Method):
    """Shift by whole days of 24 hours, at least one and at most `days`, either way. Time of day in UTC stays."""

    days: int

    declaration: ClassVar[Declaration] = Declaration(
        name="shift_date",
        term="randomization (noise addition, the same for all dates of a data principal)",
        summary="Moves all dates of one entity by the same secret number of days; one known date reveals it.",
        accepts=frozenset({Family.DATE, Family.TIMESTAMP}),
        parameters=(
            Parameter(
                "days",
                Kind.INTEGER,
                "The most days that a date moves, either way.",
                required=True,
                minimum=1,
                maximum=36_500,
            ),
        ),
        reversible_by=ReversibleBy.KEY_HOLDER,
        needs_key=True,
        needs_entity=True,
    )

    @classmethod
    def configure(cls, options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method from ``days:``."""
        return cls(options["days"])

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return the type of the values."""
        return value_type(input_type)

    def shape(self) -> Shape:
        """Promise dates; which ones cannot be seen."""
        return Shape(families=(Family.DATE.value, Family.TIMESTAMP.value))

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the shifted dates.

        Raises:
            MaskingError: If there is no key, or no entity for a date.
        """
        column = plain(column)
        draws = draw_by_entity(column, surroundings, purpose="shift_date", context=f"days={self.days}")
        shifts = (draws[:, 0] % np.uint64(2 * self.days)).astype(np.int64) - self.days
        shifts += shifts >= 0
        return _moved(column, shifts)


def _moved(column: pa.Array, shifts: NDArray[np.int64]) -> pa.Array:
    width: np.dtype[Any] = np.dtype(np.int32 if pa.types.is_date32(column.type) else np.int64)
    ticks = (
        1 if pa.types.is_date32(column.type) else _TICKS["ms" if pa.types.is_date64(column.type) else column.type.unit]
    )
    valid = validity(column)
    before = np.frombuffer(column.buffers()[1], width, len(column), column.offset * width.itemsize).astype(np.int64)
    # The least number is left out: numpy and pandas read it as "not a time".
    least, most = np.iinfo(width).min + 1, np.iinfo(width).max
    first, last = max(_FIRST_DAY * ticks, least), min((_LAST_DAY + 1) * ticks - 1, most)
    usual = (first <= before) & (before <= last)
    lower, upper = np.where(usual, first, least), np.where(usual, last, most)
    moves = shifts * ticks
    leaves = np.where(moves > 0, before > upper - moves, before < lower - moves)
    after = before + np.where(leaves, -moves, moves)
    if valid is not None:
        after[~valid] = 0
    return pa.Array.from_buffers(column.type, len(column), [validity_buffer(valid), pa.py_buffer(after.astype(width))])
