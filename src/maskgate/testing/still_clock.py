"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class StillClock:
    """Says the same time until it is moved.

    Example:
        >>> clock = StillClock()
        >>> clock.forward(minutes=30)
        >>> clock.now().isoformat()
        '2026-11-24T12:30:00+00:00'
    """

    def __init__(self, moment: datetime = _NOON) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """Return the moment it stands at."""
        return self.moment

    def forward(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move it on."""
        self.moment += timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
