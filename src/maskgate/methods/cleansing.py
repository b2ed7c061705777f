"""Columns whose bytes are those of their cells and nothing else.

Arrow lets a column keep bytes that no cell shows: under nulls, in rows outside of a slice, in dictionary entries that
no row uses, in the last bits of a byte. Masking that hands such a column on would publish them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np
import pyarrow as pa

from maskgate.crypto.cells import validity, validity_buffer
from maskgate.methods.codes import in_order_of_use, is_used, renumbered
from maskgate.methods.fixed_width import as_column, portions, view
from maskgate.methods.nesting import elements_of, fields_of, lists_like, runs_of, structs, taken, unions_like

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_BITS_AND_CELLS = 2
# Dictionary columns that were cleansed, for as long as they live: no array changes, so that none is looked at twice.
_CLEAN: WeakValueDictionary[int, pa.Array] = WeakValueDictionary()


def cleansed(column: pa.Array) -> pa.Array:
    """Return an equal column of the same type with no bytes beside those of its cells.

    Raises:
        MaskingError: If a dictionary is corrupt.
    """
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, cleansed(column.storage))
    if pa.types.is_dictionary(kind):
        return column if _CLEAN.get(id(column)) is column else _cleansed_dictionary(column)
    if pa.types.is_nested(kind) or pa.types.is_run_end_encoded(kind):
        return _cleansed_nested(column)
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return cleansed(column.cast(pa.large_binary())).cast(kind)
    return _cleansed_single(column)


def clean_dictionary(codes: pa.Array, entries: pa.Array, *, ordered: bool = False) -> pa.DictionaryArray:
    """Put a dictionary column together of which no bytes are left beside those of its cells.

    Args:
        codes: A code for each row, or null.
        entries: The entries, to each of which some code points; none is null.
        ordered: Whether the type says that their order means something.
    """
    made = pa.DictionaryArray.from_arrays(cleansed(codes), cleansed(entries), ordered=ordered, safe=False)
    _CLEAN[id(made)] = made
    return made


def _is_clean(column: pa.Array) -> bool:
    """Say whether single values that are no booleans have no bytes beside them."""
    bits, *rest = column.buffers()
    valid = validity(column)
    if column.offset or any(each is None for each in rest) or not _is_exact(bits, valid, len(column)):
        return False
    if len(rest) == 1:
        return rest[0].size == len(column) * column.type.bit_width // 8 and are_zeros(column, valid)
    offsets = _offsets(column)
    if offsets[0] or rest[1].size != offsets[-1] or rest[0].size != offsets.nbytes:
        return False
    return valid is None or not ((offsets[1:] != offsets[:-1]) & ~valid).any()


def are_zeros(column: pa.Array, valid: NDArray[np.bool_] | None) -> bool:
    """Say whether nothing but zeros lies under the nulls of a plain column of cells of a fixed width.

    Args:
        column: The column.
        valid: Which of its cells are not null; None if all.
    """
    if valid is None or column.type.bit_width == 0:
        return True
    # True is greater than False: a word that is not zero, where the cell is not valid.
    return not any(
        ((each[rows] != 0) > valid[rows]).any() for each in _words(column).T for rows in portions(len(valid))
    )


def _is_exact(bits: pa.Buffer | None, valid: NDArray[np.bool_] | None, count: int) -> bool:
    """Say whether there are bits for the cells and none behind them."""
    if bits is None:
        return valid is None
    return bytes(bits) == np.packbits(np.ones(count, np.bool_) if valid is None else valid, bitorder="little").tobytes()


def _words(column: pa.Array) -> NDArray[Any]:
    """View cells of a fixed width as rows of integers."""
    width = column.type.bit_width // 8
    words = next(size for size in (8, 4, 2, 1) if width % size == 0)
    return view(column, f"V{width}").view(f"i{words}").reshape(len(column), width // words)


def _offsets(column: pa.Array) -> NDArray[Any]:
    large = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
    return np.frombuffer(column.buffers()[1], np.int64 if large else np.int32, len(column) + 1)


def _cleansed_booleans(column: pa.Array) -> pa.Array:
    valid = validity(column)
    true: NDArray[np.bool_] = column.fill_null(fill_value=False).to_numpy(zero_copy_only=False)
    return pa.Array.from_buffers(column.type, len(column), [validity_buffer(valid), validity_buffer(true)])


def _cleansed_single(column: pa.Array) -> pa.Array:
    if pa.types.is_null(column.type):
        return pa.nulls(len(column))
    if pa.types.is_boolean(column.type):
        return _cleansed_booleans(column)
    if _is_clean(column):
        bits, *rest = column.buffers()
        # Validity bits without a null say nothing but how the column was made.
        needless = bits is not None and column.null_count == 0
        return pa.Array.from_buffers(column.type, len(column), [None, *rest]) if needless else column
    if len(column.buffers()) > _BITS_AND_CELLS:
        return taken(column, pa.array(np.arange(len(column))))
    return as_column(view(column, f"V{column.type.bit_width // 8}").copy(), column, column.type)


def _cleansed_dictionary(column: pa.DictionaryArray) -> pa.Array:
    codes, entries = column.indices, column.dictionary
    used = is_used(codes, len(entries))
    if entries.null_count:
        # A row that points to a null is one; formats and readers agree on nulls among the codes alone.
        used &= entries.is_valid().to_numpy(zero_copy_only=False)
    if not used.all():
        codes = renumbered(codes, np.cumsum(used) - used, used)
        entries = taken(entries, pa.array(np.flatnonzero(used)))
    return clean_dictionary(codes, entries, ordered=column.type.ordered)


def ordered_by_use(column: pa.Array) -> pa.Array:
    """Return a cleansed column with the entries of each dictionary in it in the order in which cells first use them.

    Otherwise they would tell in which order the cells stood before they went to other rows.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column if kind.ordered else _dictionary_by_use(column)
    if pa.types.is_run_end_encoded(kind):
        # Of a slice the run ends are those of all that it was cut out of.
        whole = _cleansed_runs(column)
        return pa.RunEndEncodedArray.from_arrays(whole.run_ends, ordered_by_use(whole.values), type=kind)
    return _rebuilt(column, ordered_by_use) if pa.types.is_nested(kind) else column


def _dictionary_by_use(column: pa.DictionaryArray) -> pa.Array:
    codes, entries = column.indices, column.dictionary
    used = in_order_of_use(codes, len(entries))
    table = np.zeros(len(entries), np.int32)
    table[used] = np.arange(len(used))
    return clean_dictionary(renumbered(codes, table), taken(entries, pa.array(used)))


def _cleansed_nested(column: pa.Array) -> pa.Array:
    return _cleansed_runs(column) if pa.types.is_run_end_encoded(column.type) else _rebuilt(column, cleansed)


def _rebuilt(column: pa.Array, make: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Put a nested column together again of what is made of the columns inside."""
    kind = column.type
    if pa.types.is_struct(kind):
        # The fields are null where the struct is, so that what they hold there goes away with them.
        return structs(kind, [make(field) for field in fields_of(column)], column)
    if pa.types.is_union(kind):
        return unions_like(kind, make, column)
    return lists_like(kind, make(elements_of(column)), column)


def _cleansed_runs(column: pa.RunEndEncodedArray) -> pa.Array:
    kind, runs = column.type, runs_of(column)
    ends = np.flatnonzero(np.append(runs[1:] != runs[:-1], True)) + 1 if len(runs) else runs
    values = cleansed(taken(column.values, pa.array(runs[ends - 1])))
    return pa.RunEndEncodedArray.from_arrays(pa.array(ends, kind.run_end_type), values, type=kind)
