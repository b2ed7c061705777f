"""What has to be looked at after break-glass, as it is kept and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.clock import timestamp
from maskgate.store import tables

if TYPE_CHECKING:
    from maskgate.store import Work

_ROWS = tables.post_reviews.c


def break_glass_of(work: Work, request: str) -> dict[str, Any] | None:
    """Return what a request's page says of break-glass; None if nobody broke it."""
    chosen = select(tables.post_reviews).where(_ROWS.request == request).order_by(_ROWS.opened_at, _ROWS.id)
    row = work.execute(chosen).first()
    return None if row is None else shown_post_review(row)


def list_post_reviews(work: Work, *, request: str | None = None) -> list[dict[str, Any]]:
    """Return what has been, or has to be, looked at again; the open ones first."""
    chosen = select(tables.post_reviews).order_by(_ROWS.closed_at.is_not(None), _ROWS.opened_at.desc(), _ROWS.id)
    if request is not None:
        chosen = chosen.where(_ROWS.request == request)
    return [shown_post_review(row) for row in work.execute(chosen)]


def shown_post_review(row: Any) -> dict[str, Any]:
    """Return a row as it may be shown."""
    return {
        "id": row.id,
        "request": row.request,
        "person": row.person,
        "reason": row.reason,
        "ticket": row.ticket,
        "skipped": list(row.skipped),
        "opened_at": timestamp(row.opened_at),
        "closed_at": None if row.closed_at is None else timestamp(row.closed_at),
        "closed_by": row.closed_by,
        "finding": row.finding,
    }
