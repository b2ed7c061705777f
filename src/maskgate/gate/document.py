"""A request as everybody sees it: in the REST API, on the page, in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from maskgate.clock import timestamp
from maskgate.gate.break_glass_rows import break_glass_of
from maskgate.gate.circumstances import shown_circumstances
from maskgate.gate.counting import still_missing
from maskgate.gate.lifecycle import State
from maskgate.gate.standing_intent import standing_digest, standing_intent
from maskgate.gate.standing_rows import find_standing
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from maskgate.gate.request import Request
    from maskgate.store import Work


def document_of(work: Work, request: Request, url: str) -> dict[str, Any]:
    """Collect what is known of a request.

    Args:
        work: A transaction to read decisions, refusals and the receipt in.
        request: The request.
        url: Its review page.
    """
    return {
        **_about(request),
        **_people(request),
        **_terms(work, request),
        "intent_digest": request.intent_digest,
        "context_digest": request.context_digest,
        "content_digest": request.content_digest,
        "evidence": dict(request.evidence),
        "progress": {"done": request.done, "total": request.total},
        "refusals": refusals_of(work, request.id),
        "question": None if request.question is None else dict(request.question),
        "lineage": dict(request.lineage),
        "url": url,
        "receipt": receipt_of(work, request.id),
    }


def _about(request: Request) -> dict[str, Any]:
    """Say what is asked, where it stands, and when."""
    return {
        "id": request.id,
        "state": str(request.state),
        "message": request.message,
        "action": request.action,
        "subject": request.subject,
        "resource": request.resource,
        "level": request.enforcement,
        "call": call_of(request),
        "destination": None if request.destination is None else request.destination.as_json(),
        "staging": request.staging,
        "created_at": timestamp(request.created_at),
        "expires_at": _time(request.expires_at),
        "held_until": _time(request.held_until) if request.state is State.PENDING else None,
        "settled_at": _time(request.settled_at),
    }


def _people(request: Request) -> dict[str, Any]:
    """Say who asks, why and from where, and who is involved."""
    return {
        "why": request.why,
        "host": None if request.host is None else request.host.as_json(),
        "workflow": request.workflow,
        "requester": {"person": request.requester_person, "account": request.requester_account},
        "involved": list(request.involved),
        "agent": request.agent,
        "involvement": dict(request.involvement),
    }


def _terms(work: Work, request: Request) -> dict[str, Any]:
    """Say whose signatures it takes under which policy, and what was decided so far."""
    decisions = decisions_of(work, request.id)
    missing = still_missing(request, decisions) if request.state is State.PENDING else {}
    escalated = request.escalated_at
    return {
        "policy": _policy(request),
        "requirement": {**request.requirement.as_json(), "missing": missing},
        "channels": list(request.channels),
        "escalation": None if escalated is None else {"to": request.escalated_to, "at": timestamp(escalated)},
        "standing": None if request.standing is None else find_standing(work, request.standing),
        "standing_offer": _offer(request),
        "break_glass": None if request.terms.break_glass is None else break_glass_of(work, request.id),
        "earlier": [dict(each) for each in request.earlier],
        "decisions": [_decision(row) for row in decisions],
    }


def _policy(request: Request) -> dict[str, Any]:
    return {
        "name": request.policy_name,
        "digest": request.policy_digest,
        "because": list(request.policy_because),
        "tier": request.tier,
        "reason_min_length": request.reason_min_length,
        "terms": request.terms.as_json(),
        "reauthenticate_seconds": request.rule.get("reauthenticate_seconds"),
        "passkey": request.wants_passkey,
    }


def _decision(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "person": row["person"],
        "verdict": row["verdict"],
        "reason": row["reason"],
        "channel": row["channel"],
        "decided_at": timestamp(row["decided_at"]),
        "acting_for": row["acting_for"],
        "break_glass": bool(row["break_glass"]),
        **shown_circumstances(row["circumstances"]),
    }


def call_of(request: Request) -> dict[str, Any] | None:
    """Return an action's arguments as they may be shown, and the salt of its digest; None for a release."""
    kept = request.arguments
    if kept is None:
        return None
    return {
        "arguments": kept["shown"],
        "salt": kept["salt"],
        "handler": kept.get("handler"),
        "dry_run": kept.get("dry_run"),
    }


# Made once; see request.py.
_DECISIONS = select(tables.decisions).where(tables.decisions.c.request == bindparam("of")).order_by("id")
_REFUSALS = (
    select(tables.refusals.c.at, tables.refusals.c.message)
    .where(tables.refusals.c.request == bindparam("of"))
    .order_by(tables.refusals.c.id)
)
_RECEIPT = select(tables.grants.c.receipt).where(tables.grants.c.request == bindparam("of"))


def decisions_of(work: Work, request_id: str) -> list[Any]:
    """Read the decisions about a request, in order."""
    return list(work.execute(_DECISIONS, {"of": request_id}).mappings())


def _offer(request: Request) -> dict[str, Any] | None:
    """Say what could be signed for later exports of this kind; None where nothing could."""
    intent = standing_intent(request) if request.state is State.PENDING else None
    return None if intent is None else {"intent": intent, "digest": standing_digest(intent)}


def refusals_of(work: Work, request_id: str) -> list[dict[str, str]]:
    """Return what was refused about a request, in order."""
    return [{"at": timestamp(row.at), "message": row.message} for row in work.execute(_REFUSALS, {"of": request_id})]


def receipt_of(work: Work, request_id: str) -> Mapping[str, Any] | None:
    """Return the receipt of a release; None if there was none."""
    receipt: Mapping[str, Any] | None = work.execute(_RECEIPT, {"of": request_id}).scalar()
    return receipt


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)
