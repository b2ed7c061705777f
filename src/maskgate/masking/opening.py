"""Columns as the engine walks them: extension, run-end and nested dictionary layouts taken off."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def opened_type(type_: pa.DataType) -> pa.DataType:
    """Return the type of a column as :func:`opened` gives it."""
    while True:
        if isinstance(type_, pa.BaseExtensionType):
            type_ = type_.storage_type
        elif pa.types.is_run_end_encoded(type_) or _is_nested_dictionary(type_):
            type_ = type_.value_type
        else:
            return type_


def opened(column: pa.Array) -> pa.Array:
    """Return the same cells without extension, run ends, or a dictionary of nested values around them.

    A dictionary of single values stays: methods make use of it.
    """
    while True:
        kind = column.type
        if isinstance(kind, pa.BaseExtensionType):
            column = column.storage
        elif pa.types.is_run_end_encoded(kind):
            column = _without_run_ends(column)
        elif _is_nested_dictionary(kind):
            column = pc.take(column.dictionary, column.indices)
        else:
            return column


def is_list(type_: pa.DataType) -> bool:
    """Say whether a type is a list in any layout."""
    return any(is_(type_) for is_ in _LISTS)


_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)


def _is_nested_dictionary(type_: pa.DataType) -> bool:
    if not pa.types.is_dictionary(type_):
        return False
    value = type_.value_type
    return pa.types.is_nested(value) or pa.types.is_dictionary(value) or isinstance(value, pa.BaseExtensionType)


def _without_run_ends(column: pa.RunEndEncodedArray) -> pa.Array:
    rows = np.arange(column.offset, column.offset + len(column))
    runs = np.searchsorted(column.run_ends.to_numpy(), rows, side="right")
    return pc.take(column.values, pa.array(runs))
