"""Hexadecimal digits of a column of fixed-size bytes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from maskgate.crypto.cells import validity, validity_buffer

_DIGITS = np.array([int.from_bytes(f"{byte:02x}".encode(), "little") for byte in range(256)], "<u2")
_MOST_TEXT = 2**31 - 1


def write_hexadecimal(
    column: pa.Array, *, prefix: str = "", length: int | None = None, large: bool = False
) -> pa.Array:
    """Write every cell in hexadecimal digits, and nothing where it is null.

    Args:
        column: ``fixed_size_binary`` of any width.
        prefix: Text before the digits.
        length: Bytes of each cell to write, from its beginning; all if None.
        large: Return ``large_string`` instead of ``string``.

    Raises:
        OverflowError: If the text is longer than ``string`` can hold in one array (2 GiB).
    """
    width = column.type.byte_width
    length = width if length is None else length
    source = np.frombuffer(column.buffers()[1], np.uint8, len(column) * width, column.offset * width)
    cells = source.reshape(-1, width)[:, :length]
    valid = validity(column)
    if valid is not None:
        cells = cells[valid]
    before = np.frombuffer(prefix.encode(), np.uint8)
    size = len(before) + 2 * length
    text = np.empty((len(cells), size), np.uint8)
    text[:, : len(before)] = before
    text[:, len(before) :] = _DIGITS[cells].view(np.uint8).reshape(len(cells), 2 * length)
    if text.nbytes > _MOST_TEXT and not large:
        raise OverflowError(f"{len(cells)} tokens of {size} bytes do not fit one string array; use smaller batches")
    sizes = np.full(len(column), size, np.int64) if valid is None else valid * size
    offsets = np.zeros(len(column) + 1, np.int64 if large else np.int32)
    np.cumsum(sizes, out=offsets[1:])
    buffers = [validity_buffer(valid), pa.py_buffer(offsets), pa.py_buffer(text)]
    return pa.Array.from_buffers(pa.large_string() if large else pa.string(), len(column), buffers)
