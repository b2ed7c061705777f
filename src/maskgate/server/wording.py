"""How figures, times, states and methods read on a page."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from maskgate.clock import moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_STATE_TONES = {
    "sealing": "note",
    "pending": "wait",
    "approved": "good",
    "releasing": "note",
    "released": "good",
    "refused": "bad",
    "denied": "bad",
    "failed": "bad",
    "indeterminate": "bad",
}
_STATES = {
    "sealing": "measuring",
    "pending": "waits for a signature",
    "approved": "approved",
    "releasing": "releasing",
}
_TRUST_TONES = {"internal": "note", "external": "wait", "public": "bad"}


def state_tone(state: str) -> str:
    """Return how a state is coloured."""
    return _STATE_TONES.get(state, "")


def state_name(state: str) -> str:
    """Return what a page calls a state."""
    return _STATES.get(state, state)


def trust_tone(trust: str) -> str:
    """Return how a trust is coloured; one that is not known looks dangerous."""
    return _TRUST_TONES.get(trust, "bad")


def method_words(methods: Sequence[str]) -> str:
    """Return what the methods of a column did, in a few words; no method is no rule.

    Example:
        >>> method_words(["redact", "keep"])
        'replaced by a fixed text, or kept as it is'
    """
    return ", or ".join(map(_done, methods)) or "no registered rule"


def know_methods(done: Mapping[str, str]) -> None:
    """Take the words for what each method does from whoever has loaded the methods."""
    _DONE.update(done)


def _done(name: str) -> str:
    if not _DONE:
        from maskgate.methods import METHODS  # noqa: PLC0415  a gate's own process is told, and loads none

        know_methods({each: method.declaration.done for each, method in METHODS.items()})
    return _DONE.get(name, f"{name}, a plugin's method")


_DONE: dict[str, str] = {}


def size_words(size: int) -> str:
    """Write a number of bytes.

    Example:
        >>> size_words(19), size_words(1_500_000)
        ('19 B', '1.5 MB')
    """
    number, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if number < 1000:  # noqa: PLR2004  the units are decimal
            break
        number, unit = number / 1000, larger
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"


def when(text: str | None, now: datetime) -> str:
    """Write a moment, and how far from now it is.

    Args:
        text: ISO 8601; None for no moment.
        now: The present moment.
    """
    if not text:
        return ""
    then = moment(text)
    return f"{then.astimezone(UTC):%d %b %Y, %H:%M} UTC ({apart(then, now)})"


def apart(then: datetime, now: datetime) -> str:
    """Write how far a moment is from now.

    Example:
        >>> from datetime import datetime, timedelta, UTC
        >>> now = datetime(2026, 1, 1, tzinfo=UTC)
        >>> apart(now + timedelta(hours=23), now), apart(now - timedelta(minutes=1), now), apart(now, now)
        ('in 23 hours', '1 minute ago', 'just now')
    """
    seconds = (then - now).total_seconds()
    length = abs(seconds)
    if length < _MINUTE:
        return "just now" if seconds <= 0 else "in less than a minute"
    size, name = next(
        (size, name) for size, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")) if length >= size
    )
    count = round(length / size)
    words = f"{count:,} {name}{'' if count == 1 else 's'}"
    return f"in {words}" if seconds > 0 else f"{words} ago"


def counted(count: int, noun: str) -> str:
    """Write a count with its noun.

    Example:
        >>> counted(1, "table"), counted(50_000, "row")
        ('1 table', '50,000 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
