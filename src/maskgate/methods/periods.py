"""Dates and timestamps by the year, quarter, month or ISO week that they fall in, in UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

PERIODS = ("year", "quarter", "month", "week")
_YEAR = "-?[0-9]{4,}"
PATTERNS = {
    "quarter": f"{_YEAR}-Q[1-4]",
    "month": f"{_YEAR}-(?:0[1-9]|1[0-2])",
    "week": f"{_YEAR}-W(?:0[1-9]|[1-4][0-9]|5[0-3])",
}
_INT32 = np.iinfo(np.int32)
_THURSDAY = 3
_WEEKS = 64


def period_of(column: pa.Array, period: str, not_before: int | None) -> pa.Array:
    """Return the period that each date falls in: a year as int32, any other as text such as ``1987-Q3``.

    Args:
        column: Plain dates or timestamps.
        period: One of `PERIODS`.
        not_before: Dates before this year become its first period; None if all stay.
    """
    valid = validity(column)
    days = _days(column)
    absent = None if valid is None else ~valid
    if period == "year":
        years = _years(days)
        if not_before is not None:
            years = np.maximum(years, not_before)
        return pa.array(np.clip(years, _INT32.min, _INT32.max).astype(np.int32), mask=absent)
    number, first_of, write = _NUMBERED[period]
    numbers = number(days)
    if not_before is not None:
        numbers = np.maximum(numbers, first_of(not_before))
    # Rows are many and periods few: each is written once.
    codes = pa.array(numbers, mask=absent).dictionary_encode()
    names = pa.array([write(each) for each in codes.dictionary.to_pylist()], pa.string())
    return pc.take(names, codes.indices)


def _days(column: pa.Array) -> NDArray[np.datetime64]:
    if pa.types.is_date32(column.type):
        unit, counts = "D", column.cast(pa.int32())
    else:
        unit, counts = getattr(column.type, "unit", "ms"), column.cast(pa.int64())
    moments: NDArray[np.datetime64] = counts.fill_null(0).to_numpy().astype(f"datetime64[{unit}]")
    return moments.astype("datetime64[D]")


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
