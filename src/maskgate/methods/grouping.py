"""Groups of rows by the values of some columns, as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity
from maskgate.crypto.room import room
from maskgate.methods.families import value_type
from maskgate.methods.fixed_width import cells_of, portions
from maskgate.methods.layout import by_value, countable, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Numbers of which some may stand for no group; more of them are counted anew.
_MOST_UNCOUNTED = 4096


def group_numbers(columns: Sequence[pa.Array]) -> NDArray[np.unsignedinteger[Any]] | None:
    """Number the groups that the values of some columns make together; nulls are equal to each other.

    Integers that lie close are numbered by their size, all other values in the order in which rows first have them. The
    layout of the columns makes no difference.

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


def _numbered(column: pa.Array) -> tuple[NDArray[np.unsignedinteger[Any]], int]:
    """Number the values of a column; a null is one more value behind all."""
    is_whole = pa.types.is_integer(value_type(column.type))
    close = _close(plain(column)) if is_whole else None
    if close is not None:
        return close
    codes = by_value(column if pa.types.is_dictionary(column.type) else _encoded(column), lambda values: values)
    different, valid = len(codes.dictionary), validity(codes.indices)
    if valid is None:
        return codes.indices.to_numpy(zero_copy_only=False).astype(np.uint32), different
    return codes.indices.cast(pa.int64()).fill_null(different).to_numpy().astype(np.uint32), different + 1


def _encoded(column: pa.Array) -> pa.DictionaryArray:
    return countable(plain(column)).dictionary_encode()


def _close(column: pa.Array) -> tuple[NDArray[np.uint16], int] | None:
    """Number integers by themselves, from the least of them up; None if they lie far apart."""
    least, most = _ends(column)
    different = most - least + 1
    if different > _MOST_UNCOUNTED:
        return None
    cells = cells_of(column)
    numbers = room(len(cells), np.uint16)
    valid = validity(column)
    for rows in portions(len(cells)):
        np.subtract(cells[rows], cells.dtype.type(least), out=numbers[rows], casting="unsafe")
    if valid is None:
        return numbers, different
    np.copyto(numbers, np.uint16(different), where=~valid)
    return numbers, different + 1


def _ends(column: pa.Array) -> tuple[int, int]:
    """Return the least and the greatest of some integers; of anything else, ends far apart."""
    ends = pc.min_max(column) if pa.types.is_integer(column.type) else None
    if ends is None or not ends["min"].is_valid:
        return 0, _MOST_UNCOUNTED
    return ends["min"].as_py(), ends["max"].as_py()
