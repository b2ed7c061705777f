"""Original values that memory does not hold, in a file that nobody else can read.

* The file has no name from its first moment on, so that no exit leaves it behind, not even a kill.
* Its bytes are encrypted under a key that is drawn for it and never leaves memory.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Self, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from maskgate.datasets.storage_errors import reason_of
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_NONCE = 12


@dataclass(frozen=True)
class Place:
    """Where in a spill some bytes are.

    Attributes:
        number: How many others were written before.
        start: The first of the encrypted bytes.
        size: How many these are.
    """

    number: int
    start: int
    size: int


class Spill:
    """A file without a name, in the folder for temporary files; as a context manager, it goes away at the end.

    Args:
        holds: What messages call what is in it.
    """

    def __init__(self, holds: str = "the values that change rows") -> None:
        self._holds = holds
        self._cipher = AESGCM(AESGCM.generate_key(128))
        self._count = self._size = 0
        self._writing = Lock()
        self._file = _translated(holds, lambda: tempfile.TemporaryFile(prefix="maskgate-", buffering=0))  # noqa: SIM115

    def write(self, data: bytes | memoryview) -> Place:
        """Write some bytes; on one thread at a time.

        Raises:
            DatasetError: If there is no room for them.
        """
        with self._writing:
            # Every number is used once, and the key for nothing else.
            written = self._cipher.encrypt(self._count.to_bytes(_NONCE, "big"), data, None)
            place = Place(self._count, self._size, len(written))
            _translated(self._holds, lambda: self._write(written))
            self._count += 1
            self._size += len(written)
            return place

    def read(self, place: Place) -> bytes:
        """Read what was written; on any thread.

        Raises:
            DatasetError: If it is not what was written.
        """
        read = _translated(self._holds, lambda: os.pread(self._file.fileno(), place.size, place.start))
        try:
            return self._cipher.decrypt(place.number.to_bytes(_NONCE, "big"), read, None)
        except InvalidTag:
            raise DatasetError(
                f"a temporary file in {tempfile.gettempdir()} has changed while it was in use."
            ) from None

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _translated(holds: str, act: Callable[[], T]) -> T:
    try:
        return act()
    except OSError as error:
        failure = reason_of(error)
    raise DatasetError(
        f"{holds} do not fit into {tempfile.gettempdir()}: {failure}. Make room there, or let "
        "TMPDIR name another folder."
    )
