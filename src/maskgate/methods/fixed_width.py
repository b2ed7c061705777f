"""Plain columns of fixed-width cells as numpy arrays, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from maskgate.crypto.cells import validity, validity_buffer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# So many rows at a time stay in the processor's cache.
_ROWS = 32_768
# So many stay in the larger one, where two passes are enough to make it pay.
_TWICE_READ = 131_072
_WORDS = (8, 4, 2, 1)


def view(column: pa.Array, kind: Any) -> NDArray[Any]:
    """View the cells as numbers of a numpy type of their width; under nulls lies anything."""
    width, buffer = np.dtype(kind), column.buffers()[1]
    if buffer is None or len(column) == 0 or width.itemsize == 0:
        return np.zeros(len(column), width)
    return np.frombuffer(buffer, width, len(column), column.offset * width.itemsize)


def cells_of(column: pa.Array) -> NDArray[Any]:
    """View a plain column of numbers, dates or timestamps; moments as how many units they are from 1970."""
    kind = column.type
    if pa.types.is_date32(kind):
        return view(column, np.int32)
    if pa.types.is_date64(kind) or pa.types.is_timestamp(kind):
        return view(column, np.int64)
    return view(column, kind.to_pandas_dtype())


def as_column(values: NDArray[Any], like: pa.Array, kind: pa.DataType) -> pa.Array:
    """Make a column of a type with the nulls of another; under nulls lie zeros.

    Args:
        values: The cells; written to where there are nulls.
        like: The column whose nulls it has.
        kind: A type whose cells are as wide as those of `values`.
    """
    valid = validity(like)
    clear_nulls(values, valid)
    return pa.Array.from_buffers(kind, len(values), [validity_buffer(valid), pa.py_buffer(values)])


def clear_nulls(values: NDArray[Any], valid: NDArray[np.bool_] | None) -> None:
    """Write zeros under nulls.

    Args:
        values: Cells of any fixed width.
        valid: Which are not null; None if all.
    """
    if valid is None or values.dtype.itemsize == 0:
        return
    word = next(size for size in _WORDS if values.dtype.itemsize % size == 0)
    words = values.view(f"i{word}").reshape(len(values), -1)
    # Many times as fast as setting single cells; as integers, so that NaN times zero is zero.
    for rows in portions(len(values)):
        words[rows] *= valid[rows, np.newaxis]


def extent(numbers: NDArray[Any]) -> tuple[int, int]:
    """Return the least and the greatest of some whole numbers, read once; 0 and 0 if there are none."""
    parts = [numbers[start : start + _TWICE_READ] for start in range(0, len(numbers), _TWICE_READ)]
    ends = [(int(part.min()), int(part.max())) for part in parts] or [(0, 0)]
    return min(least for least, _ in ends), max(most for _, most in ends)


def portions(count: int) -> Iterator[slice]:
    """Cut so many rows into portions that fit the cache."""
    return (slice(start, start + _ROWS) for start in range(0, count, _ROWS))
