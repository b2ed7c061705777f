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

from maskgate.crypto.cells import without_dictionary
from maskgate.errors import MaskingError
from maskgate.methods.families import value_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

# So many rows at a time stay in the processor's cache.
_ROWS = 16_384
_COUNTED_BITS = 128


def plain(column: pa.Array) -> pa.Array:
    """Return the column without extension, dictionary or view layout."""
    while isinstance(column.type, pa.BaseExtensionType) or pa.types.is_dictionary(column.type):
        column = without_dictionary(column) if pa.types.is_dictionary(column.type) else column.storage
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


def by_value(column: pa.Array, mask: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Mask a column by a function of single values, once for each distinct value if it has a dictionary.

    Args:
        column: A column in any layout.
        mask: A function from plain column to plain column, of which each cell depends on its own value alone.
    """
    if not pa.types.is_dictionary(column.type):
        return mask(plain(column))
    used, places = _used_entries(column)
    masked = mask(used)
    encoded = countable(masked).dictionary_encode()
    codes, entries = _renumbered(column.indices, places, encoded), encoded.dictionary.cast(masked.type)
    return pa.DictionaryArray.from_arrays(codes, entries, safe=False)


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


def _used_entries(column: pa.DictionaryArray) -> tuple[pa.Array, NDArray[np.intp]]:
    """Return the entries that rows use, in order of first use, and for each entry its place there; -1 if unused."""
    codes = column.indices.drop_null().to_numpy()
    if len(codes) and not 0 <= codes.min() <= codes.max() < len(column.dictionary):
        raise MaskingError("a dictionary-encoded column is corrupt: some rows point to no entry of its dictionary")
    places = np.full(len(column.dictionary), -1, np.intp)
    firsts = np.empty(len(column.dictionary), np.intp)
    used = [np.zeros(0, codes.dtype)]
    count = start = 0
    # Where all entries are found, the remaining rows are not searched.
    while start < len(codes) and count < len(places):
        portion = codes[start : start + _ROWS]
        fresh = portion[places[portion] < 0]
        # Of several assignments to one entry the last one stays, which is that of its first row.
        firsts[fresh[::-1]] = np.arange(len(fresh))[::-1]
        entries = fresh[firsts[fresh] == np.arange(len(fresh))]
        places[entries] = np.arange(count, count + len(entries))
        used.append(entries)
        count += len(entries)
        start += _ROWS
    return pc.take(plain(column.dictionary), pa.array(np.concatenate(used))), places


def _renumbered(codes: pa.Array, places: NDArray[np.intp], masked: pa.DictionaryArray) -> pa.Array:
    """Return the codes of rows in a masked dictionary, given the place of each entry in what was masked."""
    masked_at = masked.indices.to_numpy(zero_copy_only=masked.indices.null_count == 0)
    if np.array_equal(places, np.arange(len(places))) and np.array_equal(masked_at, places):
        return codes  # the entries stand in the order of their first rows already, and stay as many
    place_of_entry = pa.array(places, mask=places < 0)
    table = pc.take(masked.indices, place_of_entry).cast(codes.type)
    return pc.take(table, codes, boundscheck=False)
