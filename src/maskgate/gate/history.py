"""What was decided before about the same content, and whether what was denied may be asked for again.

Content is the same if its bytes are, or the call with every argument, whoever asks; data is the same if one requester
asks for the same dataset at the same destination, or for the same verb on the same resource. A new run, another token's
name or another staging make nothing new of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from maskgate.clock import timestamp
from maskgate.gate.lifecycle import State
from maskgate.gate.volumes import requester_of
from maskgate.store import tables

if TYPE_CHECKING:
    from datetime import datetime

    from maskgate.gate.request import Request
    from maskgate.store import Work

_MOST_SHOWN = 20


def earlier_decisions(work: Work, request: Request, content_digest: str) -> tuple[dict[str, Any], ...]:
    """Return what people decided about the same bytes, the latest first."""
    decisions, requests = tables.decisions.c, tables.requests.c
    chosen = (
        select(
            decisions.request, decisions.person, decisions.verdict, decisions.decided_at, requests.destination,
            requests.action,
        )
        .join(tables.requests, requests.id == decisions.request)
        .where(requests.content_digest == content_digest, requests.id != request.id)
        .order_by(decisions.decided_at.desc(), decisions.id.desc())
        .limit(_MOST_SHOWN)
    )  # fmt: skip
    return tuple(
        {
            "request": row.request,
            "person": row.person,
            "verdict": row.verdict,
            "action": row.action,
            "destination": None if row.destination is None else row.destination["id"],
            "decided_at": timestamp(row.decided_at),
        }
        for row in work.execute(chosen)
    )


def denied_before(request: Request) -> list[str]:
    """Name who denied the same bytes before, whether or not they may decide this request."""
    return sorted({str(each["person"]) for each in request.earlier if each["verdict"] == "deny"})


def why_too_early(work: Work, request: Request, content_digest: str, now: datetime) -> str | None:
    """Say why a request cannot be asked for again yet; None if nothing of it was denied lately.

    Args:
        work: The transaction in which it would be asked; what it holds is noted already.
        request: The request, under its policy.
        content_digest: The digest of its bytes, or of the call.
        now: The present moment.
    """
    pause = request.terms.cool_down
    if pause is None:
        return None
    requests, volumes = tables.requests.c, tables.volumes.c
    own = select(volumes.dataset).where(volumes.request == request.id)
    place = "" if request.destination is None else request.destination.id
    same_data = and_(volumes.dataset.in_(own), volumes.requester == requester_of(request), volumes.destination == place)
    if request.is_action:
        same_data = and_(same_data, requests.action == request.action)
    chosen = (
        select(requests.id, requests.settled_at)
        .select_from(tables.requests.outerjoin(tables.volumes, volumes.request == requests.id))
        .where(requests.state == State.DENIED.value, requests.settled_at > now - pause, requests.id != request.id)
        .where(or_(requests.content_digest == content_digest, same_data))
        .order_by(requests.settled_at.desc())
        .limit(1)
    )
    denied = work.execute(chosen).first()
    if denied is None:
        return None
    what, it = (
        ("this call, or one like it, was", "it") if request.is_action else ("the same bytes or tables were", "them")
    )
    return (
        f"{what} denied in request {denied.id}, and the policy's `cool_down` lets {it} be asked for again only after "
        f"{timestamp(denied.settled_at + pause)}. Talk to whoever said no."
    )
