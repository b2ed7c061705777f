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
from maskgate.crypto.room import room
from maskgate.methods.entities import EntityDraws
from maskgate.methods.families import value_type
from maskgate.methods.fixed_width import clear_nulls
from maskgate.methods.layout import plain
from maskgate.methods.method import Declaration, Domain, Family, Kind, Method, Parameter, ReversibleBy, Surroundings
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_FIRST_DAY = -719_162  # 0001-01-01, counted from 1970-01-01
_LAST_DAY = 2_932_896  # 9999-12-31
_TICKS = {"d": 1, "s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


@dataclass(frozen=True)
class ShiftDate(Method):
    """Shift by whole days of 24 hours, at least one and at most `days`, either way. Time of day in UTC stays."""

    days: int

    declaration: ClassVar[Declaration] = Declaration(
        name="shift_date",
        done="shifted in time",
        term="randomization (noise addition, the same for all dates of a data principal)",
        summary="Moves all dates of one entity by the same secret number of days, in UTC; one known date reveals it.",
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
        draws = EntityDraws(column, surroundings, purpose="shift_date", context=f"days={self.days}")
        calendar = _Calendar(column, self.days)
        for rows in draws.portions():
            calendar.move(rows, draws.draw(rows)[:, 0])
        return calendar.moved()


class _Calendar:
    """A plain column of dates, and where they have moved to."""

    def __init__(self, column: pa.Array, days: int) -> None:
        kind = column.type
        width: np.dtype[Any] = np.dtype(np.int32 if pa.types.is_date32(kind) else np.int64)
        unit = "ms" if pa.types.is_date64(kind) else getattr(kind, "unit", "d")
        self._type, self._ticks, self._valid = kind, _TICKS[unit], validity(column)
        self._before = (
            np.frombuffer(column.buffers()[1], width, len(column), column.offset * width.itemsize)
            if len(column)
            else np.zeros(0, width)
        )
        # The least number is left out: numpy and pandas read it as "not a time".
        self._least, self._most = np.iinfo(width).min + 1, np.iinfo(width).max
        self._first = max(_FIRST_DAY * self._ticks, self._least)
        self._last = min((_LAST_DAY + 1) * self._ticks - 1, self._most)
        reach = days * self._ticks
        self._is_easy = len(column) == 0 or (
            self._first + reach <= self._before.min() and self._before.max() <= self._last - reach
        )
        self._after = room(len(column), width)
        days_moved = np.concatenate([np.arange(-days, 0), np.arange(1, days + 1)])
        self._moves = (days_moved * self._ticks).astype(width if self._is_easy else np.int64)

    def move(self, rows: slice, draws: NDArray[np.uint64]) -> None:
        """Move some rows by as many days as words of even bits say.

        Their upper 47 bits are scaled down, so that no shift is more likely than another by over 1 part in 2^30.
        """
        places = draws >> np.uint64(17)
        places *= np.uint64(len(self._moves))
        places >>= np.uint64(47)
        moves = self._moves.take(places.view(np.int64), mode="clip")
        if not self._is_easy:
            self._turn_back(self._before[rows].astype(np.int64), moves)
        np.add(self._before[rows], moves, out=self._after[rows], casting="unsafe")

    def _turn_back(self, before: NDArray[np.int64], moves: NDArray[np.int64]) -> None:
        """Let moves that would leave the calendar go the other way."""
        usual = (self._first <= before) & (before <= self._last)
        lower = np.where(usual, self._first, self._least)
        upper = np.where(usual, self._last, self._most)
        leaves = np.where(moves > 0, before > upper - moves, before < lower - moves)
        np.negative(moves, out=moves, where=leaves)

    def moved(self) -> pa.Array:
        """Return the dates as they are now, with nothing under nulls."""
        clear_nulls(self._after, self._valid)
        buffers = [validity_buffer(self._valid), pa.py_buffer(self._after)]
        return pa.Array.from_buffers(self._type, len(self._after), buffers)
