"""Telling people what concerns one of them and no request; sent once it is stored, and again if it fails."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from maskgate.errors import MaskgateError
from maskgate.store import tables

if TYPE_CHECKING:
    from datetime import datetime

    from maskgate.gate.parts import Parts
    from maskgate.store import Work

_MOST = 8


def announce(parts: Parts, work: Work, person: str, text: str) -> None:
    """Have something told about a person, by every way that the gate has."""
    now = parts.clock.now()
    row = {"person": person, "text": text, "made_at": now, "attempts": 0, "due_at": now if parts.notifiers else None}
    work.execute(tables.announcements.insert().values(row))


def send_announcements(parts: Parts) -> None:
    """Tell what is due."""
    rows = tables.announcements.c
    now = parts.clock.now()
    with parts.store.read() as work:
        due = work.execute(select(tables.announcements).where(rows.due_at <= now).order_by(rows.id)).all()
    for each in due:
        attempts = each.attempts + 1
        again = now + timedelta(seconds=2**attempts) if attempts < _MOST else None
        # Planned before it is sent: another gate does not send it too, and this one may die on the way.
        if not _plan(parts, each, each.due_at, again):
            continue
        refusals = [_refusal(parts, way, each) for way in parts.notifiers]
        if not any(refusals):
            _plan(parts, each, again, None)


def _plan(parts: Parts, row: Any, planned: datetime | None, due_at: datetime | None) -> bool:
    rows = tables.announcements.c
    chosen = update(tables.announcements).where(rows.id == row.id, rows.due_at == planned)
    with parts.store.write() as work:
        return work.execute(chosen.values(due_at=due_at, attempts=row.attempts + 1)).rowcount == 1


def _refusal(parts: Parts, way: Any, row: Any) -> str | None:
    refusal = None
    try:
        way.announce(row.person, row.text)
    except MaskgateError as error:
        refusal = str(error)
    facts: dict[str, Any] = {"refusal": refusal} if refusal else {}
    with parts.store.write() as work:
        kind = "notification.failed" if refusal else "notification.sent"
        parts.record(work, kind, channel=way.channel, person=row.person, **facts)
    return refusal
