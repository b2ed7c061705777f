"""Columns whose bytes are those of their cells and nothing else.

Arrow lets a column keep bytes that no cell shows: under nulls, in rows outside of a slice, in dictionary entries that
no row uses. Masking that hands such a column on would publish them.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.errors import MaskingError
from maskgate.methods.fixed_width import as_column, cells_of
from maskgate.methods.nesting import elements_of, lists_like, runs_of, structs, taken


def cleansed(column: pa.Array) -> pa.Array:
    """Return an equal column of the same type with no bytes beside those of its cells.

    Raises:
        ValueError: If the type is a union, or holds one.
        MaskingError: If a dictionary is corrupt.
    """
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, cleansed(column.storage))
    if pa.types.is_dictionary(kind):
        return _cleansed_dictionary(column)
    if pa.types.is_nested(kind) or pa.types.is_run_end_encoded(kind):
        return _cleansed_nested(column)
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return cleansed(column.cast(pa.large_binary())).cast(kind)
    if column.null_count == 0 and column.offset == 0 and column.get_total_buffer_size() <= column.nbytes:
        return column
    return _cleansed_single(column)


def can_be_cleansed(type_: pa.DataType) -> bool:
    """Say whether :func:`cleansed` takes columns of a type."""
    if pa.types.is_union(type_):
        return False
    return all(can_be_cleansed(type_.field(index).type) for index in range(type_.num_fields))


def _cleansed_single(column: pa.Array) -> pa.Array:
    if any(is_(column.type) for is_ in _COUNTED):
        return as_column(cells_of(column).copy(), column, column.type)
    return taken(column, pa.array(np.arange(len(column))))


_COUNTED = (pa.types.is_integer, pa.types.is_floating, pa.types.is_date, pa.types.is_timestamp)


def _cleansed_dictionary(column: pa.DictionaryArray) -> pa.Array:
    codes, entries = column.indices, column.dictionary
    numbers = cells_of(codes.drop_null())
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(entries):
        raise MaskingError("a dictionary-encoded column is corrupt: some rows point to no entry of its dictionary")
    is_used = np.zeros(len(entries), np.bool_)
    is_used[numbers] = True
    if not is_used.all():
        entries = taken(entries, pa.array(np.flatnonzero(is_used)))
        codes = pc.take(pa.array(np.cumsum(is_used) - is_used).cast(codes.type), codes, boundscheck=False)
    return pa.DictionaryArray.from_arrays(cleansed(codes), cleansed(entries), ordered=column.type.ordered, safe=False)


def _cleansed_nested(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_struct(kind):
        # flatten() makes the fields null where the struct is, so that what they hold there goes away with them.
        return structs(kind, [cleansed(field) for field in column.flatten()], column)
    if pa.types.is_run_end_encoded(kind):
        return _cleansed_runs(column)
    return lists_like(kind, cleansed(elements_of(column)), column)


def _cleansed_runs(column: pa.RunEndEncodedArray) -> pa.Array:
    kind, runs = column.type, runs_of(column)
    ends = np.flatnonzero(np.append(runs[1:] != runs[:-1], True)) + 1 if len(runs) else runs
    values = cleansed(taken(column.values, pa.array(runs[ends - 1])))
    return pa.RunEndEncodedArray.from_arrays(pa.array(ends, kind.run_end_type), values, type=kind)
