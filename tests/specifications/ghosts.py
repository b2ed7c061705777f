"""The same cells once more, with other bytes wherever no cell shows.

Under nulls, under the fields of null structs, in the elements of null lists, before and behind a slice, in entries that
no code names and in the last bits of a byte lies whatever chance puts there. Masking has to give the same bytes for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from random import Random

GHOST = "ZQ0000ghost"
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary)
_VIEWS = (pa.types.is_list_view, pa.types.is_large_list_view)
_LARGE = (pa.types.is_large_list, pa.types.is_large_list_view)


def haunted_table(table: pa.Table, chance: Random) -> pa.Table:
    """Return a table with the same cells in the same chunks."""
    columns = [pa.chunked_array([haunted(chunk, chance) for chunk in each.chunks], each.type) for each in table.columns]
    return pa.table(columns, names=table.column_names)


def haunted(column: pa.Array, chance: Random, *, inside: bool = False) -> pa.Array:
    """Return a column with the same cells.

    Args:
        column: The cells.
        chance: Where other bytes come from.
        inside: Whether it is part of a nested column.
    """
    if pa.types.is_dictionary(column.type):
        # Arrow cannot put nested columns together in which a dictionary has a null among its entries.
        return _haunted_dictionary(column, chance, has_null_entry=not inside and chance.random() < 1 / 2)
    before, behind = (ghosts(column.type, chance.randint(0, 9), chance) for _ in range(2))
    middle = column if pa.types.is_run_end_encoded(column.type) else _covered(column, chance)
    return pa.concat_arrays([before, middle, behind]).slice(len(before), len(column))


def ghosts(kind: pa.DataType, count: int, chance: Random) -> pa.Array:
    """Return so many cells that nobody is to see; none of them is null."""
    if pa.types.is_null(kind):
        return pa.nulls(count)
    if pa.types.is_run_end_encoded(kind):
        ends = pa.array(range(1, count + 1), kind.run_end_type)
        return pa.RunEndEncodedArray.from_arrays(ends, ghosts(kind.value_type, count, chance), type=kind)
    if pa.types.is_nested(kind):
        return _nested_ghosts(kind, count, chance)
    if pa.types.is_dictionary(kind):
        codes = pa.array([chance.randrange(2) for _ in range(count)], kind.index_type)
        return pa.DictionaryArray.from_arrays(codes, ghosts(kind.value_type, 2, chance), ordered=kind.ordered)
    if any(is_(kind) for is_ in _TEXTS):
        texts = [f"{GHOST}{chance.randrange(10**9)}" * chance.randint(1, 2) for _ in range(count)]
        return pa.array(texts, pa.string()).cast(kind)
    return _of(kind, count, [None, pa.py_buffer(chance.randbytes(count * kind.bit_width // 8 + 1))])


def _nested_ghosts(kind: pa.DataType, count: int, chance: Random) -> pa.Array:
    if pa.types.is_struct(kind):
        return _of(kind, count, [None], [ghosts(item.type, count, chance) for item in kind])
    if pa.types.is_fixed_size_list(kind):
        return _of(kind, count, [None], [ghosts(kind.value_type, count * kind.list_size, chance)])
    is_map = pa.types.is_map(kind)
    inside = pa.struct([kind.key_field, kind.item_field]) if is_map else kind.value_type
    return _of(kind, count, [None, *_edges(kind, [1] * count)], [ghosts(inside, count, chance)])


def _covered(column: pa.Array, chance: Random) -> pa.Array:
    """Put something under the nulls of a column, and of what is inside of it."""
    kind = column.type
    if pa.types.is_null(kind):
        return column
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    cells = [column.slice(at, 1) if here else ghosts(kind, 1, chance) for at, here in enumerate(valid)]
    whole = pa.concat_arrays([column.slice(0, 0), *cells])
    bits = None if valid.all() else _bits(valid, chance)
    if pa.types.is_struct(kind):
        return _of(
            kind, len(whole), [bits], [haunted(whole.field(at), chance, inside=True) for at in range(kind.num_fields)]
        )
    if pa.types.is_fixed_size_list(kind):
        return _of(kind, len(whole), [bits], [haunted(whole.flatten(), chance, inside=True)])
    if pa.types.is_map(kind):
        entries = pa.struct([kind.key_field, kind.item_field])
        parts = [haunted(part, chance, inside=True) for part in (whole.keys, whole.items)]
        return _of(kind, len(whole), [bits, whole.buffers()[1]], [_of(entries, len(parts[0]), [None], parts)])
    if pa.types.is_nested(kind):
        sizes = pa.compute.list_value_length(whole).to_pylist()
        return _of(kind, len(whole), [bits, *_edges(kind, sizes)], [haunted(whole.flatten(), chance, inside=True)])
    data = whole.buffers()[1:]
    if pa.types.is_boolean(kind):
        data = [_bits(whole.to_numpy(zero_copy_only=False), chance)]
    return _of(kind, len(whole), [bits, *data])


def _haunted_dictionary(column: pa.DictionaryArray, chance: Random, *, has_null_entry: bool) -> pa.Array:
    """Put unused entries before the others, and let nulls be told by codes or by an entry."""
    kind, entries = column.type, column.dictionary
    unused, null = ghosts(kind.value_type, chance.randint(1, 3), chance), pa.nulls(1, kind.value_type)
    more = len(unused)
    codes = [more + len(entries) if code is None else code + more for code in column.indices.to_pylist()]
    valid = np.array([has_null_entry or code is not None for code in column.indices.to_pylist()], bool)
    numbers = np.array(codes, kind.index_type.to_pandas_dtype())
    places = _of(kind.index_type, len(codes), [_bits(valid, chance), pa.py_buffer(numbers)])
    last = null if has_null_entry else ghosts(kind.value_type, 1, chance)
    return pa.DictionaryArray.from_arrays(places, pa.concat_arrays([unused, entries, last]), ordered=kind.ordered)


def _edges(kind: pa.DataType, sizes: list[int]) -> list[pa.Buffer]:
    width = np.int64 if any(is_(kind) for is_ in _LARGE) else np.int32
    edges = np.concatenate([[0], np.cumsum(sizes)]).astype(width)
    if any(is_(kind) for is_ in _VIEWS):
        return [pa.py_buffer(edges[:-1].copy()), pa.py_buffer(np.array(sizes, width))]
    return [pa.py_buffer(edges)]


def _bits(true: np.ndarray, chance: Random) -> pa.Buffer:
    """Pack bits, with others behind the last one."""
    behind = np.array([chance.random() < 1 / 2 for _ in range(-len(true) % 8)], bool)
    return pa.py_buffer(np.packbits(np.concatenate([true, behind]).astype(bool), bitorder="little"))


def _of(
    kind: pa.DataType, count: int, buffers: list[pa.Buffer | None], children: list[pa.Array] | None = None
) -> pa.Array:
    return pa.Array.from_buffers(kind, count, buffers, children=children)
