"""Standing approvals as they are kept and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.clock import timestamp
from maskgate.store import tables

if TYPE_CHECKING:
    from maskgate.store import Work

_ROWS = tables.standing_approvals.c


def decisions_behind(work: Work, standing: str) -> tuple[str, ...]:
    """Return the digests of the decisions that a standing approval rests on."""
    found = work.execute(select(_ROWS.decisions).where(_ROWS.id == standing)).scalar()
    return tuple(found or ())


def find_standing(work: Work, standing: str) -> dict[str, Any] | None:
    """Return one standing approval as it may be shown; None if there is none of this id."""
    row = work.execute(select(tables.standing_approvals).where(_ROWS.id == standing)).first()
    return None if row is None else shown_standing(row)


def list_standing(work: Work) -> list[dict[str, Any]]:
    """Return standing approvals as they may be shown, the latest first."""
    chosen = select(tables.standing_approvals).order_by(_ROWS.made_at.desc(), _ROWS.id)
    return [shown_standing(row) for row in work.execute(chosen)]


def shown_standing(row: Any) -> dict[str, Any]:
    """Return a row as it may be shown."""
    return {
        "id": row.id,
        "request": row.request,
        "state": "used up" if row.state == "live" and not row.uses_left else row.state,
        "because": row.ended_because,
        "digest": row.digest,
        "intent": dict(row.intent),
        "signers": sorted(row.signers),
        "groups": sorted({slot for slots in row.signers.values() for slot in slots}),
        "uses_left": row.uses_left,
        "made_at": timestamp(row.made_at),
        "ends_at": timestamp(row.ends_at),
    }
