"""Columns whose bytes are those of their cells and nothing else.

Arrow lets a column keep bytes that no cell shows: under nulls, in rows outside of a slice, in dictionary entries that
no row uses. Masking that hands such a column on would publish them.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity, validity_buffer


def cleansed(column: pa.Array) -> pa.Array:
    """Return an equal column of the same type with no bytes beside those of its cells.

    Raises:
        ValueError: If the type is a union, or holds one.
    """
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, cleansed(column.storage))
    if pa.types.is_dictionary(kind):
        return _cleansed_dictionary(column)
    if pa.types.is_nested(kind):
        return _cleansed_nested(column)
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return cleansed(column.cast(pa.large_binary())).cast(kind)
    if column.null_count == 0 and column.offset == 0 and column.get_total_buffer_size() <= column.nbytes:
        return column
    return pc.take(column, pa.array(np.arange(len(column))))


def can_be_cleansed(type_: pa.DataType) -> bool:
    """Say whether :func:`cleansed` takes columns of a type."""
    if pa.types.is_union(type_):
        return False
    return all(can_be_cleansed(type_.field(index).type) for index in range(type_.num_fields))


def _cleansed_dictionary(column: pa.DictionaryArray) -> pa.Array:
    codes = column.indices
    used = pc.unique(codes.drop_null())
    used = pc.take(used, pc.sort_indices(used))
    entries = cleansed(pc.take(column.dictionary, used))
    places = pc.index_in(codes, value_set=used).cast(column.type.index_type)
    return pa.DictionaryArray.from_arrays(cleansed(places), entries, ordered=column.type.ordered, safe=False)


def _cleansed_nested(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_struct(kind):
        # flatten() makes the fields null where the struct is, so that what they hold there goes away with them.
        fields = [cleansed(field) for field in column.flatten()]
        return pa.StructArray.from_arrays(fields, fields=list(kind), mask=column.is_null())
    if pa.types.is_run_end_encoded(kind):
        decoded = cleansed(pc.run_end_decode(column))
        return pc.run_end_encode(decoded, run_end_type=kind.run_end_type)
    if pa.types.is_fixed_size_list(kind):
        values = cleansed(pc.take(column, pa.array(np.arange(len(column)))).values)
        bits = validity_buffer(validity(column))
        return pa.Array.from_buffers(kind, len(column), [bits], children=[values])
    return _cleansed_lists(column)


def _cleansed_lists(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_map(kind):
        entry = pa.struct([kind.key_field, kind.item_field])
        lists = _cleansed_lists(column.cast(pa.list_(pa.field("entries", entry, nullable=False))))
        keys, items = lists.values.flatten()
        return pa.MapArray.from_arrays(lists.offsets, keys, items, type=kind, mask=column.is_null())
    large = pa.types.is_large_list(kind) or pa.types.is_large_list_view(kind)
    sizes = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    offsets = np.zeros(len(column) + 1, np.int64 if large else np.int32)
    np.cumsum(sizes, out=offsets[1:])
    values, mask = cleansed(column.flatten()), column.is_null()
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        views = pa.LargeListViewArray if large else pa.ListViewArray
        return views.from_arrays(pa.array(offsets[:-1]), pa.array(sizes), values, type=kind, mask=mask)
    lists = pa.LargeListArray if large else pa.ListArray
    return lists.from_arrays(pa.array(offsets), values, type=kind, mask=mask)
