"""Reading the sealed copy for a release, and proving that what was written is what was sealed.

The hash is taken of the very buffers that go to the destination, not of the file before or after: between two
readings a file can change.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from maskgate.errors import Refused
from maskgate.gate import no_follow
from maskgate.gate.fault_points import reach
from maskgate.gate.sealed_copy import opened_sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maskgate.gate.model import Sealed, SealedFile

_CHUNK = 1 << 20
_STEPS_PER_SECOND = 4


class Pace:
    """How fast bytes may go out, and who is told.

    Attributes:
        bytes_per_second: At most this many on average; None for no limit.
        progress: Called with bytes done and in all, several times a second while bytes go out.
        total: Bytes in all.
    """

    def __init__(self, bytes_per_second: int | None, progress: Callable[[int, int], None], total: int) -> None:
        self.bytes_per_second = bytes_per_second
        self.progress = progress
        self.total = total
        self._done = 0
        self._started = time.monotonic()

    @property
    def chunk(self) -> int:
        """How many bytes to move between two steps; few when slow, so that a lease is renewed in time."""
        return (
            _CHUNK if self.bytes_per_second is None else max(1, min(_CHUNK, self.bytes_per_second // _STEPS_PER_SECOND))
        )

    def step(self, size: int) -> None:
        """Count bytes that went out, tell it, and wait if it was too fast."""
        self._done += size
        self.progress(self._done, self.total)
        if self.bytes_per_second is not None:
            due = self._started + self._done / self.bytes_per_second
            time.sleep(max(0.0, due - time.monotonic()))

    def go_on(self) -> None:
        """Say that work goes on, though no more of the sealed bytes were read."""
        self.progress(self._done, self.total)


def copy_sealed(sealed: Sealed, file: SealedFile, write: Callable[[bytes], object], pace: Pace) -> None:
    """Pass the bytes of one sealed file to `write`, and check them on the way.

    Raises:
        Refused: If they are not the bytes that were sealed. All of them may have been written by then.
    """
    hashed, size = hashlib.sha256(), 0
    for chunk in _chunks(sealed, file, pace.chunk):
        write(chunk)
        hashed.update(chunk)
        size += len(chunk)
        pace.step(len(chunk))
        reach("in copy")
    if size != file.size or hashed.hexdigest() != file.sha256:
        raise Refused(
            f"the sealed copy of {file.path} is not what was signed: it was changed afterwards. Nothing was released. "
            "Look into who can write to the gate's folder, and make a new request."
        )


def _chunks(sealed: Sealed, file: SealedFile, size: int) -> Iterator[bytes]:
    *folders, name = file.path.split("/")
    try:
        with no_follow.root_folder(sealed.folder) as root, no_follow.folder(root, *folders) as inside:
            descriptor = no_follow.open_plain(inside, name)
    except OSError:
        raise Refused(
            f"the sealed copy of {file.path} is gone or is no plain file any more. Nothing was released. "
            "Make a new request."
        ) from None
    with opened_sealed(descriptor, sealed, file.path) as opened:
        while chunk := opened.read(size):
            yield chunk
