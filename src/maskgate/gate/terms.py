"""What a policy says about time and haste: reminders, escalation, cooling down, standing approvals, break-glass, delay.

None of it makes an approval of silence. Each shows in what reviewers sign.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_IN_A_BATCH = 20


@dataclass(frozen=True)
class Reminders:
    """Remind reviewers after a while, then after twice as long, and so on.

    Attributes:
        after: Until the first one.
        at_most: How many.
    """

    after: timedelta
    at_most: int = 5


@dataclass(frozen=True)
class Escalation:
    """Let another group fill the slots as well, once nobody has for a while.

    Attributes:
        after: How long.
        to: The reviewer group that may fill them too.
    """

    after: timedelta
    to: str


@dataclass(frozen=True)
class StandingTerms:
    """How far one signature may reach.

    Attributes:
        days: For so long.
        uses: For so many exports.
        growth: How many percent more rows than were signed are not *worse*.
    """

    days: int
    uses: int
    growth: int = 10


@dataclass(frozen=True)
class BreakGlass:
    """Who may go without the usual signatures, and how many of them it then takes.

    Attributes:
        group: The reviewer group with this right.
        distinct: How many different people have to sign at least.
    """

    group: str
    distinct: int = 1


@dataclass(frozen=True)
class Terms:
    """All of that for one policy; what is None is not permitted.

    Attributes:
        remind: Reminders.
        escalate: Escalation.
        cool_down: How long what was denied cannot be asked for again.
        standing: Standing approvals.
        batch_at_most: How many requests may be decided on one page.
        break_glass: Break-glass.
        delay: How long what is signed is held, so that others can still deny it. Break-glass does not wait for it.
    """

    remind: Reminders | None = None
    escalate: Escalation | None = None
    cool_down: timedelta | None = None
    standing: StandingTerms | None = None
    batch_at_most: int = field(default=MOST_IN_A_BATCH)
    break_glass: BreakGlass | None = None
    delay: timedelta | None = None

    @property
    def groups(self) -> frozenset[str]:
        """The reviewer groups that it names."""
        named = (self.escalate and self.escalate.to, self.break_glass and self.break_glass.group)
        return frozenset(each for each in named if each)

    @property
    def ways_round(self) -> int:
        """How many ways there are of getting on without all signatures each time."""
        return sum(each is not None for each in (self.escalate, self.standing, self.break_glass))

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values, without what is not permitted."""
        given: dict[str, Any] = {"batch": {"at_most": self.batch_at_most}}
        if self.remind is not None:
            given["remind"] = {"after_seconds": _seconds(self.remind.after), "at_most": self.remind.at_most}
        if self.escalate is not None:
            given["escalate"] = {"after_seconds": _seconds(self.escalate.after), "to": self.escalate.to}
        if self.cool_down is not None:
            given["cool_down_seconds"] = _seconds(self.cool_down)
        if self.standing is not None:
            standing = self.standing
            given["standing"] = {"days": standing.days, "uses": standing.uses, "growth": standing.growth}
        if self.break_glass is not None:
            given["break_glass"] = {"group": self.break_glass.group, "distinct": self.break_glass.distinct}
        if self.delay is not None:
            given["delay_seconds"] = _seconds(self.delay)
        return given

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Terms:
        """Make what :meth:`as_json` wrote."""
        remind, escalate, cool_down = (value.get(name) for name in ("remind", "escalate", "cool_down_seconds"))
        standing, break_glass, delay = (value.get(name) for name in ("standing", "break_glass", "delay_seconds"))
        return cls(
            remind=None if remind is None else Reminders(_time(remind), remind["at_most"]),
            escalate=None if escalate is None else Escalation(_time(escalate), escalate["to"]),
            cool_down=None if cool_down is None else timedelta(seconds=cool_down),
            standing=None if standing is None else StandingTerms(**standing),
            batch_at_most=int(value.get("batch", {}).get("at_most", 0)),
            break_glass=None if break_glass is None else BreakGlass(**break_glass),
            delay=None if delay is None else timedelta(seconds=delay),
        )


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())


def _time(value: Mapping[str, Any]) -> timedelta:
    return timedelta(seconds=value["after_seconds"])
