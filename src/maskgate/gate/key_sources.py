"""Where the gate's signing keys are: in files of its home, or in a service that signs.

A source opens what it holds, and comes up with the next key when the gate's key is to be replaced. It decides nothing:
which key is in use stands in the ring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from maskgate.errors import KeyReferenceError, Refused
from maskgate.gate.kms_signer import KmsSigner
from maskgate.gate.signer import Signer
from maskgate.gate.transit_signer import open_versions, rotate_transit_key
from maskgate.keys.aws_kms import AwsKms
from maskgate.keys.vault_transit import VaultTransit

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from maskgate.gate.signer import SigningKey

SCHEMES = ("file", "vault-transit", "aws-kms")


class KeySource(Protocol):
    """Holds signing keys."""

    def open(self) -> Sequence[SigningKey]:
        """Return every key that can sign, the oldest first.

        Raises:
            KeyReferenceError: If they cannot be had.
        """
        ...

    def next_key(self, known: Collection[str]) -> SigningKey:
        """Return a key that is not among the known fingerprints, making one if need be.

        Raises:
            Refused: If there is none and none can be made here.
            KeyReferenceError: If they cannot be had.
        """
        ...


class FileKeys:
    """Keys in files: the first, and beside it a folder with those that came later.

    Args:
        first: The file of the first key; made if it is not there and the folder is empty.
        folder: Where later keys are, each in a file of its own.
    """

    def __init__(self, first: Path, folder: Path) -> None:
        self._first = first
        self._folder = folder

    def open(self) -> list[SigningKey]:
        """Open every file; make the first key if there is none at all."""
        files = [self._first] if self._first.exists() else []
        if self._folder.is_dir():
            files += sorted(self._folder.glob("*.pem"))
        return [Signer.load(file) for file in files] or [Signer.create(self._first)]

    def next_key(self, known: Collection[str]) -> SigningKey:
        """Return the key that waits for its use, or make one."""
        for signer in self.open():
            if signer.fingerprint not in known:
                return signer
        self._folder.mkdir(mode=0o700, exist_ok=True)
        return Signer.create(self._folder / f"{len(known) + 1:04d}.pem")


class TransitKeys:
    """The versions of a key of HashiCorp Vault's Transit engine."""

    def __init__(self, key: VaultTransit) -> None:
        self._key = key

    def open(self) -> Sequence[SigningKey]:
        """Open every version that Vault still signs by."""
        return open_versions(self._key)

    def next_key(self, known: Collection[str]) -> SigningKey:
        """Return the latest version, or have Vault make another."""
        latest = self.open()[-1]
        if latest.fingerprint in known:
            rotate_transit_key(self._key)
            latest = self.open()[-1]
        if latest.fingerprint in known:
            raise KeyReferenceError(f"Vault has made no further version of {self._key.mount}/{self._key.key}")
        return latest


class KmsKey:
    """A key of AWS KMS, which has no versions."""

    def __init__(self, key: AwsKms) -> None:
        self._key = key

    def open(self) -> Sequence[SigningKey]:
        """Open it."""
        return (KmsSigner.open(self._key),)

    def next_key(self, known: Collection[str]) -> SigningKey:
        """Return it, if it has not been in use."""
        signer = KmsSigner.open(self._key)
        if signer.fingerprint in known:
            raise Refused(
                "a signing key of AWS KMS has no versions. Make another KMS key, write it as `signing: {next: …}` in "
                "gate.yaml, start the gate again, and ask again."
            )
        return signer


class TwoSources:
    """The source in use, and the one that takes its place at the next rotation."""

    def __init__(self, now: KeySource, following: KeySource) -> None:
        self._now = now
        self._following = following

    def open(self) -> Sequence[SigningKey]:
        """Open both."""
        return (*self._now.open(), *self._following.open())

    def next_key(self, known: Collection[str]) -> SigningKey:
        """Return a key of the one that follows, once there is any."""
        if not known:
            return self._now.next_key(known)
        return self._following.next_key(known)


class OneKey:
    """A single key that has no successor."""

    def __init__(self, signer: SigningKey) -> None:
        self._signer = signer

    def open(self) -> Sequence[SigningKey]:
        """Return it."""
        return (self._signer,)

    def next_key(self, known: Collection[str]) -> SigningKey:
        """Refuse: there is no other."""
        raise Refused(f"there is no other key than {', '.join(known)}.")


def find_source(reference: str, base: Path, folder: Path) -> KeySource:
    """Return the source that a reference names.

    Args:
        reference: ``file:PATH``, ``vault-transit:[MOUNT/]KEY`` or ``aws-kms:KMSKEY``.
        base: What a path starts from.
        folder: Where later keys of a ``file:`` are kept.

    Raises:
        KeyReferenceError: If it names none.
    """
    scheme, colon, name = reference.partition(":")
    if colon and name and scheme == "file":
        return FileKeys(base / name, folder)
    if colon and scheme == "vault-transit":
        return TransitKeys(VaultTransit.named(name))
    if colon and scheme == "aws-kms":
        return KmsKey(AwsKms.named(name))
    raise KeyReferenceError("a signing key is named file:PATH, vault-transit:[MOUNT/]KEY or aws-kms:KMSKEY")
