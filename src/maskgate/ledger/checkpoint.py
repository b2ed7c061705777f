"""Signed checkpoints: size and root of the ledger, to be kept where the gate's administrators cannot reach.

The format is a C2SP signed note with a tlog-checkpoint body, so that witnesses and other tools can read it::

    maskgate/8c1f…            origin
    42                        entries
    n9eF…=                    root, base64

    — maskgate/8c1f… Wq3u…    name, then base64 of key id (4 bytes) and Ed25519 signature
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from maskgate.errors import LedgerError
from maskgate.ledger.entries import Head

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_KEY_ID_LENGTH = 4


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose signature was checked."""

    origin: str
    head: Head


def origin_of(public_key: Ed25519PublicKey) -> str:
    """Name the ledger after the key that signs it."""
    return f"maskgate/{sha256(_raw(public_key)).hexdigest()[:16]}"


def sign_checkpoint(head: Head, key: Ed25519PrivateKey) -> str:
    """Write a signed checkpoint of a ledger's head."""
    public = key.public_key()
    origin = origin_of(public)
    text = f"{origin}\n{head.size}\n{base64.b64encode(head.root).decode()}\n"
    signature = base64.b64encode(_key_id(origin, public) + key.sign(text.encode())).decode()
    return f"{text}\n\N{EM DASH} {origin} {signature}\n"


def read_checkpoint(note: str, public_key: Ed25519PublicKey) -> Checkpoint:
    """Read a checkpoint that this key signed.

    Raises:
        LedgerError: If it is no checkpoint, is of another ledger, or its signature is wrong.
    """
    text, separator, signatures = note.partition("\n\n")
    lines = text.split("\n")
    expected = origin_of(public_key)
    if not separator or len(lines) < 3 or not lines[1].isdecimal():  # noqa: PLR2004  origin, size, root
        raise LedgerError("this is no checkpoint: a checkpoint has an origin, a size, a root, and a signature below.")
    if lines[0] != expected:
        raise LedgerError(f"the checkpoint is of another ledger: this one is {expected}.")
    if not any(_is_signed(f"{text}\n", line, expected, public_key) for line in signatures.splitlines()):
        raise LedgerError("the checkpoint's signature is not by this gate's key, or it was changed.")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except binascii.Error:
        raise LedgerError("the checkpoint's root is not base64.") from None
    return Checkpoint(lines[0], Head(int(lines[1]), root))


def _is_signed(text: str, line: str, origin: str, public_key: Ed25519PublicKey) -> bool:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != "\N{EM DASH}" or name != origin:
        return False
    try:
        signature = base64.b64decode(encoded, validate=True)
        if signature[:_KEY_ID_LENGTH] != _key_id(origin, public_key):
            return False
        public_key.verify(signature[_KEY_ID_LENGTH:], text.encode())
    except (binascii.Error, InvalidSignature):
        return False
    return True


def _key_id(origin: str, public_key: Ed25519PublicKey) -> bytes:
    return sha256(origin.encode() + b"\n" + _ED25519 + _raw(public_key)).digest()[:_KEY_ID_LENGTH]


def _raw(public_key: Ed25519PublicKey) -> bytes:
    return public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)
