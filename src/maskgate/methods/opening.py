"""Columns as the engine walks them: extension, run-end and nested dictionary layouts taken off."""

from __future__ import annotations

import pyarrow as pa

from maskgate.methods.extensions import unwrapped, unwrapped_type
from maskgate.methods.nesting import runs_of, taken


def opened_type(type_: pa.DataType) -> pa.DataType:
    """Return the type of a column as :func:`opened` gives it."""
    while True:
        if isinstance(type_, pa.BaseExtensionType):
            type_ = unwrapped_type(type_)
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
            column = unwrapped(column)
        elif pa.types.is_run_end_encoded(kind):
            column = taken(column.values, pa.array(runs_of(column)))
        elif _is_nested_dictionary(kind):
            column = taken(column.dictionary, column.indices)
        else:
            return column


def _is_nested_dictionary(type_: pa.DataType) -> bool:
    if not pa.types.is_dictionary(type_):
        return False
    value = type_.value_type
    return pa.types.is_nested(value) or pa.types.is_dictionary(value) or isinstance(value, pa.BaseExtensionType)
