"""Reads what stands in several blocks of a policy alike: words, durations, bounds."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from maskgate.rules.strict_yaml import Located, Reader

_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_words(reader: Reader, where: str, located: Located | None, known: Collection[str] = ()) -> tuple[str, ...]:
    """Read one word, or a list of words that is not empty.

    Args:
        reader: Where problems go.
        where: What messages call it.
        located: What stands there.
        known: The words that there are; empty if any.
    """
    if located is None:
        return ()
    if isinstance(located.value, str):
        words: tuple[str, ...] = (reader.string(located, where),)
    else:
        words = reader.strings(located, where)
        if not words and isinstance(located.value, list):
            reader.problem(f"{where}: the list is empty.", located.line)
    for word in words if known else ():
        if word and word not in known:
            reader.problem(f"{where}: there is no '{word}'.{did_you_mean(word, known)}", located.line)
    return words


def read_duration(
    reader: Reader, where: str, located: Located | None, *, default: timedelta, longest: timedelta
) -> timedelta:
    """Read a time such as ``30m``, ``24h`` or ``7d``."""
    if located is None:
        return default
    fits = _DURATION.fullmatch(located.value) if isinstance(located.value, str) else None
    duration = timedelta(**{_UNITS[fits[2]]: int(fits[1])}) if fits else timedelta(0)
    if not timedelta(0) < duration <= longest:
        days = f"{longest.days}d" if longest.days else f"{longest.seconds // 60}m"
        reader.problem(f"{where}: write a time such as 30m, 24h or 7d, of at most {days}.", located.line)
        return default
    return duration


def read_bounds(
    reader: Reader, where: str, fields: Mapping[str, Located], line: int, *, minimum: int = 0
) -> tuple[int | None, int | None]:
    """Read ``at_least`` and ``at_most``, of which one must be there."""
    read = {
        name: reader.integer(fields[name], f"{where}, {name}", minimum=minimum)
        for name in ("at_least", "at_most")
        if name in fields
    }
    at_least, at_most = read.get("at_least"), read.get("at_most")
    if not read:
        reader.problem(f"{where}: write `at_least:`, `at_most:` or both.", line)
    if at_least is not None and at_most is not None and at_least > at_most:
        reader.problem(f"{where}: at_least is more than at_most, so no number fits.", fields["at_least"].line)
    if at_most is None and at_least == 0 and fields["at_least"].value == 0 and type(fields["at_least"].value) is int:
        reader.problem(f"{where}: every number is at least 0, so this asks nothing.", fields["at_least"].line)
    return at_least, at_most
