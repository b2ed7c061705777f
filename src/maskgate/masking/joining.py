"""Batches put behind one another, whatever their columns hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.errors import MaskingError
from maskgate.methods.cleansing import cleansed
from maskgate.methods.nesting import nulls, relaxed
from maskgate.methods.opening import opened

if TYPE_CHECKING:
    from collections.abc import Sequence


_FLAT = (
    pa.types.is_primitive,
    pa.types.is_decimal,
    pa.types.is_fixed_size_binary,
    pa.types.is_string,
    pa.types.is_binary,
    pa.types.is_large_string,
    pa.types.is_large_binary,
)


def joined(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    """Put batches of one schema together to a single one, with extensions and runs taken off where need be.

    Raises:
        MaskingError: If a column becomes too long for its type.
    """
    if len(batches) == 1:
        return batches[0]
    columns = [_joined(item, [batch.column(at) for batch in batches]) for at, item in enumerate(schema)]
    return pa.RecordBatch.from_arrays(columns, names=schema.names)


def _joined(item: pa.Field, chunks: list[pa.Array]) -> pa.Array:
    if not chunks:
        return nulls(0, item.type)
    whole = _side_by_side(chunks)
    if whole is None:
        whole = _concatenated(chunks)
    if whole is None:
        # Arrow does not put dictionaries together that have a null among their entries, or lists, nor some extensions.
        whole = _concatenated([cleansed(relaxed(opened(chunk))) for chunk in chunks])
    if whole is None:
        raise MaskingError(
            f'column "{item.name}" is too long to be looked at in one piece: more than 2 GB of text, or more different '
            "values than the codes of its dictionary can tell apart. Convert it, to large_string for example, or mask "
            "the data in parts."
        )
    return whole


def _side_by_side(chunks: list[pa.Array]) -> pa.Array | None:
    """Return chunks that stand behind one another in the same memory, as readers leave them, without copying them."""
    first, *rest = chunks
    if not rest or not any(is_one(first.type) for is_one in _FLAT):
        return None
    places, end = _places(first), first.offset + len(first)
    for chunk in rest:
        if chunk.type != first.type or chunk.offset != end or _places(chunk) != places:
            return None
        end += len(chunk)
    return pa.Array.from_buffers(first.type, end - first.offset, first.buffers(), offset=first.offset)


def _places(chunk: pa.Array) -> list[tuple[int, int] | None]:
    return [None if each is None else (each.address, each.size) for each in chunk.buffers()]


def _concatenated(chunks: list[pa.Array]) -> pa.Array | None:
    try:
        whole = pa.concat_arrays(chunks)
        whole.validate()
    except pa.ArrowException:
        return None
    return whole
