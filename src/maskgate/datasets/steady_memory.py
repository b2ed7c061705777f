"""Keeps a long run at the memory that it takes at its beginning.

glibc keeps what is freed, in pieces: the longer threads take and free, the less of it lies together, and the more they
ask the system for. A run that begins to take more than it did gives back what it does not use. That costs a pass over
pages which are cleared when they are needed next, and is not done at every turn.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

# After so many items a run has come to its usual size, and for so many it is left alone when memory was given back.
_FIRST, _PAUSE = 8, 32
# One in sixty-four more is no growth; one in sixteen more is so much that memory is given back at once.
_SHARE, _LARGE_SHARE = 64, 16
_PAGES_IN_USE = Path("/proc/self/statm")
_PAGE = 4096


class Steady(Generic[T]):
    """Passes items on; before each, gives back memory if there is more of it than there was at the beginning.

    Elsewhere than on Linux with glibc it does nothing else than passing on.

    Args:
        items: What is passed on; nothing of it is kept.
    """

    def __init__(self, items: Iterator[T]) -> None:
        self._items = items
        self._taken = self._given_back_at = 0
        self._usual = 0
        self._give_back = _giver()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._give_back is not None:
            self._settle(self._give_back)
        return next(self._items)

    def _settle(self, give_back: Callable[[int], int]) -> None:
        now = resident()
        self._taken += 1
        if self._taken <= _FIRST:
            self._usual = max(self._usual, now)
        elif self._has_grown(now):
            give_back(0)
            self._given_back_at = self._taken
            # What is left is in use.
            self._usual = max(self._usual, resident())

    def _has_grown(self, now: int) -> bool:
        more, may_wait = now - self._usual, self._taken <= self._given_back_at + _PAUSE
        return more > self._usual // (_LARGE_SHARE if may_wait else _SHARE)


def resident() -> int:
    """Return how many bytes of memory the process has."""
    return int(_PAGES_IN_USE.read_bytes().split()[1]) * _PAGE


def _giver() -> Callable[[int], int] | None:
    """Return glibc's ``malloc_trim``; None where there is none."""
    with suppress(OSError, AttributeError, IndexError, ValueError):
        resident()
        return ctypes.CDLL(None).malloc_trim
    return None
