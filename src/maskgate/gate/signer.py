"""The gate's signing key, and the ring of keys that a releaser trusts.

The ring is pinned by whoever runs the releaser. It is never read from the database, or who can write there could
bring a key of their own.
"""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
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
    from collections.abc import Mapping
    from pathlib import Path


def fingerprint_of(public_key: Ed25519PublicKey) -> str:
    """Name a key by its hash: ``sha256:`` and 64 hexadecimal digits."""
    return f"sha256:{sha256(public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()}"


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


class Ring:
    """Public keys by fingerprint."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self._keys = dict(keys)

    @classmethod
    def of(cls, *keys: Ed25519PublicKey) -> Self:
        """Trust exactly these keys."""
        return cls({fingerprint_of(key): key for key in keys})

    def verifies(self, fingerprint: str, signature: bytes, message: bytes) -> bool:
        """Whether a trusted key of this name signed the message."""
        key = self._keys.get(fingerprint)
        if key is None:
            return False
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


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
