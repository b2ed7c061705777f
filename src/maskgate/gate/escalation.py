"""Reminding reviewers, and letting another group sign as well, while a request waits.

Neither decides anything: a request that nobody signs expires all the same. Who may sign after an escalation is more
people; how many different ones it takes stays as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_

from maskgate.clock import timestamp
from maskgate.gate.deciding import wanted
from maskgate.gate.lifecycle import State
from maskgate.gate.request import change_request, get_request, list_requests
from maskgate.store import tables

if TYPE_CHECKING:
    from datetime import datetime

    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work


def next_reminder(request: Request, now: datetime) -> datetime | None:
    """Say when to remind next, after twice as long as the last time; None if often enough."""
    terms = request.terms.remind
    sent = (request.reminders or 0) + 1
    return None if terms is None or sent >= terms.at_most else now + terms.after * 2**sent


def keep_reminding(parts: Parts) -> None:
    """Remind and escalate where it has come due."""
    now, rows = parts.clock.now(), tables.requests.c
    due = or_(rows.remind_at <= now, rows.escalate_at <= now)
    with parts.store.read() as work:
        waiting = list_requests(work, State.PENDING, where=due)
    for seen in waiting:
        with parts.store.write() as work:
            request = get_request(work, seen.id)
            if request.state is not State.PENDING or request.held_until is not None or request.is_overdue(now):
                continue
            if request.escalate_at is not None and request.escalate_at <= now:
                request = _escalate(parts, work, request, now)
            if request.remind_at is not None and request.remind_at <= now:
                _remind(parts, work, request, now)


def _escalate(parts: Parts, work: Work, request: Request, now: datetime) -> Request:
    changes: dict[str, Any] = {"escalate_at": None, "escalated_at": now}
    escalated = change_request(work, request, **changes)
    escalated = change_request(work, escalated, message=wanted(work, escalated))
    parts.record(work, "request.escalated", escalated, to=escalated.escalated_to)
    parts.tell(work, escalated, "escalated")
    return escalated


def _remind(parts: Parts, work: Work, request: Request, now: datetime) -> None:
    number, again = (request.reminders or 0) + 1, next_reminder(request, now)
    reminded = change_request(work, request, remind_at=again, reminders=number)
    parts.record(work, "request.reminded", reminded, number=number, again=None if again is None else timestamp(again))
    parts.tell(work, reminded, "reminder")
