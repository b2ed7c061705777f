r"""The cells of a column as one text, so that a pattern runs once over thousands of them.

Each cell stands between two line breaks. No pattern that is used here matches a line break, so none reaches from one
cell into the next. Places are bytes of the UTF-8, not characters.

A pattern is RE2's, so its time grows with the length of the text and no faster. It runs in Arrow's kernel, which
replaces every match by itself between two marks; where the marks stand is where the matches are. So matches cost no
Python, whether there are ten or a million.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.detect.spans import Spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# No text in UTF-8 has this byte.
_MARK = 0xFF
_MARKED = bytes([_MARK]) + b"\\0" + bytes([_MARK])
_SPACE = ord(" ")
# What stands where something was found already; no pattern takes it for anything.
_TAKEN = 1


def _bytes_of(pattern: str) -> NDArray[np.bool_]:
    """Say for each byte whether it is an ASCII character that a pattern matches."""
    return np.array([number < 128 and re.fullmatch(pattern, chr(number)) is not None for number in range(256)])  # noqa: PLR2004


DIGIT = _bytes_of("[0-9]")
LETTER = _bytes_of("[A-Za-z]")
# An underscore ends one: "_10.0.0.1_" is an address in italics.
WORD = _bytes_of("[0-9A-Za-z]")


@dataclass(frozen=True)
class Landmarks:
    """What is looked for once in a text, and stays where it is when places are taken.

    Attributes:
        data: The bytes of the text as it came.
    """

    data: NDArray[np.uint8]

    @cached_property
    def blanks(self) -> NDArray[np.int64]:
        """Every place of a blank or control character."""
        return np.flatnonzero(self.data <= _SPACE)

    @cached_property
    def digit_runs(self) -> Spans:
        """Every stretch of digits, as long as it goes."""
        is_digit = (self.data - np.uint8(ord("0"))) < 10  # noqa: PLR2004  ten digits
        # A line break stands first and last, so the first edge begins a stretch and the last one ends one.
        edges = np.flatnonzero(is_digit[1:] != is_digit[:-1]) + 1
        return Spans(edges[0::2], edges[1::2])


@dataclass(frozen=True)
class Text:
    """Cells of a column laid one after the other.

    Attributes:
        data: The bytes: a line break, the first cell, two line breaks, the second cell, and so on.
        starts: Where each cell begins in `data`.
        ends: Where each cell ends.
        landmarks: Where digits and blanks are, or were before places were taken.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    landmarks: Landmarks

    @classmethod
    def of(cls, cells: pa.Array) -> Text:
        """Lay out a column of ``string`` or ``large_string``; a null is an empty cell."""
        end, nothing = pa.scalar("\n", pa.large_string()), pa.scalar("", pa.large_string())
        lined = pc.binary_join_element_wise(end, cells.cast(pa.large_string()).fill_null(""), end, nothing)
        _, offsets, data = lined.buffers()
        edges = np.frombuffer(offsets, np.int64, len(lined) + 1, lined.offset * 8)
        data = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8).copy()
        data[data == _MARK] = _TAKEN
        return cls(data, edges[:-1] + 1, edges[1:] - 1, Landmarks(data))

    def copy(self) -> Text:
        """Return the same text, in which places can be taken without their being taken here."""
        return Text(self.data.copy(), self.starts, self.ends, self.landmarks)

    def take(self, spans: Spans) -> None:
        """Take some places, so that nothing is found there again."""
        self.data[spans.bytes_inside()] = _TAKEN

    def cell_of(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return in which cell each place is."""
        return np.searchsorted(self.starts, places, side="right") - 1

    def matches(self, pattern: str, windows: Spans) -> Spans:
        """Find what a pattern matches inside of windows, from left to right; matches do not overlap.

        Args:
            pattern: In RE2's syntax; it must match neither a line break nor the empty text.
            windows: Where to look, :meth:`Spans.merged`; they may reach beyond the ends of the text.
        """
        windows = Spans(np.maximum(windows.starts, 0), np.minimum(windows.ends, len(self.data)))
        if len(windows) == 0:
            return Spans.none()
        portion, origins = self._portion(windows)
        marked = pc.replace_substring_regex(portion, pattern=pattern, replacement=_MARKED)
        marks = np.flatnonzero(np.frombuffer(marked.buffers()[2], np.uint8) == _MARK)
        marks -= np.arange(len(marks))
        found = Spans(marks[0::2], marks[1::2])
        window = np.searchsorted(origins, found.starts, side="right") - 1
        moved = windows.starts[window] - origins[window]
        return Spans(found.starts + moved, found.ends + moved)

    def _portion(self, windows: Spans) -> tuple[pa.Array, NDArray[np.int64]]:
        """Return the windows as one text with a line break before each, and where each then begins."""
        edges = np.empty(2 * len(windows) + 1, np.int64)
        edges[0], edges[1::2], edges[2::2] = 0, windows.starts, windows.ends
        between = pa.array(np.arange(2 * len(windows)) % 2 == 0)
        pieces = pc.if_else(between, pa.scalar("\n", pa.large_string()), strings(self.data, edges))
        _, offsets, data = pieces.buffers()
        origins = np.frombuffer(offsets, np.int64, 2 * len(windows) + 1)
        return strings(data, origins[[0, -1]]), origins[1:-1:2]

    def pieces(self, spans: Spans) -> pa.Array:
        """Return the text of every span, as ``large_string``; they may overlap."""
        places = spans.bytes_inside()
        edges = np.concatenate([[0], np.cumsum(spans.ends - spans.starts)]).astype(np.int64)
        return strings(self.data[places], edges)

    def table(self, spans: Spans, width: int) -> NDArray[np.uint8]:
        """Return the first `width` bytes of every span as a row, zeros behind its end."""
        columns = np.arange(width)
        places = spans.starts[:, None] + columns
        letters = self.data.take(places, mode="clip")
        letters[columns >= (spans.ends - spans.starts)[:, None]] = 0
        return letters

    def byte_at(self, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the byte at each place; beyond the ends of the text there are line breaks."""
        return self.data.take(places, mode="clip")

    def before(self, spans: Spans, reach: int) -> Spans:
        """Return what stands before spans in their cells, up to `reach` bytes of it."""
        cell = self.cell_of(spans.starts)
        return Spans(np.maximum(spans.starts - reach, self.starts[cell]), spans.starts)

    def behind(self, spans: Spans, reach: int) -> Spans:
        """Return what stands behind spans in their cells, up to `reach` bytes of it."""
        cell = self.cell_of(spans.starts)
        return Spans(spans.ends, np.minimum(spans.ends + reach, self.ends[cell]))

    def places_of(self, character: str) -> NDArray[np.int64]:
        """Return every place of an ASCII character."""
        return np.flatnonzero(self.data == ord(character))

    def words_around(self, places: NDArray[np.int64]) -> Spans:
        """Return the stretches without blanks in which places are, merged."""
        blanks = self.landmarks.blanks
        after = np.searchsorted(blanks, places)
        return Spans(blanks[after - 1] + 1, blanks[after]).merged()


def portions(cells: pa.Array, rows: int = 1 << 16, size: int = 1 << 21) -> Iterator[pa.Array]:
    """Cut a column of texts so that no portion has more rows or, but for a single long cell, more bytes than given."""
    large = pa.types.is_large_string(cells.type)
    width = np.dtype(np.int64 if large else np.int32)
    if len(cells) == 0:
        return
    edges = np.frombuffer(cells.buffers()[1], width, len(cells) + 1, cells.offset * width.itemsize)
    start = 0
    while start < len(cells):
        fitting = int(np.searchsorted(edges, int(edges[start]) + size, side="right")) - 1
        stop = max(start + 1, min(start + rows, fitting, len(cells)))
        yield cells.slice(start, stop - start)
        start = stop


def strings(data: NDArray[np.uint8] | pa.Buffer, edges: NDArray[np.int64]) -> pa.Array:
    """Make ``large_string`` from bytes and the places where one text ends and the next begins; nothing is copied."""
    offsets = pa.py_buffer(np.ascontiguousarray(edges, np.int64))
    held = data if isinstance(data, pa.Buffer) else pa.py_buffer(data)
    return pa.LargeStringArray.from_buffers(len(edges) - 1, offsets, held)
