"""Cut texts after some characters, and moments down to the beginning of a period; the type stays.

Periods begin in UTC, weeks on Mondays (ISO 8601). A timestamp with nanoseconds whose period would begin before 1677
gets the first moment of a day that there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.room import room
from maskgate.methods.families import family_of, value_type
from maskgate.methods.fixed_width import as_column, cells_of, portions
from maskgate.methods.layout import by_value, in_layout_of, text_type
from maskgate.methods.limits import MOMENTS
from maskgate.methods.method import Declaration, Domain, Family, Kind, Method, Parameter, Surroundings
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
PERIODS = (*_SECONDS, "week", *_MONTHS)
_OF_DATES = ("week", *_MONTHS)
_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86_400
_WEEK = 7
# 1970-01-01 was a Thursday.
_SINCE_MONDAY = 3
# So many days are looked up in a table of them; 2^18 of them are 700 years.
_MOST_DAYS = 2**18


@dataclass(frozen=True)
class Truncate(Method):
    """Cut texts or moments.

    Attributes:
        length: How many characters stay of a text.
        to: The period whose beginning stays of a moment.
    """

    length: int | None
    to: str | None

    declaration: ClassVar[Declaration] = Declaration(
        name="truncate",
        done="cut off",
        term="generalization (truncation)",
        summary="Cuts texts after some characters, and dates and times down to the beginning of a period.",
        accepts=MOMENTS | {Family.STRING},
        parameters=(
            Parameter("length", Kind.INTEGER, "How many characters stay of a text.", minimum=1, maximum=1_000_000),
            Parameter("to", Kind.CHOICE, "The period whose beginning stays of a date or time.", choices=PERIODS),
        ),
        one_of=("length", "to"),
    )

    @classmethod
    def configure(cls, options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method.

        Raises:
            ValueError: If not exactly one of ``length`` and ``to`` is there, or it makes no sense.
        """
        length, to = options.get("length"), options.get("to")
        if (length is None) == (to is None):
            raise ValueError("truncate needs exactly one of `length:` (texts) and `to:` (dates and times)")
        if length is not None and length < 1:
            raise ValueError("`length:` is at least 1; to leave nothing, write `redact`")
        if to is not None and to not in PERIODS:
            raise ValueError(f"`to:` is one of {', '.join(PERIODS)}")
        return cls(length, to)

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return the type itself; views of strings become large strings.

        Raises:
            ValueError: If the type has nothing of the kind to cut.
        """
        kind, family = value_type(input_type), family_of(input_type)
        if self.length is not None:
            if family is not Family.STRING:
                raise ValueError(f"`length:` cuts texts, not {input_type}; write `to:`")
            return text_type(input_type)
        if family not in MOMENTS:
            raise ValueError(f"`to:` cuts dates and timestamps, not {input_type}; write `length:`")
        if family is Family.DATE and self.to not in _OF_DATES:
            raise ValueError(f"{kind} has nothing smaller than a day; cut it to {', '.join(_OF_DATES)}")
        return in_layout_of(input_type, kind)

    def shape(self) -> Shape:
        """Promise a length; of moments, that they are some."""
        return Shape(families=tuple(sorted(MOMENTS))) if self.length is None else Shape(max_length=self.length)

    def apply(self, column: pa.Array, _surroundings: Surroundings) -> pa.Array:
        """Return what stays."""
        return by_value(column, self._cut)

    def _cut(self, values: pa.Array) -> pa.Array:
        if self.length is not None:
            return pc.utf8_slice_codeunits(values, 0, self.length)
        return as_column(self._begun(cells_of(values), values), values, values.type)

    def _begun(self, counts: NDArray[Any], column: pa.Array) -> NDArray[Any]:
        to, day = self.to or "", _units_a_day(column.type)
        first = -(-int(np.iinfo(counts.dtype).min) // day)
        begun = room(len(counts), counts.dtype)
        if to in _SECONDS:
            size = counts.dtype.type(day * _SECONDS[to] // _DAY)
            least = counts.dtype.type(-(-int(np.iinfo(counts.dtype).min) // int(size)))
            for rows in portions(len(counts)):
                np.multiply(np.maximum(counts[rows] // size, least), size, out=begun[rows])
            return begun
        begin = _Beginnings(to, column, day)
        for rows in portions(len(counts)):
            days = np.maximum(begin(counts[rows] // counts.dtype.type(day)), first)
            np.multiply(days, day, out=begun[rows], casting="unsafe")
        return begun


class _Beginnings:
    """The first day of the period that a day is in, looked up where the days are near to each other."""

    def __init__(self, period: str, column: pa.Array, day: int) -> None:
        self._period = period
        self._table: NDArray[np.int64] | None = None
        counts = cells_of(column)
        self._least, self._most = (int(end) // day for end in (counts.min(initial=0), counts.max(initial=0)))
        if self._most - self._least >= _MOST_DAYS and column.null_count:
            # What lies under nulls may be anything; it is slower not to look at it.
            ends = pc.min_max(column.view(pa.int32() if pa.types.is_date32(column.type) else pa.int64()))
            self._least, self._most = ((ends[end].as_py() or 0) // day for end in ("min", "max"))
        if self._most - self._least < _MOST_DAYS:
            self._table = self._computed(np.arange(self._least, self._most + 1))

    def __call__(self, days: NDArray[Any]) -> NDArray[np.int64]:
        days = np.clip(days, self._least, self._most)
        return self._computed(days) if self._table is None else self._table[days - self._least]

    def _computed(self, days: NDArray[Any]) -> NDArray[np.int64]:
        days = days.astype(np.int64)
        if self._period == "week":
            days -= (days + _SINCE_MONDAY) % _WEEK
            return days
        months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        months -= months % _MONTHS[self._period]
        first: NDArray[np.int64] = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        return first


def _units_a_day(kind: pa.DataType) -> int:
    if pa.types.is_date32(kind):
        return 1
    return _DAY * _A_SECOND["ms" if pa.types.is_date64(kind) else kind.unit]
