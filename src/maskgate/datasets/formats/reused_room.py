"""Memory that is used again.

Memory that is new has to be cleared by the system each time. And what is encoded on one thread and written on another
would lie for a while amid what the first one works with, so that less and less of its memory is free in one piece.
"""

from __future__ import annotations

import mmap
import threading

import pyarrow as pa

_STEPS, _LEAST = 8, 1 << 16


class ReusedRoom:
    """Buffers that wait for their next use, together never more than were in use at once; for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: list[pa.Buffer] = []
        self._in_use = 0
        self._most = 0

    def take(self, size: int) -> pa.Buffer:
        """Return a buffer of at least so many bytes, with anything in it."""
        size = _rounded(size)
        with self._lock:
            self._in_use += size
            self._most = max(self._most, self._in_use)
            for at, buffer in enumerate(self._free):
                if buffer.size == size:
                    return self._free.pop(at)
            while self._free and self.size > self._most:
                del self._free[0]
        return pa.py_buffer(mmap.mmap(-1, size))

    def give_back(self, buffer: pa.Buffer) -> None:
        """Let a buffer be used again; nobody may look at it from now on."""
        with self._lock:
            self._in_use -= buffer.size
            self._free.append(buffer)

    @property
    def size(self) -> int:
        """How many bytes are in use or wait."""
        free: int = sum(buffer.size for buffer in self._free)
        return self._in_use + free


class Borrowed:
    """Buffers that are taken one by one, and given back together.

    Args:
        room: Where they are from.
    """

    def __init__(self, room: ReusedRoom) -> None:
        self._room = room
        self._taken: list[pa.Buffer] = []

    def take(self, size: int) -> pa.Buffer:
        """Return a buffer of at least so many bytes, with anything in it."""
        buffer = self._room.take(size)
        self._taken.append(buffer)
        return buffer

    def give_back(self) -> None:
        """Give all of them back; nobody may look at them from now on."""
        while self._taken:
            self._room.give_back(self._taken.pop())


def _rounded(size: int) -> int:
    """Round up by an eighth at most, so that buffers of about the same size serve one another's purpose."""
    step = max(_LEAST, 1 << size.bit_length()) // (2 * _STEPS)
    return -(-max(size, 1) // step) * step
