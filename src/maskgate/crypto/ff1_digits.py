"""Digits of many values, and the numbers that they spell.

A digit is a byte (radix up to 256) or two. Eight bytes of digits are one 64-bit word, whose digits are put together,
or taken apart, in halves: neighbours first, then neighbouring pairs, then fours. So each step is a few passes over a
whole column.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

WORD = 8
# So many rows at a time stay in the processor's cache.
ROWS = 16_384
_MOST_BYTES = 2_097_152


def digit_type(radix: int) -> type[np.uint8 | np.uint16]:
    """Return the type of a digit."""
    return np.uint8 if radix <= 256 else np.uint16  # noqa: PLR2004  as many as a byte has values


def room_for(digits: int, type_: type[np.uint8 | np.uint16]) -> NDArray[np.uint8 | np.uint16]:
    """Return memory for so many digits, and for the word that may be read beyond them."""
    return np.zeros(digits + WORD, type_)


@dataclass(frozen=True)
class Strip:
    """Values of one length, a row each.

    Attributes:
        cells: Which cells the rows are.
        memory: The digits of all rows; a word can be read behind the last one.
        rows: How many values there are.
        stride: Digits from the beginning of a row to that of the next.
        length: Digits of a value.
        radix: How many different digits there are.
    """

    cells: NDArray[np.int64]
    memory: NDArray[np.uint8 | np.uint16]
    rows: int
    stride: int
    length: int
    radix: int

    def read(self, start: int, count: int) -> NDArray[np.uint64]:
        """Return the numbers that `count` digits from `start` spell; they must be below 2^64."""
        group = WORD // self.memory.itemsize
        first = count % group or min(count, group)
        numbers = self._word(start, first)
        for position in range(start + first, start + count, group):
            numbers *= np.uint64(self.radix**group)
            numbers += self._word(position, group)
        return numbers

    def write(self, start: int, count: int, numbers: NDArray[np.uint64]) -> None:
        """Spell numbers in `count` digits from `start`."""
        group = WORD // self.memory.itemsize
        while count > group:
            count -= group
            above = numbers // np.uint64(self.radix**group)
            self._put(start + count, group, numbers - above * np.uint64(self.radix**group))
            numbers = above
        self._put(start, count, numbers)

    def but_for_the_last(self) -> Strip:
        """Return the same rows without their last digit."""
        return replace(self, length=self.length - 1)

    def column(self, position: int) -> NDArray[np.uint8 | np.uint16]:
        """Return one digit of every row; what is written into it is written into the strip."""
        return self.memory[position :: self.stride][: self.rows]

    def _word(self, start: int, count: int) -> NDArray[np.uint64]:
        words = self._window(start, np.dtype("<u8")).astype(np.uint64)
        missing = WORD - count * self.memory.itemsize
        if missing:
            # Digits move to the end of the word; zeros come before them.
            words <<= np.uint64(8 * missing)
        for half, scale in self._levels():
            parts = words.view(half)
            low = parts & half((1 << 4 * parts.itemsize) - 1)
            parts >>= half(4 * parts.itemsize)
            low *= half(scale)
            parts += low
        return words

    def _put(self, start: int, count: int, numbers: NDArray[np.uint64]) -> None:
        words = numbers.copy()
        for half, scale in reversed(self._levels()):
            parts = words.view(half)
            above = parts // half(scale)
            parts -= above * half(scale)
            parts <<= half(4 * parts.itemsize)
            parts |= above
        size = count * self.memory.itemsize
        kind = np.dtype(f"V{size}")
        self._window(start, kind)[:] = np.ndarray((self.rows,), kind, words.data, WORD - size, (WORD,))

    def _window(self, start: int, kind: np.dtype[np.void] | np.dtype[np.uint64]) -> NDArray[np.void | np.uint64]:
        size = self.memory.itemsize
        return np.ndarray((self.rows,), kind, self.memory.data, start * size, (self.stride * size,))

    def _levels(self) -> list[tuple[Any, int]]:
        """Return the words that hold two digits, then four, then eight, and what the upper half counts."""
        if self.memory.itemsize == 1:
            return [(np.uint16, self.radix), (np.uint32, self.radix**2), (np.uint64, self.radix**4)]
        return [(np.uint32, self.radix), (np.uint64, self.radix**2)]


def by_length(digits: NDArray[np.uint8 | np.uint16], counts: NDArray[np.int64], radix: int) -> Iterator[Strip]:
    """Group values by length, but for empty ones. What is written into a strip is written into the digits.

    Args:
        digits: The digits of all values, one value behind the other, and room for a word.
        counts: How many digits each value has.
        radix: How many different digits there are.
    """
    cells = np.flatnonzero(counts)
    if len(cells) == 0:
        return
    shortest, longest = int(counts[cells].min()), int(counts.max())
    if shortest == longest:
        yield from _in_place(digits, cells, longest, radix)
        return
    starts = np.cumsum(counts) - counts
    cells = cells[np.argsort(counts[cells], kind="stable")]
    edges = np.flatnonzero(np.diff(counts[cells], prepend=0, append=0))
    for low, high in pairwise(edges.tolist()):
        yield from _gathered(digits, cells[low:high], starts, int(counts[cells[low]]), radix)


def _in_place(
    digits: NDArray[np.uint8 | np.uint16], cells: NDArray[np.int64], length: int, radix: int
) -> Iterator[Strip]:
    step = _rows_of(length * digits.itemsize)
    for start in range(0, len(cells), step):
        some = cells[start : start + step]
        yield Strip(some, digits[start * length :], len(some), length, length, radix)


def _gathered(
    digits: NDArray[np.uint8 | np.uint16],
    cells: NDArray[np.int64],
    starts: NDArray[np.int64],
    length: int,
    radix: int,
) -> Iterator[Strip]:
    size = length * digits.itemsize
    kind = f"V{size}"
    windows = np.ndarray((len(digits) - length + 1,), kind, digits.data, 0, (digits.itemsize,))
    step = _rows_of(size)
    for start in range(0, len(cells), step):
        some = cells[start : start + step]
        memory = room_for(length * len(some), digits.dtype.type)
        gathered = memory[: length * len(some)].view(kind)
        gathered[:] = windows[starts[some]]
        yield Strip(some, memory, len(some), length, length, radix)
        windows[starts[some]] = gathered


def _rows_of(size: int) -> int:
    return max(1, min(ROWS, _MOST_BYTES // size))
