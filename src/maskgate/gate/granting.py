"""Issuing a grant, in the transaction that finds the requirement met."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from maskgate.canonical import digest
from maskgate.clock import timestamp
from maskgate.gate.beside import decisions_of
from maskgate.gate.grants import Grant, sign_grant
from maskgate.gate.model import destination_digest
from maskgate.gate.standing_rows import decisions_behind
from maskgate.ledger import head
from maskgate.store import defer, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work

_INSERT = tables.grants.insert().inline()


def issue_grant(
    parts: Parts,
    work: Work,
    request: Request,
    made: Iterable[Mapping[str, Any]] | None = None,
    statements: int | None = None,
) -> Grant:
    """Sign one permission for an approved request, and store it as live.

    Args:
        parts: The gate's parts.
        work: The transaction that found the requirement met.
        request: The request.
        made: Its decisions in order, where they are known.
        statements: How many there are about the gate's keys, where that is known.
    """
    now = parts.clock.now()
    tree = head(work)
    decisions = [row["digest"] for row in (decisions_of(work, request.id) if made is None else made)]
    place = request.destination
    grant = Grant(
        id=f"gr_{secrets.token_hex(16)}",
        request=request.id,
        action=request.action,
        intent_digest=request.intent_digest or "",
        content_digest=request.content_digest or "",
        destination="" if place is None else place.id,
        destination_digest="" if place is None else destination_digest(place),
        host=None if request.host is None else request.host.identity,
        decisions=tuple(decisions) if request.standing is None else decisions_behind(work, request.standing),
        policy_digest=request.policy_digest,
        issued_at=now,
        not_after=now + request.expires,
        ledger_size=tree.size,
        ledger_root=tree.root.hex(),
    )
    signer = parts.keys.signer(work, statements)
    envelope = sign_grant(grant, signer)
    defer(work, _INSERT, _row(grant, envelope))
    parts.record(
        work,
        "grant.issued",
        request,
        grant=grant.id,
        intent_digest=grant.intent_digest,
        content_digest=grant.content_digest,
        destination=grant.destination,
        decisions=list(grant.decisions),
        not_after=timestamp(grant.not_after),
        envelope_digest=digest("grant", envelope),
        key=signer.fingerprint,
    )
    return grant


def _row(grant: Grant, envelope: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stored of a grant that nobody has used."""
    return {
        "id": grant.id,
        "request": grant.request,
        "state": "issued",
        "envelope": envelope,
        "release_name": f"{grant.issued_at:%Y%m%dT%H%M%SZ}-{grant.request}",
        "issued_at": grant.issued_at,
        "not_after": grant.not_after,
        "fence": 0,
    }
