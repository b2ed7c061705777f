"""How far a run is, as numbers and as a line of a log."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS_BETWEEN_LINES = 5.0
_MINUTE, _HOUR = 60, 3600
_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_STEP = 1000


@dataclass(frozen=True)
class Progress:
    """How far a table is.

    Attributes:
        table: Its name.
        rows: Rows that are masked and written.
        total_rows: Rows there are, if that is known.
        bytes: Bytes written.
        file: The file that is being written.
        seconds: How long the table has taken.
        resumed_rows: Rows that a run before has finished.
        step: What is done to them before they are masked; empty while they are.
        about_rows: How many there may be, where that is not known.
    """

    table: str
    rows: int
    total_rows: int | None
    bytes: int
    file: str = ""
    seconds: float = 0.0
    resumed_rows: int = 0
    step: str = ""
    about_rows: int | None = None

    @property
    def rows_per_second(self) -> float | None:
        """How fast it goes; None before that can be told."""
        return (self.rows - self.resumed_rows) / self.seconds if self.seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """How long it will take; None if that cannot be told."""
        rate, total = self.rows_per_second, self.expected_rows
        if not rate or total is None:
            return None
        return max(0.0, (total - self.rows) / rate)

    @property
    def expected_rows(self) -> int | None:
        """How many rows to reckon with; a guess that is passed is none any more."""
        if self.total_rows is not None or self.about_rows is None or self.about_rows < self.rows:
            return self.total_rows
        return self.about_rows

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        rate, left = self.rows_per_second, self.seconds_left
        return {
            "table": self.table,
            "step": self.step or "masking",
            "file": self.file,
            "rows": self.rows,
            "total_rows": self.total_rows,
            "about_rows": self.about_rows,
            "bytes": self.bytes,
            "rows_per_second": None if rate is None else round(rate),
            "seconds_left": None if left is None else round(left, 1),
        }

    def __str__(self) -> str:
        total = self.expected_rows
        of = "" if total is None else f" of {total:,}" if total == self.total_rows else f" of about {total:,}"
        share = f" ({self.rows / total:.0%})" if total else ""
        step = f", {self.step}" if self.step else ""
        words = [f"{self.table}{step}: {self.rows:,}{of} rows{share}", *([] if step else [shown_bytes(self.bytes)])]
        if self.rows_per_second is not None:
            words.append(f"{self.rows_per_second:,.0f} rows/s")
        if self.seconds_left is not None:
            words.append(f"{shown_seconds(self.seconds_left)} left")
        return ", ".join([*words, *([self.file] if self.file else [])])


def every_few_seconds(say: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Return what passes progress on every few seconds, and not more often."""
    last = time.monotonic()

    def report(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            say(progress)

    return report


def shown_bytes(count: float) -> str:
    """Write a number of bytes for people.

    Example:
        >>> shown_bytes(134_217_728), shown_bytes(999)
        ('134.2 MB', '999 bytes')
    """
    unit = 0
    while count >= _STEP and unit < len(_UNITS) - 1:
        count, unit = count / _STEP, unit + 1
    return f"{count:.1f} {_UNITS[unit]}" if unit else f"{count:.0f} {_UNITS[0]}"


def shown_seconds(seconds: float) -> str:
    """Write a time for people.

    Example:
        >>> shown_seconds(42), shown_seconds(192), shown_seconds(7260)
        ('42 s', '3 min', '2 h 1 min')
    """
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    minutes = round(seconds / _MINUTE)
    return f"{minutes} min" if seconds < _HOUR else f"{minutes // _MINUTE} h {minutes % _MINUTE} min"
