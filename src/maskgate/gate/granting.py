"""Issuing a grant, in the transaction that finds the requirement met."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from maskgate.canonical import digest
from maskgate.clock import timestamp
from maskgate.gate.document import decisions_of
from maskgate.gate.grants import Grant, sign_grant
from maskgate.gate.model import destination_digest
from maskgate.ledger import head
from maskgate.store import tables

if TYPE_CHECKING:
    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work


_INSERT = tables.grants.insert()


def issue_grant(parts: Parts, work: Work, request: Request) -> Grant:
    """Sign one permission for an approved request, and store it as live."""
    now = parts.clock.now()
    tree = head(work)
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
        decisions=tuple(each["digest"] for each in decisions_of(work, request.id)),
        policy_digest=request.policy_digest,
        issued_at=now,
        not_after=now + request.expires,
        ledger_size=tree.size,
        ledger_root=tree.root.hex(),
    )
    envelope = sign_grant(grant, parts.signer)
    row = {
        "id": grant.id,
        "request": request.id,
        "state": "issued",
        "envelope": envelope,
        "release_name": f"{now:%Y%m%dT%H%M%SZ}-{request.id}",
        "issued_at": now,
        "not_after": grant.not_after,
        "fence": 0,
    }
    work.execute(_INSERT, row)
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
        key=parts.signer.fingerprint,
    )
    return grant
