"""Digits of many values, and the numbers that they spell.

A digit is a byte (radix up to 256) or two. Eight bytes of digits are one 64-bit word, whose digits are put together,
or taken apart, in halves: neighbours first, then neighbouring pairs, then fours. So each step is a few passes over a
whole column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

WORD = 8
_MOST_ROWS = 16_384
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
        memory: The digits of all rows; a word can be read behind the last one.
        rows: How many values there are.
        stride: Digits from the beginning of a row to that of the next.
        length: Digits of a value.
        radix: How many different digits there are.
    """

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


def by_length(
    digits: NDArray[np.uint8 | np.uint16], counts: NDArray[np.int64], radix: int, *, at_least: int
) -> Iterator[Strip]:
    """Group values by length. What is written into a strip is written into the digits.

    Args:
        digits: The digits of all values, one value behind the other, and room for a word.
        counts: How many digits each value has.
        radix: How many different digits there are.
        at_least: Values of fewer digits are left out.
    """
    lengths = np.flatnonzero(np.bincount(counts)) if len(counts) else counts
    lengths = lengths[lengths > 0]
    if len(lengths) == 1:
        length = int(lengths[0])
        if length >= at_least:
            yield from _in_place(digits, length, int(counts.sum()) // length, radix)
        return
    ends = np.cumsum(counts)
    order = np.argsort(counts, kind="stable")
    edges = np.searchsorted(counts[order], [*lengths, counts.max(initial=0) + 1])
    for length, low, high in zip(lengths.tolist(), edges[:-1], edges[1:], strict=True):
        if length >= at_least:
            yield from _gathered(digits, ends[order[low:high]] - length, length, radix)


def _in_place(digits: NDArray[np.uint8 | np.uint16], length: int, rows: int, radix: int) -> Iterator[Strip]:
    step = _rows_of(length * digits.itemsize)
    for start in range(0, rows, step):
        yield Strip(digits[start * length :], min(step, rows - start), length, length, radix)


def _gathered(
    digits: NDArray[np.uint8 | np.uint16], starts: NDArray[np.int64], length: int, radix: int
) -> Iterator[Strip]:
    size = length * digits.itemsize
    kind = f"V{size}"
    windows = np.ndarray((len(digits) - length + 1,), kind, digits.data, 0, (digits.itemsize,))
    step = _rows_of(size)
    for start in range(0, len(starts), step):
        places = starts[start : start + step]
        memory = room_for(length * len(places), digits.dtype.type)
        gathered = memory[: length * len(places)].view(kind)
        gathered[:] = windows[places]
        yield Strip(memory, len(places), length, length, radix)
        windows[places] = gathered


def _rows_of(size: int) -> int:
    return max(1, min(_MOST_ROWS, _MOST_BYTES // size))
