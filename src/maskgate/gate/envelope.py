"""A signed envelope: DSSE v1 with one Ed25519 signature.

The payload is signed as the bytes that it is, so that nobody has to agree on how to write JSON before a signature is
checked. There is one algorithm and no negotiation; the type of the payload is signed with it.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from maskgate.canonical import canonical_bytes
from maskgate.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.ring import Ring
    from maskgate.gate.signer import SigningKey


def seal_payload(kind: str, payload: Mapping[str, Any], signer: SigningKey) -> dict[str, Any]:
    """Put JSON values of one kind into a signed envelope."""
    body = canonical_bytes(dict(payload))
    signature = signer.sign(_preauthentication(kind, body))
    return {
        "payloadType": kind,
        "payload": base64.b64encode(body).decode(),
        "signatures": [{"keyid": signer.fingerprint, "sig": base64.b64encode(signature).decode()}],
    }


def open_payload(kind: str, envelope: Any, ring: Ring, name: str) -> tuple[dict[str, Any], str]:
    """Return what a key of the ring signed, and the key's fingerprint.

    Args:
        kind: The type that the payload must have.
        envelope: What claims to be an envelope.
        ring: Whose signatures count.
        name: What to call it in a message, such as ``grant``.

    Raises:
        Refused: If it is no envelope of this kind, or nobody of the ring signed it as it is.
    """
    keyid, signature, body = _parts(kind, envelope, name)
    if not ring.verifies(keyid, signature, _preauthentication(kind, body)):
        raise Refused(f"the {name}'s signature is not by this gate's key, or the {name} was changed. Ask again.")
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise Refused(f"this is no signed {name}.")
    return payload, keyid


def claimed_payload(envelope: Any) -> dict[str, Any]:
    """Return what an envelope claims; nothing is verified.

    Raises:
        ValueError: If there is nothing to read.
    """
    try:
        payload = json.loads(base64.b64decode(envelope["payload"], validate=True))
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"no envelope ({type(error).__name__})") from None
    if not isinstance(payload, dict):
        raise ValueError("no JSON object")  # noqa: TRY004  as every other problem
    return payload


def keyid_of(envelope: Any) -> str:
    """Return which key an envelope claims; nothing is verified."""
    try:
        return str(envelope["signatures"][0]["keyid"])
    except (KeyError, TypeError, IndexError):
        return ""


def _parts(kind: str, envelope: Any, name: str) -> tuple[str, bytes, bytes]:
    try:
        body = base64.b64decode(envelope["payload"], validate=True)
        signatures = [(each["keyid"], base64.b64decode(each["sig"], validate=True)) for each in envelope["signatures"]]
        if envelope["payloadType"] != kind or len(signatures) != 1 or not isinstance(signatures[0][0], str):
            raise Refused(f"this is no signed {name}.")
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise Refused(f"this is no signed {name}.") from None
    return signatures[0][0], signatures[0][1], body


def _preauthentication(kind: str, payload: bytes) -> bytes:
    """Encode type and payload with their lengths, as DSSE v1 signs them."""
    encoded = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(encoded), encoded, len(payload), payload)
