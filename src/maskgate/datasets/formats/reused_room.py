"""Memory that is used again: memory that is new has to be cleared by the system each time."""

from __future__ import annotations

import threading

import pyarrow as pa

_MOST_KEPT = 16


class ReusedRoom:
    """Buffers that wait for their next use; for any number of threads."""

    def __init__(self) -> None:
        self._free: list[pa.Buffer] = []
        self._lock = threading.Lock()

    def take(self, size: int) -> pa.Buffer:
        """Return a buffer of at least so many bytes, with anything in it."""
        with self._lock:
            for at, buffer in enumerate(self._free):
                if buffer.size >= size:
                    return self._free.pop(at)
            # What has become too small is of no more use.
            self._free.clear()
        return pa.allocate_buffer(size)

    def give_back(self, buffer: pa.Buffer) -> None:
        """Let a buffer be used again; nobody may look at it from now on."""
        with self._lock:
            if len(self._free) < _MOST_KEPT:
                self._free.append(buffer)
