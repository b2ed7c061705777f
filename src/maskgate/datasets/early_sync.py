"""Brings what is written to the disk while more of it is being made, so that little is left to wait for at the end."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from concurrent.futures import Future

_BYTES = 32 << 20


class EarlySync:
    """Brings a file to the disk, now and then; nothing happens to one that has no descriptor.

    Args:
        file: The file.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._descriptor = _descriptor_of(file)
        self._written = 0
        self._pool: ThreadPoolExecutor | None = None
        self._under_way: Future[None] | None = None

    def wrote(self, size: int) -> None:
        """Say that so many more bytes are written."""
        self._written += size
        if self._written < _BYTES or self._descriptor is None:
            return
        if self._under_way is not None and not self._under_way.done():
            return
        self._settle()
        self._written = 0
        self._file.flush()
        self._pool = self._pool or ThreadPoolExecutor(1, thread_name_prefix="maskgate-sync")
        self._under_way = self._pool.submit(os.fdatasync, self._descriptor)

    def reach(self) -> None:
        """Bring what is written so far to the disk.

        Raises:
            OSError: If it cannot be.
        """
        self._file.flush()
        self._settle()
        if self._descriptor is not None:
            os.fsync(self._descriptor)

    def finish(self) -> None:
        """Bring all of it to the disk.

        Raises:
            OSError: If it cannot be.
        """
        self._file.flush()
        try:
            self._settle()
        finally:
            self.stop()
        if self._descriptor is not None:
            os.fsync(self._descriptor)

    def stop(self) -> None:
        """Wait for what is under way, whatever comes of it: the descriptor may be closed then."""
        if self._pool is not None:
            self._pool.shutdown()

    def _settle(self) -> None:
        # The system tells of a failure once: whoever leaves it unread believes that the bytes are there.
        if self._under_way is not None:
            self._under_way.result()


def _descriptor_of(file: BinaryIO) -> int | None:
    try:
        return file.fileno()
    except (OSError, AttributeError):
        return None
