"""Groups of rows by the values of some columns, as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity
from maskgate.methods.fixed_width import cells_of
from maskgate.methods.layout import by_value, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Numbers of which some may stand for no group; more of them are counted anew.
_MOST_UNCOUNTED = 4096


def group_numbers(columns: Sequence[pa.Array]) -> NDArray[np.uint32] | None:
    """Number the groups that the values of some columns make together; nulls are equal to each other.

    The numbers follow from the order in which rows first have the values, whatever the layout of the columns.

    Args:
        columns: Columns in any layout whose values move as a whole, of one length.

    Returns:
        The number of each row's group; None if there are no columns.
    """
    numbers, count = None, 1
    for column in columns:
        codes, different = _numbered(column)
        if numbers is None:
            numbers, count = codes, different
            continue
        joined = numbers.astype(np.uint64)
        joined *= np.uint64(different)
        joined += codes
        count *= different
        numbers = joined.astype(np.uint32) if count <= _MOST_UNCOUNTED else None
        if numbers is None:
            numbers, count = _numbered(pa.array(joined))
    return numbers


def _numbered(column: pa.Array) -> tuple[NDArray[np.uint32], int]:
    """Number the values of a column in the order of their first rows; a null is one more value behind all."""
    if not pa.types.is_dictionary(column.type):
        column = _encoded(plain(column))
    codes = by_value(column, lambda values: values)
    different, valid = len(codes.dictionary), validity(codes.indices)
    if valid is None:
        return codes.indices.to_numpy(zero_copy_only=False).astype(np.uint32), different
    return codes.indices.cast(pa.int64()).fill_null(different).to_numpy().astype(np.uint32), different + 1


def _encoded(column: pa.Array) -> pa.DictionaryArray:
    least, most = _ends(column)
    if most - least >= _MOST_UNCOUNTED:
        return column.dictionary_encode()
    # Integers that lie close are their own codes.
    cells: NDArray[Any] = cells_of(column)
    codes = (cells.astype(np.int64) - least).astype(np.int16)
    valid = validity(column)
    every = pa.array(np.arange(least, most + 1)).cast(column.type)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=None if valid is None else ~valid), every)


def _ends(column: pa.Array) -> tuple[int, int]:
    """Return the least and the greatest of some integers; of anything else, ends far apart."""
    ends = pc.min_max(column) if pa.types.is_integer(column.type) else None
    if ends is None or not ends["min"].is_valid:
        return 0, _MOST_UNCOUNTED
    return ends["min"].as_py(), ends["max"].as_py()
