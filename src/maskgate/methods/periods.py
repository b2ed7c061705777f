"""Dates and timestamps by the year, quarter, month or ISO week that they fall in, in UTC.

Where dates lie within some centuries, as they mostly do, a table of all days in between says the period of each, and
a row costs one look into it. Others are worked out one by one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity, validity_buffer
from maskgate.crypto.room import room, taken
from maskgate.methods.numbers import integers_of
from maskgate.methods.spread import spread

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


def period_of(column: pa.Array, period: str, not_before: int | None) -> pa.Array:
    """Return the period that each date falls in: a year as int32, any other as text such as ``1987-Q3``.

    Args:
        column: Plain dates or timestamps.
        period: One of `PERIODS`.
        not_before: Dates before this year become its first period; None if all stay.
    """
    counts, unit = _counts(column)
    ends = pc.min_max(counts)
    if not ends["min"].is_valid:
        return pa.nulls(len(column), pa.int32() if period == "year" else pa.string())
    first, last = (int(year) for year in _years(_days(np.array([ends["min"].as_py(), ends["max"].as_py()]), unit)))
    first, last = first // _DECADE * _DECADE, last // _DECADE * _DECADE + _DECADE
    wide = last - first > _MOST_YEARS
    if wide or first not in _YEARS_OF_FOUR_DIGITS or last not in _YEARS_OF_FOUR_DIGITS:
        return _one_by_one(column, counts, unit, period, not_before)
    return _by_table(counts, _TICKS[unit], _table(period, not_before, first, last), first)


def _counts(column: pa.Array) -> tuple[pa.Array, str]:
    """Return dates as integers, and the unit that they count."""
    if pa.types.is_date32(column.type):
        return column.cast(pa.int32()), "D"
    return column.cast(pa.int64()), getattr(column.type, "unit", "ms")


def _by_table(counts: pa.Array, ticks: int, table: NDArray[Any], first_year: int) -> pa.Array:
    valid, moments = validity(counts), integers_of(counts)
    if valid is not None and table.dtype != np.int32:
        present = pa.array(taken(moments, np.flatnonzero(valid)))
        return spread(_by_table(present, ticks, table, first_year), valid)
    first_day = int(np.datetime64(f"{first_year:04d}-01-01", "D").astype(np.int64))
    periods = room(len(counts), table.dtype)
    for start in range(0, len(counts), _ROWS):
        rows = slice(start, start + _ROWS)
        days = (moments[rows] // ticks if ticks > 1 else moments[rows]).astype(np.int64, copy=False) - first_day
        if valid is not None:
            # The last entry is empty. Products are many times as fast as setting single cells.
            days -= len(table) - 1
            days *= valid[rows]
            days += len(table) - 1
        table.take(days, out=periods[rows], mode="clip")
    if table.dtype == np.int32:
        return pa.Array.from_buffers(pa.int32(), len(counts), [validity_buffer(valid), pa.py_buffer(periods)])
    offsets = np.arange(len(counts) + 1, dtype=np.int32) * np.int32(table.itemsize)
    buffers = [validity_buffer(valid), pa.py_buffer(offsets), pa.py_buffer(periods.view(np.uint8))]
    return pa.Array.from_buffers(pa.string(), len(counts), buffers)


@lru_cache(maxsize=64)
def _table(period: str, not_before: int | None, first_year: int, last_year: int) -> NDArray[Any]:
    """Return the period of each day of some years, as a number or as text of fixed width, and an empty last entry."""
    ends = [np.datetime64(f"{year:04d}-01-01", "D") for year in (first_year, last_year)]
    days = np.arange(*ends)
    if period == "year":
        return np.append(np.maximum(_years(days), not_before or first_year), 0).astype(np.int32)
    numbers, places = np.unique(_numbered(days, period, not_before), return_inverse=True)
    texts = np.array([_NUMBERED[period][2](int(number)).encode() for number in numbers])
    fixed = texts.view(f"V{texts.itemsize}").take(places)
    return np.append(fixed, np.zeros(1, fixed.dtype))


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
