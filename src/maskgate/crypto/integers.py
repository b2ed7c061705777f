"""Integers made of a column of digests."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from maskgate.crypto.cells import validity, validity_buffer
from maskgate.crypto.texts import rows_of_bytes


def write_integers(column: pa.Array, digits: int) -> pa.Array:
    """Make every cell a number of up to so many decimal digits, and null where it is null.

    Its first eight bytes are one number, the first the highest; the lowest digits of that are kept. Up to 18 digits
    are even to within a twentieth.

    Args:
        column: ``fixed_size_binary`` of at least 8 bytes.
        digits: Up to 18.

    Returns:
        ``int64``, nowhere less than zero.
    """
    words = np.ascontiguousarray(rows_of_bytes(column)[:, :8]).view(">u8").reshape(-1).astype(np.uint64)
    numbers = (words % np.uint64(10**digits)).astype(np.int64)
    valid = validity(column)
    if valid is not None:
        numbers[~valid] = 0
    return pa.Array.from_buffers(pa.int64(), len(column), [validity_buffer(valid), pa.py_buffer(numbers)])
