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
    offsets: NDArray[Any] = np.zeros(len(cells) + 1, np.int64 if pa.types.is_large_string(text.type) else np.int32)
    np.cumsum(cells.lengths, out=offsets[1:])
    masked = np.full(int(offsets[-1]), char[0], np.uint8)
    for rows in cells.portions(_ROWS, _BYTES):
        _show(cells, rows, offsets, masked, (first, last))
    if keep:
        _show_separators(cells.joined(), np.frombuffer(keep, np.uint8), masked)
    buffers = [validity_buffer(cells.valid), pa.py_buffer(offsets), pa.py_buffer(masked)]
    return pa.Array.from_buffers(text.type, len(cells), buffers)


def _show(cells: Cells, rows: slice, offsets: NDArray[Any], masked: NDArray[np.uint8], ends: tuple[int, int]) -> None:
    first, last = ends
    starts, lengths, places = cells.starts[rows], cells.lengths[rows], offsets[rows]
    longer = lengths > first + last
    if not longer.all():
        starts, lengths, places = starts[longer], lengths[longer], places[longer]
    for index in range(first):
        masked[places + index] = cells.data[starts + index]
    for index in range(1, last + 1):
        masked[places + (lengths - index)] = cells.data[starts + (lengths - index)]


def _show_separators(data: NDArray[np.uint8], keep: NDArray[np.uint8], masked: NDArray[np.uint8]) -> None:
    shown = np.zeros(256, np.bool_)
    shown[keep] = True
    for start in range(0, len(data), _BYTES):
        portion = data[start : start + _BYTES]
        np.copyto(masked[start : start + _BYTES], portion, where=shown[portion])
