"""Hide the middle of ASCII texts, where a character is a byte, by writing over a whole column of bytes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from maskgate.crypto.cells import Cells, validity_buffer

if TYPE_CHECKING:
    from numpy.typing import NDArray

# So many rows and bytes at a time stay in the processor's cache.
_ROWS = 16_384
_BYTES = 1_048_576


def mask_ascii(text: pa.Array, first: int, last: int, char: bytes, keep: bytes) -> pa.Array:
    """Replace every byte by `char`, but for the first and last few and those of `keep`.

    Args:
        text: Strings of ASCII alone.
        first: How many bytes show at the beginning of a cell that is longer than what shows.
        last: How many at its end.
        char: One byte.
        keep: Bytes that show wherever they are.
    """
    cells = Cells.of(text)
    separators = _Separators(cells, keep) if keep else None
    offsets: NDArray[Any] = np.zeros(len(cells) + 1, np.int64 if pa.types.is_large_string(text.type) else np.int32)
    np.cumsum(cells.lengths, out=offsets[1:])
    masked = np.full(int(offsets[-1]), char[0], np.uint8)
    for rows in cells.portions(_ROWS, _BYTES):
        portion, places = cells.at(rows), offsets[rows]
        longer = portion.lengths > first + last
        if separators is not None:
            longer &= separators.leave_some(offsets[rows.start : rows.stop + 1], first, last)
        if not longer.all():
            portion = Cells(cells.data, portion.starts[longer], portion.lengths[longer], None)
            places = places[longer]
        _show(portion, places, masked, (first, last))
    if separators is not None:
        separators.show(masked)
    buffers = [validity_buffer(cells.valid), pa.py_buffer(offsets), pa.py_buffer(masked)]
    return pa.Array.from_buffers(text.type, len(cells), buffers)


def _show(cells: Cells, places: NDArray[Any], masked: NDArray[np.uint8], ends: tuple[int, int]) -> None:
    first, last = ends
    for index in range(first):
        masked[places + index] = cells.data[cells.starts + index]
    for index in range(1, last + 1):
        masked[places + (cells.lengths - index)] = cells.data[cells.starts + (cells.lengths - index)]


class _Separators:
    """The bytes that show wherever they are."""

    def __init__(self, cells: Cells, keep: bytes) -> None:
        self._data = cells.joined()
        self._shown = np.zeros(256, np.bool_)
        self._shown[np.frombuffer(keep, np.uint8)] = True

    def leave_some(self, edges: NDArray[Any], first: int, last: int) -> NDArray[np.bool_]:
        """Say which cells between some edges have other bytes than separators between their ends.

        Args:
            edges: Where the cells begin, and where the last one stops.
            first: How many bytes are its beginning.
            last: How many its end; of a cell that has no more bytes than both, anything may be said.
        """
        if len(self._data) == 0:
            return np.zeros(len(edges) - 1, np.bool_)
        # Few cells begin with a separator there; only then are all bytes counted.
        some: NDArray[np.bool_] = ~self._shown[self._data.take(edges[:-1] + first, mode="clip")]
        if not some.all():
            others = ~self._shown[self._data[edges[0] : edges[-1]]]
            before = np.concatenate([[0], np.cumsum(others)])
            begin = np.minimum(edges[:-1] + first, edges[1:]) - edges[0]
            end = np.maximum(edges[1:] - edges[0] - last, begin)
            some = before[end] > before[begin]
        return some

    def show(self, masked: NDArray[np.uint8]) -> None:
        for start in range(0, len(self._data), _BYTES):
            portion = self._data[start : start + _BYTES]
            np.copyto(masked[start : start + _BYTES], portion, where=self._shown[portion])
