"""Staged files encrypted where they lie, each staging by a key of its own.

* The key of a staging is random. It is kept wrapped (AES-256-GCM) by a key that the configuration names and the
  database does not hold; when its row is gone, nobody reads the files again, whatever copies there are of them.
* A file is a random salt, then chunks. Each is sealed by AES-256-GCM under a key derived from salt, staging and path,
  with its number and whether it is the last: none can be changed, swapped, left out, repeated or taken elsewhere.
* Files come up through the gate, which encrypts them on the way. Workers have no key.
* The gate's sealed copy of such a staging lies encrypted by the same key, under salts of its own.
"""

from __future__ import annotations

import hashlib
import os
from io import RawIOBase
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from maskgate.errors import Refused
from maskgate.gate.staged_names import shown

if TYPE_CHECKING:
    from typing import BinaryIO

    from maskgate.keys import Key

_MAGIC = b"MGS1"
SALT = _TAG = 16
_NONCE = 12
_VERSION = 4
CHUNK = 1 << 20


class StagingKey:
    """The key of one staging. Its bytes do not show.

    Args:
        staging: The staging's id; a key works for no other.
        material: 32 random bytes.
    """

    def __init__(self, staging: str, material: bytes) -> None:
        self.staging = staging
        self.__material = material

    @classmethod
    def new(cls, staging: str) -> StagingKey:
        """Draw one."""
        return cls(staging, os.urandom(32))

    def wrapped(self, by: Key) -> bytes:
        """Encrypt it by the current version of a key."""
        nonce = os.urandom(_NONCE)
        sealed = AESGCM(_wrapping(by)).encrypt(nonce, self.__material, self.staging.encode())
        return by.version.to_bytes(_VERSION, "big") + nonce + sealed

    @classmethod
    def unwrapped(cls, staging: str, wrapped: bytes, by: Key) -> StagingKey:
        """Decrypt what :meth:`wrapped` made.

        Raises:
            Refused: If it is of another staging or key, or was changed.
            KeyReferenceError: If the key no longer has the version that wrapped it.
        """
        version = int.from_bytes(wrapped[:_VERSION], "big")
        nonce, sealed = wrapped[_VERSION : _VERSION + _NONCE], wrapped[_VERSION + _NONCE :]
        try:
            return cls(staging, AESGCM(_wrapping(by.at(version))).decrypt(nonce, sealed, staging.encode()))
        except (InvalidTag, ValueError):
            raise Refused(
                f"the key of staging {staging} cannot be unwrapped by the key that the configuration names for it. "
                "Put that key back, or stage the data again."
            ) from None

    def __repr__(self) -> str:
        return f"StagingKey({self.staging!r})"

    def exposed(self) -> bytes:
        """Return its bytes, for the one child process that reads the files of its staging."""
        return self.__material

    def cipher(self, path: str, salt: bytes) -> AESGCM:
        """Return what seals the chunks of one file."""
        info = b"".join(
            len(part).to_bytes(4, "big") + part for part in (b"staged", self.staging.encode(), path.encode())
        )
        return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(self.__material))


class Encrypting(RawIOBase):
    """A stream of plain bytes, read as the file that it becomes; knows size and hash of the plain bytes at the end.

    Args:
        source: The plain bytes.
        key: The staging's.
        path: The file's.
        at_most: How many plain bytes there may be.

    Raises:
        Refused: While it is read, if there are more.
    """

    def __init__(self, source: BinaryIO, key: StagingKey, path: str, at_most: int) -> None:
        super().__init__()
        salt = os.urandom(SALT)
        self._source, self._cipher = source, key.cipher(path, salt)
        self._path, self._at_most = path, at_most
        self._ready = bytearray(head_of(salt))
        self._ahead: bytes | None = _read_up_to(self._source, CHUNK)
        self._number = 0
        self._hashed = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """The hash of the plain bytes that were read."""
        return self._hashed.hexdigest()

    def read(self, size: int | None = -1) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        wanted = CHUNK if size is None or size < 0 else size
        while len(self._ready) < wanted and self._ahead is not None:
            self._seal()
        taken = bytes(self._ready[:wanted])
        del self._ready[:wanted]
        return taken

    def _seal(self) -> None:
        plain = self._ahead or b""
        self.size += len(plain)
        if self.size > self._at_most:
            raise Refused(f"{self._path} is larger than the {self._at_most} bytes that one staged file may have.")
        self._hashed.update(plain)
        # A file ends with a chunk that says so; one that is empty has that alone.
        after = _read_up_to(self._source, CHUNK) if len(plain) == CHUNK else b""
        is_last = not after
        self._ready += self._cipher.encrypt(nonce_of(self._number, is_last=is_last), plain, None)
        self._number += 1
        self._ahead = None if is_last else after


