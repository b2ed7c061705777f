"""Hours of some days of the week, in a named time zone.

A window that goes over midnight belongs to the day on which it begins. Its first minute is in it, its last is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import datetime

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
WEEK = 7 * DAY


@dataclass(frozen=True)
class TimeWindow:
    """Hours of some days of the week.

    Attributes:
        zone: Name of the time zone, such as ``Europe/Berlin``.
        start: Minutes after midnight.
        end: Minutes after midnight, not included; not after `start` if the window goes over midnight.
        weekdays: On which days it begins.
    """

    zone: str
    start: int = 0
    end: int = DAY
    weekdays: tuple[str, ...] = WEEKDAYS

    def includes(self, moment: datetime) -> bool:
        """Whether a moment is in it, by the clock on the wall there."""
        there = moment.astimezone(ZoneInfo(self.zone))
        minute = there.hour * 60 + there.minute
        today = WEEKDAYS[there.weekday()] in self.weekdays
        if self.start < self.end:
            return today and self.start <= minute < self.end
        yesterday = WEEKDAYS[(there - timedelta(days=1)).weekday()] in self.weekdays
        return (today and minute >= self.start) or (yesterday and minute < self.end)

    @property
    def minutes(self) -> frozenset[int]:
        """The minutes of a week that are in it, from Monday's midnight by the clock there."""
        return _minutes(self)

    def describe(self) -> str:
        """Say which hours and days."""
        days = "every day" if self.weekdays == WEEKDAYS else f"on {', '.join(self.weekdays)}"
        return f"between {_clock(self.start)} and {_clock(self.end)} {days}, {self.zone}"

    def local(self, moment: datetime) -> str:
        """Write a moment by the clock there."""
        there = moment.astimezone(ZoneInfo(self.zone))
        return f"{WEEKDAYS[there.weekday()]} {there:%H:%M}"


@cache
def _minutes(window: TimeWindow) -> frozenset[int]:
    length = (window.end - window.start) % DAY or DAY
    days = (WEEKDAYS.index(day) for day in window.weekdays)
    return frozenset((day * DAY + window.start + each) % WEEK for day in days for each in range(length))


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
