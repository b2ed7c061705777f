"""The gate's signing key: what signs, and the kind that is a file.

A signing key shows its public half and signs; its private half leaves neither its file nor the service that keeps it.
"""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from maskgate.errors import KeyReferenceError

if TYPE_CHECKING:
    from pathlib import Path


def fingerprint_of(public_key: Ed25519PublicKey) -> str:
    """Name a key by its hash: ``sha256:`` and 64 hexadecimal digits."""
    return f"sha256:{sha256(public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()}"


class SigningKey(Protocol):
    """An Ed25519 key that signs, wherever its private half is."""

    @property
    def public_key(self) -> Ed25519PublicKey:
        """Its public half."""
        ...

    @property
    def fingerprint(self) -> str:
        """Its name: the hash of its public half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign a message.

        Raises:
            KeyReferenceError: If what keeps the key does not sign.
        """
        ...


class Signer:
    """An Ed25519 private key that shows nothing but its fingerprint."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.key = key
        self.public_key = key.public_key()
        self.fingerprint = fingerprint_of(self.public_key)

    def __repr__(self) -> str:
        return f"Signer({self.fingerprint})"

    def __reduce__(self) -> str:
        raise TypeError("a signing key does not leave its process")

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a key and keep it in a new file that only its owner may read.

        Raises:
            FileExistsError: If the file is there already.
        """
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_secret(path, pem)
        return cls(key)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the key from its file.

        Raises:
            KeyReferenceError: If the file is readable for others, or holds no Ed25519 key.
        """
        try:
            key = load_pem_private_key(read_secret(path), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeyReferenceError(f"{path}: this is no Ed25519 private key in PEM") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyReferenceError(f"{path}: this is no Ed25519 private key")
        return cls(key)

    def sign(self, message: bytes) -> bytes:
        """Sign a message."""
        return self.key.sign(message)


def write_secret(path: Path, content: bytes) -> None:
    """Write a new file of mode 0600, wholly or not at all."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.link(temporary, path)
    temporary.unlink()


def read_secret(path: Path) -> bytes:
    """Read a file that nobody but its owner may read.

    Raises:
        KeyReferenceError: If it cannot be read, or others can read it too.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise KeyReferenceError(f"{path}: the file cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode & 0o777
        if mode & 0o077:
            raise KeyReferenceError(f"{path}: mode {mode:04o} lets others read it. Run: chmod 600 {path}")
        return file.read()
