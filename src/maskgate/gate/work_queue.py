"""What one gate process has taken on and not finished: sealings and releases, each done by one thread."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from maskgate.gate.consumption import Held


class WorkQueue:
    """Keeps two threads of a process from doing the same thing, and remembers grants that were just consumed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._held: dict[str, Held] = {}
        self._lent: dict[str, Mapping[str, Any]] = {}

    @contextmanager
    def claim(self, request_id: str) -> Iterator[bool]:
        """Take a request for this thread; False if another thread has it."""
        with self._lock:
            is_free = request_id not in self._busy
            self._busy.add(request_id)
        try:
            yield is_free
        finally:
            if is_free:
                with self._lock:
                    self._busy.discard(request_id)

    def is_busy(self, request_id: str) -> bool:
        """Whether a thread of this process has it."""
        with self._lock:
            return request_id in self._busy

    def put(self, request_id: str, held: Held) -> None:
        """Remember that this process holds the grant of a request."""
        with self._lock:
            self._held[request_id] = held

    def lend(self, request_id: str, credential: Mapping[str, Any] | None) -> None:
        """Keep the credential of a release for whoever asked; None forgets it."""
        with self._lock:
            if credential is None:
                self._lent.pop(request_id, None)
            else:
                self._lent[request_id] = credential

    def lent(self, request_id: str) -> dict[str, Any] | None:
        """Return the credential of a release, if there is one."""
        with self._lock:
            found = self._lent.get(request_id)
        return None if found is None else dict(found)

    def take(self, request_id: str) -> Held | None:
        """Return the grant that this process holds for a request, once."""
        with self._lock:
            return self._held.pop(request_id, None)

    def waiting(self, *, elsewhere: bool = False) -> list[str]:
        """List the requests whose grants wait in this process to be carried out here, or by a process of its own."""
        with self._lock:
            held = self._held.items()
            return [each for each, by in held if by.is_elsewhere is elsewhere and each not in self._busy]
