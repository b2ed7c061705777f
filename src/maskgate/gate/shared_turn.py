"""Those of one process who wait for their turn to write at the same time take one turn together.

A turn costs a wait for the others, two ways to the database and one for the disk, whatever is done in it. Whoever comes
while nobody is busy goes at once, alone. Whoever comes meanwhile waits, as they would have to anyway; the first of them
then goes with all of them. Nobody waits for company.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from maskgate.errors import DatabaseUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Asked = TypeVar("Asked")
Outcome = TypeVar("Outcome")

MOST = 16
LONGEST_WAIT = 20.0


@dataclass(eq=False)
class _Place(Generic[Asked, Outcome]):
    """One who waits."""

    key: str
    asked: Asked
    woken: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    outcome: Outcome | None = None


class SharedTurn(Generic[Asked, Outcome]):
    """One line of those who wait in a process; the first of them goes for others as well.

    Args:
        longest_wait: How many seconds somebody waits to be taken along, or to go.
    """

    def __init__(self, longest_wait: float = LONGEST_WAIT) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[_Place[Asked, Outcome]] = deque()
        self._is_taken = False
        self._longest_wait = longest_wait

    def take(
        self, key: str, asked: Asked, together: Callable[[Sequence[Asked]], Sequence[Outcome | None]]
    ) -> Outcome | None:
        """Have something done, by this thread or by that of somebody who is before it.

        Args:
            key: What it is about. Things about the same are not done in one turn.
            asked: What to do.
            together: Does all that it is given, in order, and returns the outcome of each.

        Returns:
            Its outcome; None if it has none, because its turn failed as a whole: nothing was done then.

        Raises:
            DatabaseUnreachable: If those before it take too long.
        """
        place = _Place[Asked, Outcome](key, asked)
        with self._guard:
            self._waiting.append(place)
            if not self._is_taken:
                self._is_taken = place.leads = True
        if not place.leads:
            self._wait(place)
        if place.leads:
            self._go(place, together)
        return place.outcome

    def _wait(self, place: _Place[Asked, Outcome]) -> None:
        if place.woken.wait(self._longest_wait):
            return
        with self._guard:
            is_late = place in self._waiting and not place.leads
            if is_late:
                self._waiting.remove(place)
        if is_late:
            raise DatabaseUnreachable("the gate was busy with others for too long. Nothing was changed; try again.")
        place.woken.wait()

    def _go(
        self, place: _Place[Asked, Outcome], together: Callable[[Sequence[Asked]], Sequence[Outcome | None]]
    ) -> None:
        with self._guard:
            company = self._company(place)
        try:
            outcomes = together([each.asked for each in company])
            for each, outcome in zip(company, outcomes, strict=True):
                each.outcome = outcome
        finally:
            self._wake(company)

    def _company(self, place: _Place[Asked, Outcome]) -> list[_Place[Asked, Outcome]]:
        """Take who leads out of the line, and those who can go along."""
        company = {place.key: place}
        for each in self._waiting:
            if len(company) < MOST:
                company.setdefault(each.key, each)
        for each in company.values():
            self._waiting.remove(each)
        return list(company.values())

    def _wake(self, company: Sequence[_Place[Asked, Outcome]]) -> None:
        """Tell them that they are done, and the first who waits that it is their turn."""
        with self._guard:
            following = self._waiting[0] if self._waiting else None
            if following is None:
                self._is_taken = False
            else:
                following.leads = True
        for each in company if following is None else [following, *company]:
            each.woken.set()
