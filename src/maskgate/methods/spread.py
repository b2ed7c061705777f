"""Values that were made without nulls, put back between the nulls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity_buffer
from maskgate.crypto.room import room, taken

if TYPE_CHECKING:
    from numpy.typing import NDArray


def spread(values: pa.Array, valid: NDArray[np.bool_] | None) -> pa.Array:
    """Return a column that has the values where it is not null, in their order, and nothing under its nulls.

    Args:
        values: A plain column without nulls, and without offset if it has texts or bytes.
        valid: Where the column is not null, as often as there are values; None if it is the values themselves.
    """
    if valid is None:
        return values
    kind = values.type
    if not any(is_(kind) for is_ in _OF_ANY_LENGTH):
        return pc.take(values, pa.array(np.cumsum(valid) - valid, mask=~valid), boundscheck=False)
    _, offsets, data = values.buffers()
    large = pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)
    edges = (
        np.frombuffer(offsets, np.int64 if large else np.int32, len(values) + 1) if len(values) else np.zeros(1, int)
    )
    places: NDArray[np.int64] = room(len(valid) + 1, np.int64)
    places[0] = 0
    np.cumsum(valid, out=places[1:])
    spread_out = taken(edges.astype(np.int64 if large else np.int32, copy=False), places)
    return pa.Array.from_buffers(kind, len(valid), [validity_buffer(valid), pa.py_buffer(spread_out), data])


_OF_ANY_LENGTH = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