class Decrypting(RawIOBase):
    """An encrypted file, read as the plain bytes that were put in.

    Raises:
        Refused: While it is read, if anything of it is not as it was written.
    """

    def __init__(self, source: BinaryIO, key: StagingKey, path: str) -> None:
        super().__init__()
        self._source, self._path = source, path
        head = _read_up_to(self._source, len(_MAGIC) + SALT)
        if head[: len(_MAGIC)] != _MAGIC or len(head) != len(_MAGIC) + SALT:
            raise _changed(path)
        self._cipher = key.cipher(path, head[len(_MAGIC) :])
        self._ahead: bytes | None = _read_up_to(self._source, CHUNK + _TAG)
        self._ready = bytearray()
        self._number = 0

    def close(self) -> None:
        """Close the encrypted file too."""
        self._source.close()
        super().close()

    def read(self, size: int | None = -1) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        wanted = CHUNK if size is None or size < 0 else size
        while len(self._ready) < wanted and self._ahead is not None:
            self._open()
        taken = bytes(self._ready[:wanted])
        del self._ready[:wanted]
        return taken

    def _open(self) -> None:
        sealed = self._ahead or b""
        after = _read_up_to(self._source, CHUNK + _TAG) if len(sealed) == CHUNK + _TAG else b""
        try:
            self._ready += self._cipher.decrypt(nonce_of(self._number, is_last=not after), sealed, None)
        except (InvalidTag, ValueError):
            raise _changed(self._path) from None
        self._number += 1
        self._ahead = after or None


class DecryptedFile(RawIOBase):
    """An encrypted file, read as the plain bytes that were put in, in any order; what was changed is an `OSError`.

    Args:
        source: The encrypted file, which can seek.
        key: The staging's.
        path: The file's.
    """

    def __init__(self, source: BinaryIO, key: StagingKey, path: str) -> None:
        super().__init__()
        self._source = source
        head = source.read(len(_MAGIC) + SALT)
        self._cipher = key.cipher(path, head[len(_MAGIC) :])
        sealed = source.seek(0, os.SEEK_END) - len(head)
        self._chunks = -(-sealed // (CHUNK + _TAG))
        self._size = sealed - self._chunks * _TAG
        self._at, self._number, self._open = 0, -1, b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read in any order."""
        return True

    def tell(self) -> int:
        """Say where it is read next."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go elsewhere."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        left = max(0, self._size - self._at)
        wanted = left if size is None or size < 0 else min(size, left)
        parts = []
        while wanted:
            number, inside = divmod(self._at, CHUNK)
            part = self._chunk(number)[inside : inside + wanted]
            parts.append(part)
            wanted -= len(part)
            self._at += len(part)
        return b"".join(parts)

    def _chunk(self, number: int) -> bytes:
        if number != self._number:
            self._source.seek(len(_MAGIC) + SALT + number * (CHUNK + _TAG))
            sealed = self._source.read(CHUNK + _TAG)
            try:
                nonce = nonce_of(number, is_last=number == self._chunks - 1)
                self._open = self._cipher.decrypt(nonce, sealed, None)
            except (InvalidTag, ValueError):
                raise OSError("an encrypted file was changed") from None
            self._number = number
        return self._open


def is_encrypted(head: bytes) -> bool:
    """Whether a file that begins like this was encrypted here."""
    return head.startswith(_MAGIC)


def head_of(salt: bytes) -> bytes:
    """Return how an encrypted file begins."""
    return _MAGIC + salt


def nonce_of(number: int, *, is_last: bool) -> bytes:
    """Return the nonce of a chunk, which no other of the file has."""
    return number.to_bytes(_NONCE - 1, "big") + bytes([is_last])


def _read_up_to(source: BinaryIO, size: int) -> bytes:
    """Read as many bytes as that, fewer only at the end; a stream may give out less at once."""
    parts, have = [], 0
    while have < size and (part := source.read(size - have)):
        parts.append(part)
        have += len(part)
    return b"".join(parts)


def _wrapping(key: Key) -> bytes:
    return key.subkey(purpose="staging", scheme="aes-256-gcm")


def _changed(path: str) -> Refused:
    return Refused(f"the staged file {shown(path)} is not as the gate wrote it. Stage the data again.")
