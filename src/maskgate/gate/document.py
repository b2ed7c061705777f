"""A request as everybody sees it: in the REST API, on the page, in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.clock import timestamp
from maskgate.gate.circumstances import shown_circumstances
from maskgate.gate.counting import still_missing
from maskgate.gate.lifecycle import State
from maskgate.gate.standing_intent import standing_digest, standing_intent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from maskgate.gate.beside import Beside
    from maskgate.gate.request import Request


def document_of(request: Request, beside: Beside, url: str) -> dict[str, Any]:
    """Collect what is known of a request.

    Args:
        request: The request.
        beside: What belongs to it.
        url: Its review page.
    """
    return {
        **_about(request),
        **_people(request),
        **_terms(request, beside),
        "intent_digest": request.intent_digest,
        "context_digest": request.context_digest,
        "content_digest": request.content_digest,
        "evidence": dict(request.evidence),
        "progress": {"done": request.done, "total": request.total},
        "refusals": [dict(each) for each in beside.refusals],
        "question": None if request.question is None else dict(request.question),
        "lineage": dict(request.lineage),
        "url": url,
        "receipt": beside.receipt,
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


def _terms(request: Request, beside: Beside) -> dict[str, Any]:
    """Say whose signatures it takes under which policy, and what was decided so far."""
    decisions = beside.decisions
    missing = still_missing(request, decisions) if request.state is State.PENDING else {}
    escalated = request.escalated_at
    return {
        "policy": _policy(request),
        "requirement": {**request.requirement.as_json(), "missing": missing},
        "channels": list(request.channels),
        "escalation": None if escalated is None else {"to": request.escalated_to, "at": timestamp(escalated)},
        "standing": beside.standing,
        "standing_offer": _offer(request),
        "break_glass": beside.break_glass,
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


def _offer(request: Request) -> dict[str, Any] | None:
    """Say what could be signed for later exports of this kind; None where nothing could."""
    intent = standing_intent(request) if request.state is State.PENDING else None
    return None if intent is None else {"intent": intent, "digest": standing_digest(intent)}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)
