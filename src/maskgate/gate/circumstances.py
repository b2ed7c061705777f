"""How a decision came about: how sure it is who decided, and whether they had looked. It is signed and kept with it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from maskgate.gate.model import Identity
    from maskgate.store import Work

QUICK = timedelta(seconds=3)


def circumstances_of(identity: Identity, seen_at: datetime | None, now: datetime) -> dict[str, Any]:
    """Collect what is known of how somebody comes to decide now.

    Args:
        identity: Who comes, and how.
        seen_at: When they first saw the page of the request.
        now: The present moment.

    Returns:
        How they logged in, where their channel says so; ``unviewed`` if they have not seen the page of the request;
        ``quick`` if they first saw it less than three seconds ago.
    """
    proof = {"methods": list(identity.methods), "context_class": identity.context_class}
    known = {name: value for name, value in proof.items() if value}
    return known | _marks(seen_at, now)


def first_view(work: Work, request_id: str, person: str) -> datetime | None:
    """Return when somebody first saw the page of a request; None if they have not."""
    rows = tables.views.c
    chosen = select(rows.seen_at).where(rows.request == request_id, rows.person == person)
    seen: datetime | None = work.execute(chosen).scalar()
    return seen


def shown_circumstances(kept: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what is shown of it beside the decision."""
    known = kept or {}
    return {
        "methods": list(known.get("methods", ())),
        "context_class": known.get("context_class"),
        "unviewed": bool(known.get("unviewed")),
        "quick": bool(known.get("quick")),
        "passkey": known.get("passkey"),
    }


def _marks(seen_at: datetime | None, now: datetime) -> dict[str, bool]:
    if seen_at is None:
        return {"unviewed": True}
    return {"quick": True} if now - seen_at < QUICK else {}
