"""Says what a column holds, from its name and its cells.

What is found is a reason to look, or to refuse; what is not found is no promise. Person names and national numbers
without separators are known by the name of their column only.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.detect.column_names import DIRECT_IDENTIFIERS, kinds_of_name, names_a_version
from maskgate.detect.signs import kinds_of_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_integer)
_BINARY = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
# No number is one of these.
_WORDS = frozenset({"email", "person_name", "street_address"})
# A cell of these types cannot be an address or a name, whatever its column is called.
_NEVER_BY_NAME = (pa.types.is_boolean, pa.types.is_temporal, pa.types.is_floating)


def classify(name: str, column: pa.Array | pa.ChunkedArray | None = None) -> frozenset[str]:
    """Return which direct identifiers a column holds, such as ``{"email"}``.

    Args:
        name: Name of the column.
        column: Its cells, all or a sample; None to judge by the name alone.

    Returns:
        Some of ``DIRECT_IDENTIFIERS``; empty if nothing was found.
    """
    return recognize(name, column) & DIRECT_IDENTIFIERS


def recognize(name: str, column: pa.Array | pa.ChunkedArray | None = None) -> frozenset[str]:
    """Return everything a column is known to hold: direct identifiers, and kinds such as ``birth_date``."""
    by_name = kinds_of_name(name)
    if column is None:
        return by_name
    found: set[str] = set()
    for field, cells in _leaves(name, column):
        kinds = by_name | kinds_of_name(field)
        if any(is_(cells.type) for is_ in _NEVER_BY_NAME) and not _are_whole_numbers(cells):
            kinds -= DIRECT_IDENTIFIERS
        elif any(is_(cells.type) for is_ in _NUMBERS):
            kinds -= _WORDS
        inside = _kinds_of_cells(cells)
        found |= kinds | (inside - {"ip_address"} if names_a_version(field) else inside)
    return frozenset(found)


def _kinds_of_cells(cells: pa.ChunkedArray) -> frozenset[str]:
    text = text_of(cells)
    return frozenset() if text is None else kinds_of_cells(text)


def _are_whole_numbers(cells: pa.ChunkedArray) -> bool:
    """Whether a column of floats holds whole numbers alone, as one of integers does that once had nulls."""
    if not pa.types.is_floating(cells.type) or cells.null_count == len(cells):
        return False
    return bool(_whole(cells).null_count == cells.null_count)


def text_of(cells: pa.Array | pa.ChunkedArray) -> pa.Array | None:
    """Return cells as text to look at: text, whole numbers of whatever type, and binary cells as far as they are text.

    Returns:
        ``large_string``; None if cells of this type are nothing to look at.
    """
    kind = cells.type
    if any(is_(kind) for is_ in _TEXT):
        text = cells.cast(pa.large_string())
    elif any(is_(kind) for is_ in _BINARY):
        text = _decoded(cells)
    elif pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        text = _whole(cells)
    else:
        return None
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text


def _decoded(cells: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Read bytes as UTF-8; where that fails, leave out what is none, and the zeros between letters of UTF-16."""
    if not pa.types.is_fixed_size_binary(cells.type):
        with suppress(pa.ArrowInvalid):
            return cells.cast(pa.large_binary()).cast(pa.large_string())
    read = [None if cell is None else cell.replace(b"\0", b"").decode(errors="replace") for cell in cells.to_pylist()]
    return pa.array(read, pa.large_string())


def _whole(cells: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Write numbers without a fraction as whole numbers, and all others as nulls: no identifier has a fraction."""
    numbers = cells.cast(pa.float64(), safe=False) if not pa.types.is_decimal(cells.type) else cells
    is_whole = pc.equal(numbers, pc.floor(numbers))
    if not pa.types.is_decimal(cells.type):
        is_whole = pc.and_kleene(is_whole, pc.less(pc.abs(numbers), float(2**63)))
    whole = pc.if_else(is_whole, numbers, pa.scalar(None, numbers.type))
    if pa.types.is_decimal(cells.type):
        return pc.replace_substring_regex(whole.cast(pa.string()), r"\.0*$", "").cast(pa.large_string())
    return whole.cast(pa.int64(), safe=False).cast(pa.large_string())


def _leaves(name: str, column: pa.Array | pa.ChunkedArray) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """Go through the columns inside a column, whatever it is nested in, with the name of each."""
    cells = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    kind = cells.type
    if isinstance(kind, pa.BaseExtensionType):
        yield from _leaves(name, pa.chunked_array([chunk.storage for chunk in cells.chunks], kind.storage_type))
    elif pa.types.is_dictionary(kind):
        yield from _leaves(name, cells.cast(kind.value_type))
    elif pa.types.is_run_end_encoded(kind):
        yield from _leaves(name, pc.run_end_decode(cells))
    elif pa.types.is_struct(kind):
        for field, part in zip(kind, cells.flatten(), strict=True):
            yield from _leaves(field.name, part)
    elif pa.types.is_nested(kind) and not pa.types.is_union(kind):
        yield from _leaves(name, _flattened(cells))
    else:
        yield name, cells


def _flattened(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = cells.type
    if pa.types.is_map(kind):
        entries = pa.struct([kind.key_field, kind.item_field])
        inside = [pa.StructArray.from_arrays([each.keys, each.items], fields=list(entries)) for each in cells.chunks]
        return pa.chunked_array(inside, entries)
    return pc.list_flatten(cells)
