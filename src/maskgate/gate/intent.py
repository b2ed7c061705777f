"""What a signature covers: the intent, and within it the context, which is all that a reviewer is shown.

Both are canonical JSON. A reviewer signs the intent's digest; the intent names the digest of the context, of the
content, of the policy, and of where the destination leads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.canonical import digest
from maskgate.clock import timestamp
from maskgate.gate.model import destination_digest
from maskgate.gate.table_notes import table_notes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.model import MeasuredColumn, MeasuredTable
    from maskgate.gate.request import Request
    from maskgate.rules import Rules, TableRules

INTENT = "maskgate-intent/1"
CONTEXT = "maskgate-context/1"


def make_context(request: Request, rules: Rules | None, url: str) -> dict[str, Any]:
    """Collect all that is shown of a request, the same for every reviewer."""
    tables = () if request.sealed is None else request.sealed.tables
    return {
        "format": CONTEXT,
        "request": request.id,
        "action": request.action,
        "subject": request.subject,
        "resource": request.resource,
        "level": request.enforcement,
        "call": call_shown(request),
        "destination": None if request.destination is None else request.destination.as_json(),
        "why": request.why,
        "requester": {"person": request.requester_person, "account": request.requester_account},
        "agent": request.agent,
        "involved": sorted(request.involved),
        "involvement": dict(request.involvement),
        "earlier": [dict(each) for each in request.earlier],
        "host": None if request.host is None else request.host.identity,
        "content_digest": request.content_digest,
        "changes": list(request.evidence.get("changes", ())),
        "tables": [_table(table, rules, request) for table in tables],
        "policy": {
            "name": request.policy_name,
            "digest": request.policy_digest,
            "because": list(request.policy_because),
            "tier": request.tier,
            "requirement": request.requirement.as_json(),
            "channels": list(request.channels),
            "reason_min_length": request.reason_min_length,
            "terms": request.terms.as_json(),
            "reauthenticate_seconds": request.rule.get("reauthenticate_seconds"),
            "passkey": request.wants_passkey,
        },
        "asked_at": _time(request.asked_at),
        "expires_at": _time(request.expires_at),
        "url": url,
        **_masking(request),
    }


def make_intent(request: Request, context_digest: str, gate: str) -> dict[str, Any]:
    """Collect all that a signature covers.

    Args:
        request: The request, sealed.
        context_digest: Digest of what is shown.
        gate: The gate's fingerprint.
    """
    place = request.destination
    return {
        "format": INTENT,
        "gate": gate,
        "request": request.id,
        "action": request.action,
        "subject": request.subject,
        "resource": request.resource,
        "level": request.enforcement,
        "handler_digest": dict(request.arguments or {}).get("handler_digest"),
        "content_digest": request.content_digest,
        "rules_digest": None if request.sealed is None else request.sealed.rules_digest,
        "destination": None if place is None else {"id": place.id, "digest": destination_digest(place)},
        "why": request.why,
        "requester": {"person": request.requester_person, "account": request.requester_account},
        "involved": sorted(request.involved),
        "named_by_caller": sorted(request.named),
        "standing": request.standing,
        "host": None if request.host is None else request.host.identity,
        "policy": {"name": request.policy_name, "digest": request.policy_digest},
        "requirement": request.requirement.as_json(),
        "channels": list(request.channels),
        "context_digest": context_digest,
        "created_at": timestamp(request.created_at),
        "expires_at": _time(request.expires_at),
        **_masking(request),
    }


def _masking(request: Request) -> dict[str, Any]:
    """Say what the releaser masked, with which keys; nothing where a pipeline did."""
    masking = request.evidence.get("measured", {}).get("masking")
    return {} if masking is None else {"masking": masking}


def context_digest_of(context: Mapping[str, Any]) -> str:
    """Hash what is shown."""
    return digest("context", context)


def intent_digest_of(intent: Mapping[str, Any]) -> str:
    """Hash what is signed."""
    return digest("intent", intent)


def call_shown(request: Request) -> dict[str, Any] | None:
    """Return an action's arguments as they may be shown, and what its handler says of them; None for a release."""
    kept = request.arguments
    if kept is None:
        return None
    return {"arguments": kept["shown"], "handler": kept.get("handler"), "dry_run": kept.get("dry_run")}


def _table(table: MeasuredTable, rules: Rules | None, request: Request) -> dict[str, Any]:
    covered = None if rules is None else rules.tables.get(table.name)
    present = [_column(column, covered) for column in table.columns]
    dropped = [] if covered is None else _dropped(covered, {column.rule for column in table.columns})
    measured = request.evidence.get("measured", {}).get("tables", {}).get(table.name)
    notes = [] if measured is None else table_notes(measured)
    return {"name": table.name, "rows": table.rows, "columns": [*present, *dropped], "notes": notes}


def _column(column: MeasuredColumn, covered: TableRules | None) -> dict[str, Any]:
    rule = None if covered is None or column.rule is None else covered.columns[column.rule]
    done = "not covered by the rules" if rule is None else rule.describe()
    return {"name": column.name, "type": column.type, "done": done, "classes": list(column.classes)}


def _dropped(covered: TableRules, present: set[str | None]) -> list[dict[str, Any]]:
    return [
        {"name": path, "type": "", "done": f"{rule.describe()} (not in the files)", "classes": []}
        for path, rule in covered.columns.items()
        if path not in present
    ]


def _time(moment: Any) -> str | None:
    return None if moment is None else timestamp(moment)
