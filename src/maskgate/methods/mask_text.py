"""Hide the middle of texts of any characters, by looking at all bytes of some thousand texts at once.

A byte of UTF-8 begins a character, or goes on with one. What is hidden is known byte by byte: the middles of texts lie
between marks that are summed up, and of it separators are taken out again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from maskgate.crypto.blocks import windows
from maskgate.crypto.cells import Cells, edges_of
from maskgate.crypto.room import room
from maskgate.crypto.texts import gathered_bytes

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

# So many rows and bytes at a time stay in the processor's cache.
_ROWS = 16_384
_BYTES = 1 << 18
# At most so many characters are written at once.
_BLOCK = 64
# So many characters that show are faster left out one by one than by looking at all bytes.
_FEW = 8
_KIND, _GOES_ON = np.uint8(0xC0), np.uint8(0x80)


@dataclass(frozen=True)
class TextMask:
    """What shows of a text, and what hides the rest.

    Attributes:
        first: How many characters show at the beginning of a text that is longer than what shows.
        last: How many at its end.
        char: The character that hides another.
        keep: Characters that show wherever they are.
        length: How many `char` stand for the hidden middle; None for as many as it has characters.
    """

    first: int
    last: int
    char: str
    keep: str
    length: int | None

    def apply(self, text: pa.Array) -> pa.Array:
        """Return plain strings with their middles hidden.

        Raises:
            OverflowError: If the result is longer than ``string`` can hold in one array (2 GiB).
        """
        cells = Cells.of(text)
        parts = (self._masked(cells.at(rows)) for rows in cells.portions(_ROWS, _BYTES))
        return gathered_bytes(parts, cells.valid, len(cells), text.type)

    def _masked(self, cells: Cells) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the bytes of some masked texts, and how many each has."""
        data, edges = cells.joined(), edges_of(cells.lengths)
        begins = (data & _KIND) != _GOES_ON
        hideable = self._hideable(data)
        middle = self._middle(begins, hideable, edges)
        if self.length is not None:
            return self._of_one_length(cells, data, middle, edges)
        if begins.all() and self.first + self.last <= _FEW:
            hidden = self._but_for_ends(middle, edges)
        else:
            hidden = _between(middle, len(data))
        if hideable is not None:
            hidden &= hideable
        hides = np.frombuffer(self.char.encode(), np.uint8)
        if len(hides) > 1:
            return _replaced(data, hidden, begins, edges, hides)
        masked = room(len(data), np.uint8)
        masked[:] = data
        np.copyto(masked, hides, where=hidden)
        if begins.all():
            return masked, cells.lengths
        stays = begins | ~hidden
        return masked[stays], np.diff(edges_of(stays)[edges])

    def _but_for_ends(self, middle: NDArray[np.int64], edges: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say which bytes lie in the middle of a text, each of which is a character."""
        hidden = np.ones(int(edges[-1]), np.bool_)
        starts, ends = edges[:-1][middle[0] > edges[:-1]], edges[1:][middle[1] < edges[1:]]
        for place in range(self.first):
            hidden[starts + place] = False
        for place in range(1, self.last + 1):
            hidden[ends - place] = False
        return hidden

    def _hideable(self, data: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
        """Say which bytes are not those of separators; None if there are no separators."""
        if not self.keep:
            return None
        hideable = np.ones(len(data), np.bool_)
        for separator in self.keep:
            _leave_out(hideable, data, np.frombuffer(separator.encode(), np.uint8))
        return hideable

    def _middle(
        self, begins: NDArray[np.bool_], hideable: NDArray[np.bool_] | None, edges: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return where the hidden middle of each text begins and ends; where nothing would be hidden, it is all."""
        if self.first == self.last == 0:
            return np.stack([edges[:-1], edges[1:]])
        if begins.all():
            counts, start, end = np.diff(edges), edges[:-1] + self.first, edges[1:] - self.last
        else:
            before = edges_of(begins)[edges]
            counts, places = np.diff(before), np.append(np.flatnonzero(begins), len(begins))
            start = places.take(before[:-1] + self.first, mode="clip")
            end = places.take(before[1:] - self.last, mode="clip")
        is_longer = counts > self.first + self.last
        if hideable is not None and len(hideable):
            is_first = hideable.take(start, mode="clip")
            if not is_first[is_longer].all():  # only then all bytes are counted
                before = edges_of(hideable)
                is_first = before.take(end, mode="clip") > before.take(start, mode="clip")
            is_longer &= is_first
        return np.stack([np.where(is_longer, start, edges[:-1]), np.where(is_longer, end, edges[1:])])

    def _of_one_length(
        self, cells: Cells, data: NDArray[np.uint8], middle: NDArray[np.int64], edges: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        stands_for = np.frombuffer((self.char * (self.length or 0)).encode(), np.uint8)
        before, behind = middle[0] - edges[:-1], edges[1:] - middle[1]
        lengths = before + behind + len(stands_for)
        if cells.valid is not None:
            lengths *= cells.valid
        places = edges_of(lengths)
        size, places = int(places[-1]), places[:-1] + before
        shown = np.zeros(0, np.uint8) if self.first == self.last == 0 else data[~_between(middle, len(data))]
        return _put_between(shown, places if cells.valid is None else places[cells.valid], stands_for, size), lengths


def _between(middle: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """Say which bytes lie in the middle of a text."""
    start, end = middle[:, middle[0] < middle[1]]
    marks = np.zeros(size + 1, np.int8)
    marks[start] = 1
    marks[end] -= 1
    return np.cumsum(marks[:-1], dtype=np.int8).view(np.bool_)


def _leave_out(hideable: NDArray[np.bool_], data: NDArray[np.uint8], separator: NDArray[np.uint8]) -> None:
    if len(separator) == 1:
        hideable &= data != separator
        return
    if len(data) < len(separator):
        return
    size = len(data) - len(separator) + 1
    is_there = data[:size] == separator[0]
    for place, byte in enumerate(separator[1:], start=1):
        is_there &= data[place : place + size] == byte
    for place in range(len(separator)):
        hideable[place : place + size] &= ~is_there


def _replaced(
    data: NDArray[np.uint8],
    hidden: NDArray[np.bool_],
    begins: NDArray[np.bool_],
    edges: NDArray[np.int64],
    hides: NDArray[np.uint8],
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Put a character of several bytes in the place of each hidden one."""
    shows = ~hidden
    taken = (hidden & begins).view(np.uint8) * np.uint8(len(hides))
    taken += shows.view(np.uint8)
    places = np.zeros(len(data) + 1, np.int32)
    np.cumsum(taken, out=places[1:])
    turns = places.take(_turns(hidden))
    starts, sizes = turns[::2], turns[1::2] - turns[::2]
    block = np.tile(hides, min(int(sizes.max(initial=0)) // len(hides), _BLOCK) or 1)
    written = room(int(places[-1]) + len(block), np.uint8)
    # Whole blocks go where runs of hidden characters are, in their order; what is too much of one is written over.
    if sizes.max(initial=0) > len(block):
        counts = -(-sizes // len(block))
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        starts = np.repeat(starts, counts) + within * len(block)
    windows(written, len(block))[starts] = block.view(f"V{len(block)}")
    shown = np.flatnonzero(shows)
    written[places.take(shown)] = data.take(shown)
    return written[: places[-1]], np.diff(places[edges]).astype(np.int64)


def _turns(hidden: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return where runs of hidden bytes begin and end, in turns."""
    padded = np.zeros(len(hidden) + 2, np.bool_)
    padded[1:-1] = hidden
    return np.flatnonzero(padded[1:] != padded[:-1])


def _put_between(
    shown: NDArray[np.uint8], places: NDArray[np.integer], hides: NDArray[np.uint8], size: int
) -> NDArray[np.uint8]:
    """Write the same bytes in some places, and what shows, in its order, in all others."""
    if len(shown) == 0:
        return np.tile(hides, size // len(hides))
    written, is_free = room(size, np.uint8), np.ones(size, np.bool_)
    if len(places):
        width = len(hides)
        windows(written, width)[places] = hides.view(f"V{width}")
        windows(is_free.view(np.uint8), width)[places] = np.zeros(width, np.uint8).view(f"V{width}")
    written[is_free] = shown
    return written
