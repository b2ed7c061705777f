"""Signing by HashiCorp Vault's Transit engine, which keeps the private half.

The key is of type ``ed25519``. Each signature names the version that it wants, so that a rotation in Vault changes
nothing at the gate until somebody has signed it. The token needs ``read`` on ``MOUNT/keys/KEY`` and ``update`` on
``MOUNT/sign/KEY``; to make the next version itself, ``update`` on ``MOUNT/keys/KEY/rotate``.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature

from maskgate.errors import KeyReferenceError
from maskgate.gate.ring import public_key_of
from maskgate.gate.signer import fingerprint_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from maskgate.keys.vault_transit import VaultTransit


@dataclass(frozen=True)
class TransitSigner:
    """One version of a Transit key; satisfies :class:`maskgate.gate.signer.SigningKey`."""

    key: VaultTransit
    version: int
    public_key: Ed25519PublicKey

    @property
    def fingerprint(self) -> str:
        """Its name: the hash of its public half."""
        return fingerprint_of(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """Have Vault sign a message, and check what it answers."""
        body = {"input": base64.b64encode(message).decode(), "key_version": self.version}
        said = self.key.ask(f"sign/{self.key.key}", body)
        if said.problem:
            raise KeyReferenceError(f"nothing was signed: {said.problem}")
        prefix = f"vault:v{self.version}:"
        text = said.text("signature")
        refusal = f"nothing was signed: Vault answered no signature of version {self.version}"
        if not text.startswith(prefix):
            raise KeyReferenceError(refusal)
        try:
            signature = base64.b64decode(text.removeprefix(prefix), validate=True)
            self.public_key.verify(signature, message)
        except (binascii.Error, ValueError, InvalidSignature):
            raise KeyReferenceError(refusal) from None
        return signature


def open_versions(key: VaultTransit) -> list[TransitSigner]:
    """Return the versions of a key that Vault still signs by, the oldest first.

    Raises:
        KeyReferenceError: If Vault does not answer, or the key is of another type.
    """
    said = key.ask(f"keys/{key.key}")
    if said.problem:
        raise KeyReferenceError(said.problem)
    versions = said.data.get("keys")
    if said.text("type") != "ed25519" or not isinstance(versions, dict) or not versions:
        raise KeyReferenceError(f"the Transit key {key.mount}/{key.key} is not of type ed25519, so it signs no grants")
    try:
        found = {int(number): public_key_of(each["public_key"]) for number, each in versions.items()}
    except (TypeError, KeyError, ValueError):
        raise KeyReferenceError("Vault answered something else than public keys of type ed25519") from None
    return [TransitSigner(key, number, found[number]) for number in sorted(found)]


def rotate_transit_key(key: VaultTransit) -> None:
    """Have Vault make another version.

    Raises:
        KeyReferenceError: If it does not.
    """
    said = key.ask(f"keys/{key.key}/rotate", {})
    if said.problem:
        raise KeyReferenceError(
            f"{said.problem}. To let Vault's people do it: vault write -f {key.mount}/keys/{key.key}/rotate; then ask "
            "again"
        )
