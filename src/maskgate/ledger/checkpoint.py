"""Signed checkpoints: size and root of the ledger, to be kept where the gate's administrators cannot reach.

The format is a C2SP signed note with a tlog-checkpoint body, so that witnesses and other tools can read it::

    maskgate/8c1f…            origin
    42                        entries
    n9eF…=                    root, base64

    — maskgate/8c1f… Wq3u…    name, then base64 of key id (4 bytes) and Ed25519 signature

A ledger is named after the key that it began with, and keeps that name when another key signs for it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from maskgate.errors import LedgerError
from maskgate.ledger.entries import Head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ED25519 = b"\x01"
_KEY_ID_LENGTH = 4


class CheckpointSigner(Protocol):
    """What signs a checkpoint."""

    @property
    def public_key(self) -> Ed25519PublicKey:
        """Its public half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign a message."""
        ...


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose signature was checked."""

    origin: str
    head: Head


def origin_of(public_key: Ed25519PublicKey) -> str:
    """Name a ledger after the key that it began with."""
    return f"maskgate/{sha256(_raw(public_key)).hexdigest()[:16]}"


def sign_checkpoint(head: Head, signer: CheckpointSigner, first: Ed25519PublicKey | None = None) -> str:
    """Write a signed checkpoint of a ledger's head.

    Args:
        head: Size and root.
        signer: The key that signs now.
        first: The key that the ledger began with, if that is another.
    """
    public = signer.public_key
    origin = origin_of(first or public)
    text = f"{origin}\n{head.size}\n{base64.b64encode(head.root).decode()}\n"
    signature = base64.b64encode(_key_id(origin, public) + signer.sign(text.encode())).decode()
    return f"{text}\n\N{EM DASH} {origin} {signature}\n"


def read_checkpoint(note: str, first: Ed25519PublicKey, keys: Sequence[Ed25519PublicKey] | None = None) -> Checkpoint:
    """Read a checkpoint that one of the gate's keys signed.

    Args:
        note: The checkpoint.
        first: The key that the ledger began with, which names it.
        keys: The keys that may have signed; None for that one alone.

    Raises:
        LedgerError: If it is no checkpoint, is of another ledger, or its signature is wrong.
    """
    text, separator, signatures = note.partition("\n\n")
    lines = text.split("\n")
    expected = origin_of(first)
    if not separator or len(lines) < 3 or not lines[1].isdecimal():  # noqa: PLR2004  origin, size, root
        raise LedgerError("this is no checkpoint: a checkpoint has an origin, a size, a root, and a signature below.")
    if lines[0] != expected:
        raise LedgerError(f"the checkpoint is of another ledger: this one is {expected}.")
    signed = (
        _is_signed(f"{text}\n", line, expected, key) for line in signatures.splitlines() for key in keys or (first,)
    )
    if not any(signed):
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
