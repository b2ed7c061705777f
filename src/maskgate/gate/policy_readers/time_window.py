"""Reads ``time:``: hours of some days of the week in a named time zone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from maskgate.gate.policy_readers.values import read_words
from maskgate.gate.time_window import DAY, WEEKDAYS, TimeWindow

if TYPE_CHECKING:
    from maskgate.rules.strict_yaml import Located, Reader

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


def read_time_window(reader: Reader, where: str, located: Located) -> TimeWindow | None:
    """Read a window; None if it is wrong."""
    before = len(reader.problems)
    fields = reader.mapping(located, where, ("between", "zone", "weekdays"), ("zone",))
    if isinstance(located.value, dict) and not fields.keys() & {"between", "weekdays"}:
        reader.problem(f"{where}: write `between:`, `weekdays:` or both.", located.line)
    zone = _zone(reader, f"{where}, zone", fields.get("zone"))
    start, end = _between(reader, f"{where}, between", fields.get("between"))
    given = read_words(reader, f"{where}, weekdays", fields.get("weekdays"), WEEKDAYS)
    if len(reader.problems) > before:
        return None
    days = tuple(day for day in WEEKDAYS if day in given) if "weekdays" in fields else WEEKDAYS
    return TimeWindow(zone, start, end, days)


def _zone(reader: Reader, where: str, located: Located | None) -> str:
    name = reader.string(located, where)
    try:
        # A name with a path in it would read another file than that of a zone.
        return ZoneInfo(name).key if name else ""
    except (ZoneInfoNotFoundError, ValueError, OSError):
        line = None if located is None else located.line
        reader.problem(f"{where}: '{name}' is no time zone. Write one such as Europe/Berlin or UTC.", line)
        return ""


def _between(reader: Reader, where: str, located: Located | None) -> tuple[int, int]:
    if located is None:
        return 0, DAY
    times = reader.sequence(located, where)
    fitting = [_CLOCK.fullmatch(time.value) for time in times if isinstance(time.value, str)]
    if len(times) != 2 or len(fitting) != 2 or None in fitting:  # noqa: PLR2004  from, to
        if isinstance(located.value, list):
            reader.problem(f'{where}: write two times in quotes, such as ["09:00", "17:00"].', located.line)
        return 0, DAY
    start, end = (_minutes(time.value) for time in times)
    if start in {end, DAY}:
        reader.problem(f"{where}: this window has no minute in it, so it never matches.", located.line)
    return start, end


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
