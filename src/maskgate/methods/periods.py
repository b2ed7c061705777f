"""Dates and timestamps by the year, quarter, month or ISO week that they fall in, in UTC.

Where dates lie within some centuries, as they mostly do, a table of all days in between says the period of each, and
a row costs one look into it. Others are worked out one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity, validity_buffer
from maskgate.crypto.room import room
from maskgate.methods.fixed_width import as_column, extent
from maskgate.methods.numbers import integers_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_YEAR = "-?[0-9]{4,}"
PATTERNS = {
    "quarter": f"{_YEAR}-Q[1-4]",
    "month": f"{_YEAR}-(?:0[1-9]|1[0-2])",
    "week": f"{_YEAR}-W(?:0[1-9]|[1-4][0-9]|5[0-3])",
}
_INT32 = np.iinfo(np.int32)
_THURSDAY = 3
_WEEKS = 64
_TICKS = {"D": 1, "s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
# Years are told apart in tables of whole decades, so that one table does for many batches; of at most so many years,
# in which a year has four digits.
_DECADE = 10
_MOST_YEARS = 1000
_YEARS_OF_FOUR_DIGITS = range(1, 9989)
_ROWS = 65_536
# No name of a period of such a year is longer.
_COPIED = 8


def period_of(column: pa.Array, period: str, not_before: int | None) -> pa.Array:
    """Return the period that each date falls in: a year as int32, any other as text such as ``1987-Q3``.

    Args:
        column: Plain dates or timestamps.
        period: One of :data:`~maskgate.methods.period_names.PERIODS`.
        not_before: Dates before this year become its first period; None if all stay.
    """
    counts, unit = _counts(column)
    if counts.null_count == len(counts):
        return pa.nulls(len(column), pa.int32() if period == "year" else pa.string())
    decades = _decades(*extent(integers_of(counts)), unit)
    if decades is None and counts.null_count:
        # What lies under nulls may be far from all the others; it is slower not to look at it.
        ends = pc.min_max(counts)
        decades = _decades(ends["min"].as_py(), ends["max"].as_py(), unit)
    if decades is None:
        return _one_by_one(column, counts, unit, period, not_before)
    return _by_table(counts, _TICKS[unit], _table(period, not_before, *decades), decades[0])


def _decades(least: int, most: int, unit: str) -> tuple[int, int] | None:
    """Return the first year of a table of the days between two moments, and the year behind its last.

    Args:
        least: The first moment.
        most: The last one.
        unit: What moments count.

    Returns:
        None if there is no table of so many years, or of such years.
    """
    first, last = (int(year) for year in _years(_days(np.array([least, most]), unit)))
    first, last = first // _DECADE * _DECADE, last // _DECADE * _DECADE + _DECADE
    wide = last - first > _MOST_YEARS
    if wide or first not in _YEARS_OF_FOUR_DIGITS or last not in _YEARS_OF_FOUR_DIGITS:
        return None
    return first, last


def _counts(column: pa.Array) -> tuple[pa.Array, str]:
    """Return dates as integers, and the unit that they count."""
    if pa.types.is_date32(column.type):
        return column.cast(pa.int32()), "D"
    return column.cast(pa.int64()), getattr(column.type, "unit", "ms")


def _by_table(counts: pa.Array, ticks: int, table: _Table, first_year: int) -> pa.Array:
    valid, moments, width = validity(counts), integers_of(counts), table.width
    first_day = int(np.datetime64(f"{first_year:04d}-01-01", "D").astype(np.int64))
    is_text = table.items.dtype != np.int32
    present = len(counts) if valid is None or not is_text else int(np.count_nonzero(valid))
    # A byte more, since items may be wider than texts.
    bytes_ = pa.allocate_buffer(present * width + table.items.itemsize - width, resizable=True)
    written = np.ndarray((present,), table.items.dtype, np.frombuffer(bytes_, np.uint8), strides=(width,))
    items, end = room(min(_ROWS, len(counts)), table.items.dtype), 0
    for start in range(0, len(counts), _ROWS):
        rows = slice(start, start + _ROWS)
        days = (moments[rows] // ticks if ticks > 1 else moments[rows]).astype(np.int64, copy=False) - first_day
        if valid is not None and is_text:
            days = days[valid[rows]]
        here = written[end : end + len(days)]
        found = table.items.take(days, out=here if here.flags.c_contiguous else items[: len(days)], mode="clip")
        if found is not here:
            # What is too much of an item is overwritten by the next one.
            here[:] = found
        end += len(days)
    bytes_.resize(present * width)
    if not is_text:
        return as_column(np.frombuffer(bytes_, np.int32), counts, pa.int32())
    edges = _edges(len(counts), valid, width)
    return pa.Array.from_buffers(pa.string(), len(counts), [validity_buffer(valid), edges, bytes_])


def _edges(count: int, valid: NDArray[np.bool_] | None, width: int) -> pa.Buffer:
    """Return where texts of one width begin, of which none is where there is a null."""
    edges = room(count + 1, np.int32)
    edges[0] = 0
    if valid is None:
        edges[:] = np.arange(count + 1, dtype=np.int32)
    else:
        np.cumsum(valid, out=edges[1:], dtype=np.int32)
    edges *= np.int32(width)
    return pa.py_buffer(edges)


@dataclass(frozen=True)
class _Table:
    """The period of each day of some years.

    Attributes:
        items: Numbers, or texts with zeros behind them.
        width: How many bytes they have.
    """

    items: NDArray[Any]
    width: int


@lru_cache(maxsize=64)
def _table(period: str, not_before: int | None, first_year: int, last_year: int) -> _Table:
    """Lay out the periods of the days of some years."""
    ends = [np.datetime64(f"{year:04d}-01-01", "D") for year in (first_year, last_year)]
    days = np.arange(*ends)
    if period == "year":
        years = np.maximum(_years(days), not_before or first_year).astype(np.int32)
        return _Table(years, years.itemsize)
    numbers, places = np.unique(_numbered(days, period, not_before), return_inverse=True)
    texts = [_NUMBERED[period][2](int(number)).encode() for number in numbers]
    # numpy copies eight bytes at once, and any other number of them one after the other.
    items = np.array(texts, f"S{_COPIED}").view(f"V{_COPIED}").take(places)
    return _Table(items, len(texts[0]))


def _one_by_one(column: pa.Array, counts: pa.Array, unit: str, period: str, not_before: int | None) -> pa.Array:
    valid = validity(column)
    absent = None if valid is None else ~valid
    days = _days(counts.fill_null(0).to_numpy(), unit)
    if period == "year":
        years = _years(days)
        if not_before is not None:
            years = np.maximum(years, not_before)
        return pa.array(np.clip(years, _INT32.min, _INT32.max).astype(np.int32), mask=absent)
    # Rows are many and periods few: each is written once.
    codes = pa.array(_numbered(days, period, not_before), mask=absent).dictionary_encode()
    names = pa.array([_NUMBERED[period][2](each) for each in codes.dictionary.to_pylist()], pa.string())
    return pc.take(names, codes.indices)


def _numbered(days: NDArray[np.datetime64], period: str, not_before: int | None) -> NDArray[np.int64]:
    number, first_of, _ = _NUMBERED[period]
    numbers = number(days)
    return numbers if not_before is None else np.maximum(numbers, first_of(not_before))


def _days(counts: NDArray[Any], unit: str) -> NDArray[np.datetime64]:
    # Not by numpy's own conversion, which takes the first nanoseconds of int64 for the last.
    days: NDArray[np.datetime64] = (counts.astype(np.int64) // _TICKS[unit]).astype("datetime64[D]")
    return days


def _years(days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return days.astype("datetime64[Y]").astype(np.int64) + 1970


def _months(days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return days.astype("datetime64[M]").astype(np.int64) + 1970 * 12


def _quarters(days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return _months(days) // 3


def _weeks(days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Number ISO 8601 weeks: a week belongs to the year that its Thursday is in."""
    count = days.astype(np.int64)
    thursday = count - (count + _THURSDAY) % 7 + _THURSDAY
    year = thursday.astype("datetime64[D]").astype("datetime64[Y]")
    since = thursday - year.astype("datetime64[D]").astype(np.int64)
    return (year.astype(np.int64) + 1970) * _WEEKS + since // 7 + 1


def _year_text(year: int) -> str:
    return f"{year:04d}" if year >= 0 else f"-{-year:04d}"


_NUMBERED: dict[
    str,
    tuple[Callable[[NDArray[np.datetime64]], NDArray[np.int64]], Callable[[int], int], Callable[[int], str]],
] = {
    "quarter": (_quarters, lambda year: year * 4, lambda n: f"{_year_text(n // 4)}-Q{n % 4 + 1}"),
    "month": (_months, lambda year: year * 12, lambda n: f"{_year_text(n // 12)}-{n % 12 + 1:02d}"),
    "week": (_weeks, lambda year: year * _WEEKS + 1, lambda n: f"{_year_text(n // _WEEKS)}-W{n % _WEEKS:02d}"),
}
