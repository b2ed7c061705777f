"""A new file that is encrypted while it is written, so that nothing of it lies on the disk in the open.

It reads as every staged file that is encrypted: see ``staging_cipher.py``, which has its form.
"""

from __future__ import annotations

import os
from io import RawIOBase
from typing import TYPE_CHECKING, Any

from maskgate.gate.staging_cipher import CHUNK, SALT, head_of, nonce_of

if TYPE_CHECKING:
    from typing import BinaryIO

    from maskgate.gate.staging_cipher import StagingKey


class EncryptingFile(RawIOBase):
    """Takes plain bytes, and writes the file that they become.

    Args:
        target: The new file.
        key: The staging's.
        path: The file's path in the staging.
    """

    def __init__(self, target: BinaryIO, key: StagingKey, path: str) -> None:
        super().__init__()
        salt = os.urandom(SALT)
        self._target, self._cipher = target, key.cipher(path, salt)
        self._plain, self._number = bytearray(), 0
        self._target.write(head_of(salt))

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def write(self, data: Any) -> int:
        """Take plain bytes."""
        view = memoryview(data).cast("B")
        self._plain += view
        # The last chunk says that it is, so that a full one waits until more comes.
        while len(self._plain) > CHUNK:
            self._seal(bytes(self._plain[:CHUNK]), is_last=False)
            del self._plain[:CHUNK]
        return len(view)

    def close(self) -> None:
        """Write the last chunk, and bring all of it to the disk."""
        if self.closed:
            return
        try:
            self._seal(bytes(self._plain), is_last=True)
            self._target.flush()
            os.fsync(self._target.fileno())
        finally:
            self.discard()

    def discard(self) -> None:
        """Close it as it is: without its last chunk nobody takes it for whole."""
        self._plain.clear()
        self._target.close()
        super().close()

    def _seal(self, plain: bytes, *, is_last: bool) -> None:
        self._target.write(self._cipher.encrypt(nonce_of(self._number, is_last=is_last), plain, None))
        self._number += 1
