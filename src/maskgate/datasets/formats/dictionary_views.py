"""Dictionaries of views, as Polars writes its categories, with entries that all formats can hold."""

from __future__ import annotations

import pyarrow as pa


def is_of_views(kind: pa.DataType) -> bool:
    """Say whether it is a dictionary of which the entries are views, which Arrow writes into no Parquet file."""
    if not pa.types.is_dictionary(kind):
        return False
    return bool(pa.types.is_string_view(kind.value_type) or pa.types.is_binary_view(kind.value_type))


def without_views(item: pa.Field) -> pa.Field:
    """Return a field whose dictionary has no views."""
    kind = item.type
    if not is_of_views(kind):
        return item
    return item.with_type(pa.dictionary(kind.index_type, _large(kind), ordered=kind.ordered))


def with_large_entries(column: pa.Array) -> pa.Array:
    """Return a column as its field is without views."""
    if not is_of_views(column.type):
        return column
    entries = column.dictionary.cast(_large(column.type))
    return pa.DictionaryArray.from_arrays(column.indices, entries, ordered=column.type.ordered, safe=False)


def _large(kind: pa.DictionaryType) -> pa.DataType:
    return pa.large_string() if pa.types.is_string_view(kind.value_type) else pa.large_binary()
