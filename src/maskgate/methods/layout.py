"""The layouts in which Arrow keeps one and the same column, and what a method makes of them.

A method sees plain columns: strings, bytes and numbers, with no dictionary, view or extension around them. A column
that arrives dictionary-encoded leaves so: the method runs on the distinct values that the rows use, not on the rows.

* An entry that no row uses does not come out.
* Entries come out in the order in which rows first use them, and each only once: neither the order of the originals
  nor which rows shared one can be read from the codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity, without_dictionary
from maskgate.methods.cleansing import clean_dictionary
from maskgate.methods.codes import in_order_of_use, of_one_entry, renumbered
from maskgate.methods.differing import surely_differ
from maskgate.methods.extensions import unwrapped
from maskgate.methods.families import value_type
from maskgate.methods.fixed_width import view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

# So many rows at a time stay in the processor's cache.
_ROWS = 16_384
_COUNTED_BITS = 128


def plain(column: pa.Array) -> pa.Array:
    """Return the column without extension, dictionary or view layout."""
    while isinstance(column.type, pa.BaseExtensionType) or pa.types.is_dictionary(column.type):
        column = without_dictionary(column) if pa.types.is_dictionary(column.type) else unwrapped(column)
    if pa.types.is_string_view(column.type):
        return column.cast(pa.large_string())
    if pa.types.is_binary_view(column.type):
        return column.cast(pa.large_binary())
    return column


def countable(column: pa.Array) -> pa.Array:
    """Return the column in a type whose different values Arrow can tell: it cannot with decimals of 32 and 64 bits."""
    kind = column.type
    if pa.types.is_decimal(kind) and kind.bit_width < _COUNTED_BITS:
        return column.cast(pa.decimal128(kind.precision, kind.scale))
    return column


def null_count(column: pa.Array) -> int:
    """Count the cells that are null, by themselves or in the dictionary."""
    if pa.types.is_dictionary(column.type) and column.dictionary.null_count == 0:
        return int(column.indices.null_count)
    return int(plain(column).null_count)


def by_value(column: pa.Array, mask: Callable[[pa.Array], pa.Array], *, mostly_differ: bool = False) -> pa.Array:
    """Mask a column by a function of single values, once for each distinct value if it has a dictionary.

    Args:
        column: A column in any layout.
        mask: A function from plain column to plain column, of which each cell depends on its own value alone.
        mostly_differ: Whether different values mostly become different, so that it pays to see whether all did.
    """
    if not pa.types.is_dictionary(column.type):
        return mask(plain(column))
    codes, entries = column.indices, plain(column.dictionary)
    used = in_order_of_use(codes, len(entries))
    # As they stand, where all are in use: to take them in another order means to wait for the memory.
    masked = mask(entries if len(used) == len(entries) else pc.take(entries, pa.array(np.sort(used))))
    encoded = None if mostly_differ and surely_differ(masked) else countable(masked).dictionary_encode()
    found = masked if encoded is None else encoded.dictionary
    if len(found) == 1 < len(entries) and masked.null_count == 0:
        return clean_dictionary(of_one_entry(codes), found.cast(masked.type))
    # Of each entry in use, in the order of use: which of those that were masked it is, and what it became.
    places = used if len(used) == len(entries) else np.argsort(np.argsort(used))
    numbers = pa.array(places.astype(np.int32)) if encoded is None else pc.take(encoded.indices, pa.array(places))
    order = view(numbers, np.int32) if len(found) == len(numbers) else in_order_of_use(numbers, len(found))
    if len(order) < len(entries) or not np.array_equal(used, np.arange(len(used))):
        codes = renumbered(codes, *_table(used, numbers, order, len(entries)))
    # Otherwise the codes stand in the order of first use already, and stay as many.
    kept = pc.take(found, pa.array(order)).cast(masked.type)
    return clean_dictionary(codes, kept)


def in_portions(column: pa.Array) -> Iterator[pa.Array]:
    """Cut a column so that what is made of a portion stays in the processor's cache, and takes little memory."""
    for start in range(0, len(column), _ROWS):
        yield column.slice(start, _ROWS)


def in_layout_of(input_type: pa.DataType, output: pa.DataType) -> pa.DataType:
    """Return the type of a masked column: `output`, behind a dictionary if the input is."""
    return pa.dictionary(input_type.index_type, output) if pa.types.is_dictionary(input_type) else output


def text_type(input_type: pa.DataType) -> pa.DataType:
    """Return the type of text made from a column: ``large_string`` where the column itself has large offsets."""
    inner = value_type(input_type)
    large = any(is_large(inner) for is_large in _LARGE)
    return in_layout_of(input_type, pa.large_string() if large else pa.string())


_LARGE = (pa.types.is_large_string, pa.types.is_large_binary, pa.types.is_string_view, pa.types.is_binary_view)


def _table(
    used: NDArray[np.intp], numbers: pa.Array, order: NDArray[np.intp], count: int
) -> tuple[NDArray[np.int32], NDArray[np.bool_] | None]:
    """Return the new code of each entry, and which have one, None if all.

    Args:
        used: Entries that rows use.
        numbers: For each the number of what it became; null if it became null.
        order: These numbers, as they will be counted.
        count: How many entries there are.
    """
    new, table, valid = np.zeros(len(order), np.int32), np.zeros(count, np.int32), validity(numbers)
    new[order] = np.arange(len(order))
    if valid is None:
        table[used] = new[view(numbers, np.int32)]
        return table, None
    has_one = np.zeros(count, np.bool_)
    has_one[used] = valid
    table[used[valid]] = new[view(numbers, np.int32)[valid]]
    return table, has_one
