"""A grant: one signed permission for one release.

It is a DSSE envelope with one Ed25519 signature. The payload is signed as the bytes that it is, so that nobody has to
agree on how to write JSON before a signature is checked. There is one algorithm and no negotiation.

* A signature alone releases nothing: the gate's row of the grant must be live as well (see ``consumption.py``).
* A row alone releases nothing: a row that somebody inserted has no signature of a pinned key.
* A grant is for one request, one content, one destination, one run, until one moment.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.canonical import canonical_bytes
from maskgate.clock import moment, timestamp
from maskgate.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from maskgate.gate.signer import Ring, Signer

PAYLOAD_TYPE = "application/vnd.maskgate.grant+json"
TYPE = "maskgate-grant/1"
ISSUER = "gate"


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

    def payload(self, key: str) -> dict[str, Any]:
        """Return what is signed, as JSON values."""
        return {
            "typ": TYPE,
            "iss": self.issuer,
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


def sign_grant(grant: Grant, signer: Signer) -> dict[str, Any]:
    """Put a grant into a signed envelope."""
    payload = canonical_bytes(grant.payload(signer.fingerprint))
    signature = signer.sign(_preauthentication(payload))
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": signer.fingerprint, "sig": base64.b64encode(signature).decode()}],
    }


def open_envelope(envelope: Mapping[str, Any], ring: Ring) -> Grant:
    """Return the grant of an envelope that a trusted key signed.

    Raises:
        Refused: If it is no envelope of a grant, or nobody trusted signed it as it is.
    """
    try:
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [
            (entry["keyid"], base64.b64decode(entry["sig"], validate=True)) for entry in envelope["signatures"]
        ]
    except (KeyError, TypeError, binascii.Error):
        raise Refused("this is no signed grant.") from None
    if envelope.get("payloadType") != PAYLOAD_TYPE or len(signatures) != 1:
        raise Refused("this is no signed grant.")
    keyid, signature = signatures[0]
    if not ring.verifies(keyid, signature, _preauthentication(payload)):
        raise Refused("the grant's signature is not by this gate's key, or the grant was changed. Ask again.")
    return _read(json.loads(payload), keyid)


def _read(payload: Mapping[str, Any], keyid: str) -> Grant:
    if payload["typ"] != TYPE or payload["kid"] != keyid:
        raise Refused("this is no grant of a kind that this releaser knows.")
    if payload["iss"] != ISSUER:
        raise Refused("the grant was issued by a gate embedded in a worker; no releaser takes those.")
    return Grant(
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


def _preauthentication(payload: bytes) -> bytes:
    """Encode type and payload with their lengths, as DSSE v1 signs them."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
