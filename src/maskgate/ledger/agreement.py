"""Whether the rows of the gate say what the ledger says, and every step rests on the one before it.

A decision, a grant or a release that stands in a table but not in the ledger (or the other way round) was put there
by something else than the gate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from maskgate.canonical import digest
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from maskgate.store import Work

_STATES = {
    "request.created": "sealing",
    "request.refused": "refused",
    "request.denied": "denied",
    "request.expired": "expired",
    "request.withdrawn": "withdrawn",
    "grant.issued": "approved",
    "release.started": "releasing",
    "release.completed": "released",
    "release.failed": "failed",
    "release.indeterminate": "indeterminate",
    "policy.activated": "released",
    "rules.registered": "released",
    "gate.key_rotated": "released",
    "gate.key_revoked": "released",
    "destination.registered": "released",
}


def disagreements(
    work: Work, bodies: Sequence[Mapping[str, Any]], is_signed: Callable[[Mapping[str, Any]], bool] | None
) -> list[str]:
    """List what rows and entries do not agree about.

    Args:
        work: A transaction to read in.
        bodies: Every entry of the ledger, in order.
        is_signed: Says whether the envelope of a grant carries the gate's signature.
    """
    return [
        *_decisions(work, bodies),
        *_grants(work, bodies, is_signed),
        *_releases(work, bodies),
        *_requests(work, bodies),
        *_seals(work, bodies),
    ]


def _of(bodies: Sequence[Mapping[str, Any]], *types: str) -> list[Mapping[str, Any]]:
    return [body for body in bodies if body.get("type") in types]


def _decisions(work: Work, bodies: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    entries = {
        body.get("decision"): (body.get("request"), body.get("person"), str(body["type"]).removeprefix("decision."))
        for body in _of(bodies, "decision.approve", "decision.deny")
    }
    rows = {row.digest: (row.request, row.person, row.verdict) for row in work.execute(select(tables.decisions)).all()}
    for hashed in rows.keys() | entries.keys():
        if rows.get(hashed) != entries.get(hashed):
            request = (rows.get(hashed) or entries[hashed])[0]
            yield f"request {request}: a decision in the table is not the one in the ledger."


def _grants(
    work: Work, bodies: Sequence[Mapping[str, Any]], is_signed: Callable[[Mapping[str, Any]], bool] | None
) -> Iterator[str]:
    entries = {body.get("grant"): body for body in _of(bodies, "grant.issued")}
    decided = {body.get("decision") for body in _of(bodies, "decision.approve")}
    rows = {row.id: row for row in work.execute(select(tables.grants)).all()}
    allowed = set(
        work.execute(select(tables.requests.c.id).where(tables.requests.c.rule["allow"].as_boolean())).scalars()
    )
    for missing in sorted(map(str, entries.keys() - rows.keys())):
        yield f"grant {missing} stands in the ledger, but not in the table."
    for id_, row in rows.items():
        entry = entries.get(id_)
        if entry is None or entry.get("request") != row.request:
            yield f"grant {id_} of request {row.request} stands in the table, but was never issued."
            continue
        if entry.get("envelope_digest") != digest("grant", row.envelope):
            yield f"grant {id_} is not the one that was issued."
        elif is_signed is not None and not is_signed(row.envelope):
            yield f"grant {id_} is not signed by this gate's key."
        rests_on = entry.get("decisions") or []
        if not rests_on and row.request not in allowed:
            yield f"grant {id_} rests on no decision, and no policy allowed it without."
        if not set(rests_on) <= decided:
            yield f"grant {id_} rests on a decision that is not in the ledger."


def _releases(work: Work, bodies: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    granted = {body.get("grant") for body in _of(bodies, "grant.issued")}
    ended = [body for body in _of(bodies, "release.completed", "release.failed") if "receipt" in body]
    completed = {body["receipt"].get("grant"): body["receipt"] for body in ended}
    started = {body.get("grant") for body in _of(bodies, "release.started")}
    for grant in sorted(started - granted, key=str):
        yield f"a release was started with grant {grant}, which was never issued."
    for row in work.execute(select(tables.grants).where(tables.grants.c.receipt.is_not(None))).all():
        if row.receipt and {"location", "level"} & row.receipt.keys() and completed.get(row.id) != row.receipt:
            yield f"request {row.request}: the receipt in the table is not the one in the ledger."


def _requests(work: Work, bodies: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    last: dict[str, str] = {}
    for body in bodies:
        request, state = body.get("request"), _STATES.get(str(body.get("type")))
        if isinstance(request, str) and state is not None:
            last[request] = state
    rows = {row.id: row.state for row in work.execute(select(tables.requests.c.id, tables.requests.c.state))}
    for request in rows.keys() | last.keys():
        state, recorded = rows.get(request), last.get(request)
        if state is None:
            yield f"request {request} stands in the ledger, but not in the table."
        elif recorded is None:
            yield f"request {request} stands in the table, but was never made."
        elif (recorded, state) != ("sealing", "pending") and recorded != state:
            yield f"request {request} is {state} in the table, but {recorded} by the ledger."


def _seals(work: Work, bodies: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = ("content_digest", "intent_digest", "context_digest")
    fixed = _of(bodies, "request.created", "request.sealed")
    sealed = {body.get("request"): tuple(body.get(name) for name in names) for body in fixed}
    columns = tables.requests.c
    is_fixed = or_(columns.staging.is_not(None), columns.resource.is_not(None))
    for row in work.execute(select(columns.id, *(columns[name] for name in names)).where(is_fixed)):
        if row.content_digest is not None and sealed.get(row.id) != tuple(row[1:]):
            yield f"request {row.id}: content, intent or context in the table are not those that were sealed."
