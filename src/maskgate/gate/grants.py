"""A grant: one signed permission for one release.

It is a signed envelope (see ``envelope.py``).

* A signature alone releases nothing: the gate's row of the grant must be live as well (see ``consumption.py``).
* A row alone releases nothing: a row that somebody inserted has no signature of a pinned key.
* A grant is for one request, one content, one destination, one run, until one moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.clock import moment, timestamp
from maskgate.errors import Refused
from maskgate.gate.envelope import open_payload, seal_payload

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from maskgate.gate.ring import Ring
    from maskgate.gate.signer import SigningKey

PAYLOAD_TYPE = "application/vnd.maskgate.grant+json"
TYPE = "maskgate-grant/1"
ISSUER = "gate"
RELEASER, CALLER = "releaser", "caller"


@dataclass(frozen=True)
class Grant:
    """What one signature permits.

    Attributes:
        id: Random; used once.
        request: Which request it answers.
        action: The verb.
        intent_digest: Digest of all that the reviewers signed.
        content_digest: The bytes that may leave; empty if the action moves none.
        destination: Id of the destination; empty likewise.
        destination_digest: Where that id led when it was signed; empty likewise.
        host: Identity of the run that may use it; None if no run asked.
        decisions: Digests of the decisions that it rests on.
        policy_digest: The policy that was met.
        issued_at: When.
        not_after: Until when it can be used.
        ledger_size: The ledger's size when it was issued.
        ledger_root: The ledger's root then, in hexadecimal digits.
        issuer: ``gate``; a gate that runs inside a worker says ``embedded``, and releasers refuse that.
    """

    id: str
    request: str
    action: str
    intent_digest: str
    content_digest: str
    destination: str
    destination_digest: str
    host: Mapping[str, Any] | None
    decisions: tuple[str, ...]
    policy_digest: str
    issued_at: datetime
    not_after: datetime
    ledger_size: int
    ledger_root: str
    issuer: str = ISSUER

    @property
    def audience(self) -> str:
        """Who carries it out: a releaser, or, where no bytes move, whoever asked."""
        return RELEASER if self.destination else CALLER

    def payload(self, key: str) -> dict[str, Any]:
        """Return what is signed, as JSON values."""
        return {
            "typ": TYPE,
            "iss": self.issuer,
            "aud": self.audience,
            "kid": key,
            "id": self.id,
            "request": self.request,
            "action": self.action,
            "intent_digest": self.intent_digest,
            "content_digest": self.content_digest,
            "destination": {"id": self.destination, "digest": self.destination_digest},
            "host": None if self.host is None else dict(self.host),
            "decisions": list(self.decisions),
            "policy_digest": self.policy_digest,
            "issued_at": timestamp(self.issued_at),
            "not_after": timestamp(self.not_after),
            "ledger": {"size": self.ledger_size, "root": self.ledger_root},
        }


def sign_grant(grant: Grant, signer: SigningKey) -> dict[str, Any]:
    """Put a grant into a signed envelope."""
    return seal_payload(PAYLOAD_TYPE, grant.payload(signer.fingerprint), signer)


def open_envelope(envelope: Mapping[str, Any], ring: Ring, *, accept_revoked: bool = False) -> Grant:
    """Return the grant of an envelope that a trusted key signed.

    Args:
        envelope: What claims to be a grant.
        ring: The keys that are trusted.
        accept_revoked: Whether a key that was revoked since counts: for looking back, and for finishing what may be
            visible already.

    Raises:
        Refused: If it is no envelope of a grant, or nobody trusted signed it as it is, when they could.
    """
    payload, keyid = open_payload(PAYLOAD_TYPE, envelope, ring, "grant")
    try:
        grant = _read(payload, keyid)
    except (KeyError, TypeError, ValueError):
        raise Refused("this is no grant of a kind that this releaser knows.") from None
    ring.must_answer_for(keyid, grant.issued_at, accept_revoked=accept_revoked)
    return grant


def _read(payload: Mapping[str, Any], keyid: str) -> Grant:
    if payload["typ"] != TYPE or payload["kid"] != keyid:
        raise Refused("this is no grant of a kind that this releaser knows.")
    if payload["iss"] != ISSUER:
        raise Refused("the grant was issued by a gate embedded in a worker; no releaser takes those.")
    grant = Grant(
        id=payload["id"],
        request=payload["request"],
        action=payload["action"],
        intent_digest=payload["intent_digest"],
        content_digest=payload["content_digest"],
        destination=payload["destination"]["id"],
        destination_digest=payload["destination"]["digest"],
        host=payload["host"],
        decisions=tuple(payload["decisions"]),
        policy_digest=payload["policy_digest"],
        issued_at=moment(payload["issued_at"]),
        not_after=moment(payload["not_after"]),
        ledger_size=payload["ledger"]["size"],
        ledger_root=payload["ledger"]["root"],
    )
    # Grants of before there was an audience name none; what they are for says their destination.
    if payload.get("aud", grant.audience) != grant.audience:
        raise Refused("the grant is for somebody else to carry out.")
    return grant
