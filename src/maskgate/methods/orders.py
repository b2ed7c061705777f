"""Orders of rows by chance.

Rows are put in order by sorting random words, each with its row or its value in its last bits and its group in its
first: numpy sorts words several times as fast as it moves single values to and fro.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from maskgate.crypto.room import room, warmed
from maskgate.methods.fixed_width import portions

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from maskgate.methods.chance import Chance

_WORD_BITS, _SHORT_BITS = 64, 32
# Where short words have so many more bits for chance than rows need, one row in eight at most meets another by chance.
_SPARE_BITS = 3
# Shorter runs than this are not worth a call each.
LEAST_RUN = 256
_BYTE_BITS = 8
_NOWHERE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Word:
    """How a row's word is made up: its group in the first bits, chance in the middle, its value in the last.

    Attributes:
        kind: A numpy type of 32 or 64 bits.
        bits: How many bits are the value's.
        free: How many bits are not the group's.
    """

    kind: Any
    bits: int
    free: int

    @classmethod
    def of(cls, count: int, bits: int, most_group: int = 0) -> Word:
        """Return the words of so many rows, given how many bits a value has and the greatest group."""
        if most_group == 0 and bits + count.bit_length() + _SPARE_BITS <= _SHORT_BITS:
            return cls(np.uint32, bits, _SHORT_BITS)
        return cls(np.uint64, bits, _WORD_BITS - most_group.bit_length())

    @property
    def little(self) -> np.dtype[Any]:
        """The type as chance writes it, on any machine."""
        written: np.dtype[Any] = np.dtype(self.kind).newbyteorder("<")
        return written

    @property
    def of_value(self) -> Any:
        """The bits of the value."""
        return self.kind((1 << self.bits) - 1)

    def draw(
        self, drawn: NDArray[Any], chance: Chance, values: NDArray[Any], groups: NDArray[Any] | None = None
    ) -> None:
        """Fill an array of at most one portion with the words of some rows."""
        chance.fill(drawn)
        drawn &= self.kind((1 << self.free) - (1 << self.bits))
        drawn |= values.astype(self.kind, copy=False)
        if groups is not None and self.free < self.little.itemsize * _BYTE_BITS:
            drawn |= groups.astype(np.uint64) << np.uint64(self.free)


@dataclass(frozen=True)
class Sorted:
    """Words in order: group by group, and those of a group in any order, each as likely as any other.

    Attributes:
        words: The words, each with a value in its last bits.
        of_value: Which bits those are.
        free: How many bits are not the group's.
    """

    words: NDArray[Any]
    of_value: Any
    free: int

    @property
    def bit_width(self) -> int:
        """How wide words are."""
        return self.words.itemsize * 8

    def write(self, into: NDArray[Any], added: Any = 0) -> None:
        """Write the values, each with the same number added, into the first items of some array."""
        for rows in portions(len(self.words)):
            part = into[rows.start : min(rows.stop, len(self.words))]
            if part.itemsize == self.words.itemsize:
                np.bitwise_and(self.words[rows], self.of_value, out=part, casting="unsafe")
            else:
                # Cut off first: two passes over short numbers take less than one that converts as it goes.
                np.copyto(part, self.words[rows], casting="unsafe")
                np.bitwise_and(part, part.dtype.type(self.of_value), out=part)
            if added:
                part += added

    def overwritten(self, cells: NDArray[Any]) -> NDArray[Any]:
        """Write the cells that stand at the values over the words, which takes no more memory.

        Args:
            cells: Cells as wide as words; every value is the place of one.
        """
        written = self.words.view(cells.dtype)
        warmed(cells)
        for rows in portions(len(written)):
            places = self.words[rows] & self.of_value
            # In a word of 64 bits a value has fewer, and so is an int64 as it stands.
            is_long = places.itemsize * _BYTE_BITS == _WORD_BITS
            places = places.view(np.int64) if is_long else places.astype(np.int64)
            cells.take(places, out=written[rows], mode="clip")
        return written

    def instead(self, kind: Any, added: Any = 0) -> NDArray[Any]:
        """Write the values as numbers of some type, over the words if these are as wide, which takes no more memory."""
        is_as_wide = np.dtype(kind).itemsize == self.words.itemsize
        values = self.words.view(kind) if is_as_wide else room(len(self.words), kind)
        self.write(values, added)
        return values

    def all(self) -> NDArray[np.int64]:
        """Return all values."""
        values = room(len(self.words), np.int64)
        self.write(values)
        return values

    def tied_groups(self) -> NDArray[np.bool_]:
        """Return which words are of the same group as the one before."""
        return _equals(self.words, self.words.dtype.type((1 << self.free) - 1))

    def starts(self) -> NDArray[np.int64]:
        """Return where groups begin."""
        return np.flatnonzero(~self.tied_groups())


def order_by_chance(
    count: int,
    chance: Chance,
    groups: NDArray[Any] | None = None,
    valid: NDArray[np.bool_] | None = None,
) -> Sorted:
    """Order the numbers of rows by chance, or those of each group.

    Args:
        count: How many rows there are.
        chance: Where the order comes from.
        groups: The number of each row's group, from 0 up; None if all are one.
        valid: Which rows count; None if all.
    """
    return sorted_by_chance(count, chance, *_row_numbers(count), groups=groups, valid=valid)


def order_in_runs(count: int, chance: Chance, starts: NDArray[np.int64]) -> Sorted:
    """Order the numbers of rows by chance within each of some runs.

    Args:
        count: How many rows there are.
        chance: Where the order comes from.
        starts: Where runs begin, from 0 up.
    """
    if len(starts) * LEAST_RUN <= count:
        return sorted_by_chance(count, chance, *_row_numbers(count), runs=starts)
    return order_by_chance(count, chance, np.repeat(np.arange(len(starts)), np.diff(starts, append=count)))


def _row_numbers(count: int) -> tuple[int, Callable[[slice], NDArray[np.uint64]]]:
    def numbers(rows: slice) -> NDArray[np.uint64]:
        return np.arange(rows.start, min(rows.stop, count), dtype=np.uint64)

    return max(count - 1, 0).bit_length(), numbers


def sorted_by_chance(
    count: int,
    chance: Chance,
    bits: int,
    values: Callable[[slice], NDArray[Any]],
    *,
    groups: NDArray[Any] | None = None,
    valid: NDArray[np.bool_] | None = None,
    runs: NDArray[np.int64] | None = None,
) -> Sorted:
    """Order values by chance, or those of each group.

    Args:
        count: How many values there are.
        chance: Where the order comes from.
        bits: How many bits a value has at most.
        values: Returns those of some rows; what it says of rows that are left out does not matter.
        groups: The number of each row's group, from 0 up; None if all are one.
        valid: Which rows there are; None if all.
        runs: Instead of groups, where they begin, if their rows stand together already.
    """
    word = Word.of(count, bits, 0 if groups is None or count == 0 else int(groups.max()))
    words = room(count, word.little)
    for rows in portions(count):
        drawn = words[rows]
        word.draw(drawn, chance, values(rows), None if groups is None else groups[rows])
        if valid is not None:
            # All ones, which sort behind everything.
            drawn |= (valid[rows].view(np.int8) - np.int8(1)).astype(f"i{drawn.itemsize}").view(word.kind)
    for run in [slice(None)] if runs is None else _slices(runs, count):
        words[run].sort()
    if valid is not None:
        words = words[: np.count_nonzero(valid)]
    _break_ties(words, word.of_value, chance, runs)
    return Sorted(words, word.of_value, word.free)


def _break_ties(words: NDArray[Any], of_value: Any, chance: Chance, starts: NDArray[np.int64] | None) -> None:
    """Where sorted words differ in nothing but their values, which few do, let chance decide once more."""
    places, runs = ties(words, of_value, starts)
    if len(places):
        words[places] = words[places[order_by_chance(len(places), chance, runs).all()]]


def ties(
    words: NDArray[Any], of_value: Any, starts: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where sorted words differ from a neighbour in nothing but their values, and which of them belong together.

    Args:
        words: The words.
        of_value: Which bits those of the value are.
        starts: Places of words that do not belong to the one before, whatever they are.

    Returns:
        The places, and for each the number of its run, from 1 up.
    """
    if not _has_equals(words, of_value):
        return _NOWHERE, _NOWHERE
    tied = _equals(words, of_value)
    if starts is not None:
        tied[starts] = False
    places = np.flatnonzero(tied | np.append(tied[1:], False))
    return places, np.cumsum(~tied[places])


def _has_equals(words: NDArray[Any], but_for: Any) -> bool:
    """Say whether any word is one of :func:`_equals`, which is quicker to tell than which ones are."""
    parts = (words[rows.start : rows.stop + 1] for rows in portions(len(words) - 1))
    return any((part[1:] ^ part[:-1]).min() <= but_for for part in parts)


def _equals(words: NDArray[Any], but_for: Any) -> NDArray[np.bool_]:
    """Say which words differ from the one before in no bits but some of the last ones."""
    equals = room(len(words), np.bool_)
    equals[:1] = False
    differs = None
    for rows in portions(len(words) - 1):
        here = words[rows.start : rows.stop + 1]
        differs = np.bitwise_xor(here[1:], here[:-1], out=None if differs is None else differs[: len(here) - 1])
        np.less_equal(differs, but_for, out=equals[1:][rows])
    return equals


def _slices(starts: NDArray[np.int64], count: int) -> list[slice]:
    return [slice(start, end) for start, end in pairwise([*starts.tolist(), count])]
