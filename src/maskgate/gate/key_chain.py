"""The chain of the gate's keys: each rotation and revocation is a statement that the key before it has signed.

* A chain begins with the key that entry 0 of the ledger names, which clients and releasers have pinned.
* A key takes the place of another only by a statement of that other.
* A revocation is signed by the key in use. The key in use is not revoked: it is replaced first.
* A statement says which one it is, so that none can be left out, put in between or used twice.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from maskgate.clock import moment, timestamp
from maskgate.errors import LedgerError, MaskgateError
from maskgate.gate.envelope import claimed_payload, open_payload, seal_payload
from maskgate.gate.ring import ALGORITHM, public_key_of
from maskgate.gate.signer import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from maskgate.gate.ring import Ring
    from maskgate.gate.signer import SigningKey

PAYLOAD_TYPE = "application/vnd.maskgate.key+json"
ROTATION, REVOCATION = "maskgate-key-rotation/1", "maskgate-key-revocation/1"


def state_rotation(
    ring: Ring, signer: SigningKey, public_key: Ed25519PublicKey, *, request: str, at: datetime
) -> dict[str, Any]:
    """Have the key in use say that another takes its place."""
    payload = {
        **_common(ROTATION, ring, signer, request, at),
        "old_public_key": _text(signer.public_key),
        "new": fingerprint_of(public_key),
        "algorithm": ALGORITHM,
        "public_key": _text(public_key),
    }
    return seal_payload(PAYLOAD_TYPE, payload, signer)


def state_revocation(ring: Ring, signer: SigningKey, revoked: str, *, request: str, at: datetime) -> dict[str, Any]:
    """Have the key in use say that an earlier one answers for nothing any more."""
    payload = {**_common(REVOCATION, ring, signer, request, at), "revoked": revoked}
    return seal_payload(PAYLOAD_TYPE, payload, signer)


def follow(ring: Ring, statement: Mapping[str, Any]) -> Ring:
    """Return the ring after a statement.

    Raises:
        LedgerError: If it is none, does not come next, or the key in use has not signed it.
    """
    try:
        payload, keyid = open_payload(PAYLOAD_TYPE, statement, ring, "statement about a key")
        return _after(ring, payload, keyid)
    except (MaskgateError, KeyError, TypeError, ValueError) as error:
        why = f": {error}" if isinstance(error, MaskgateError) else ""
        raise LedgerError(
            f"statement {ring.statements} about the gate's keys is not one that the key in use has signed{why} "
            "Look into who can write to the gate's database."
        ) from None


def first_public_key(statement: Mapping[str, Any]) -> Ed25519PublicKey | None:
    """Return the key that an unverified statement says it is signed by; None if that cannot be read."""
    try:
        return public_key_of(claimed_payload(statement)["old_public_key"])
    except (KeyError, TypeError, ValueError):
        return None


def _after(ring: Ring, payload: Mapping[str, Any], keyid: str) -> Ring:
    if keyid != ring.current.fingerprint or payload["old"] != keyid or payload["number"] != ring.statements:
        raise ValueError
    if payload["gate"] != ring.first.fingerprint:
        raise ValueError
    at = moment(payload["at"])
    if payload["typ"] == ROTATION:
        new = public_key_of(payload["public_key"])
        if payload["algorithm"] != ALGORITHM or fingerprint_of(new) != payload["new"] or payload["new"] in ring:
            raise ValueError
        return ring.rotated(new, at)
    if payload["typ"] != REVOCATION or payload["revoked"] not in ring or payload["revoked"] == keyid:
        raise ValueError
    return ring.revoked(payload["revoked"], at)


def _common(kind: str, ring: Ring, signer: SigningKey, request: str, at: datetime) -> dict[str, Any]:
    return {
        "typ": kind,
        "gate": ring.first.fingerprint,
        "number": ring.statements,
        "old": signer.fingerprint,
        "request": request,
        "at": timestamp(at),
    }


def _text(key: Ed25519PublicKey) -> str:
    return base64.b64encode(key.public_bytes_raw()).decode()
