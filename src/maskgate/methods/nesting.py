"""Lists, maps and structs in any layout, taken apart and put together again.

What a null hides never comes along: neither the elements of a list that is null, nor the fields of a struct.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity, validity_buffer
from maskgate.methods.extensions import unwrapped, unwrapped_type
from maskgate.methods.fixed_width import view

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


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


def element_type(type_: pa.DataType) -> pa.DataType:
    """Return the type of the elements of a list, or of the entries of a map."""
    if pa.types.is_map(type_):
        return pa.struct([pa.field("key", type_.key_type, nullable=False), pa.field("value", type_.item_type)])
    return type_.value_type


def elements_of(column: pa.Array) -> pa.Array:
    """Return the elements that the lists of a column show, in order; for maps, entries of ``key`` and ``value``."""
    # Arrow's own flatten() gives up on some types of elements, and its cast of maps to lists on some of entries.
    elements = column.values
    if pa.types.is_map(column.type):
        kind = element_type(column.type)
        elements = pa.Array.from_buffers(kind, len(elements), [None], children=fields_of(elements))
    sizes, starts = sizes_of(column), _starts_of(column)
    shown = sizes > 0
    starts, sizes = starts[shown], sizes[shown]
    if not len(starts):
        return elements.slice(0, 0)
    ends = starts + sizes
    if (starts[1:] == ends[:-1]).all():
        return elements.slice(starts[0], ends[-1] - starts[0])
    before = np.cumsum(sizes) - sizes
    return taken(elements, pa.array(np.repeat(starts - before, sizes) + np.arange(sizes.sum())))


def sizes_of(column: pa.Array) -> NDArray[np.int64]:
    """Return how many elements each list shows; none where it is null."""
    sizes: NDArray[np.int64]
    if pa.types.is_map(column.type):
        sizes, valid = np.diff(_offsets_of(column)), validity(column)
        if valid is not None:
            sizes[~valid] = 0
        return sizes
    sizes = pc.fill_null(pc.list_value_length(column), 0).to_numpy().astype(np.int64)
    return sizes


def fields_of(column: pa.Array) -> list[pa.Array]:
    """Return the fields of structs, null where the struct is."""
    return [field_of(column, at) for at in range(column.type.num_fields)]


def field_of(column: pa.Array, at: int) -> pa.Array:
    """Return one field of structs, null where the struct is."""
    if not column.null_count:
        return column.field(at)
    if _has_no_bits(column.type.field(at).type):
        # Arrow would put nulls where this type has no place for them: the outcome is corrupt, or the process ends.
        return taken(column.field(at), pa.array(np.arange(len(column)), mask=_nulls(column)))
    return pc.struct_field(column, [at])


def structs(kind: pa.DataType, fields: list[pa.Array], column: pa.Array) -> pa.Array:
    """Put fields together to structs that are null where those of another column are."""
    valid = validity(column)
    children = [each.combine_chunks() if isinstance(each, pa.ChunkedArray) else each for each in fields]
    return pa.StructArray.from_buffers(kind, len(column), [validity_buffer(valid)], children=children)


def lists(kind: pa.DataType, elements: pa.Array, sizes: NDArray[np.int64], valid: NDArray[np.bool_] | None) -> pa.Array:
    """Put elements together to lists, or entries to maps.

    Args:
        kind: The type that comes out.
        elements: All elements that the lists show; for maps, entries of key and value.
        sizes: How many each has.
        valid: Which lists are not null; None if all are there.
    """
    bits = validity_buffer(valid)
    if pa.types.is_fixed_size_list(kind):
        if valid is not None:
            # The lists that are null have places for elements too; nothing lies there.
            present = np.repeat(valid, kind.list_size)
            elements = taken(elements, pa.array(np.cumsum(present) - 1, mask=~present))
        return pa.Array.from_buffers(kind, len(sizes), [bits], children=[elements])
    large = pa.types.is_large_list(kind) or pa.types.is_large_list_view(kind)
    offsets = np.zeros(len(sizes) + 1, np.int64 if large else np.int32)
    np.cumsum(sizes, out=offsets[1:])
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        buffers = [bits, pa.py_buffer(offsets[:-1].copy()), pa.py_buffer(sizes.astype(offsets.dtype))]
        return pa.Array.from_buffers(kind, len(sizes), buffers, children=[elements])
    if pa.types.is_map(kind):
        entry = pa.struct([kind.key_field, kind.item_field])
        elements = pa.Array.from_buffers(entry, len(elements), [None], children=fields_of(elements))
    return pa.Array.from_buffers(kind, len(sizes), [bits, pa.py_buffer(offsets)], children=[elements])


def lists_like(kind: pa.DataType, elements: pa.Array, column: pa.Array) -> pa.Array:
    """Put elements together to lists, or entries to maps, with the lengths and nulls of another column."""
    return lists(kind, elements, sizes_of(column), validity(column))


def unions(kind: pa.UnionType, buffers: list[pa.Buffer], count: int, members: list[pa.Array]) -> pa.Array:
    """Put members together to unions, by the buffers of which member each is and, if dense, where."""
    return pa.Array.from_buffers(kind, count, [None, *buffers], children=members)


def codes_of(column: pa.UnionArray) -> NDArray[np.int8]:
    """Return the code of each union's member; `type_codes` of Arrow does not heed the offset of a slice."""
    return view(column, np.int8)


def unions_like(kind: pa.UnionType, make: Callable[[pa.Array], pa.Array], column: pa.UnionArray) -> pa.Array:
    """Make something else of the members of unions, each given with only those cells that unions show of it."""
    whole = taken(column, pa.array(np.arange(len(column))))
    buffers = whole.buffers()[1 : 2 if kind.mode == "sparse" else 3]
    return unions(kind, buffers, len(whole), [make(whole.field(at)) for at in range(kind.num_fields)])


def relaxed_type(type_: pa.DataType) -> pa.DataType:  # noqa: PLR0911  one a kind of type
    """Return the type with all fields inside allowed to be null, except for the keys of maps.

    What lies under a null is taken away and leaves a null; a field that promises to have none could not be written.
    Extensions inside are taken off: their parameters travel as metadata, which may hold anything.
    """
    if isinstance(type_, pa.BaseExtensionType):
        return relaxed_type(unwrapped_type(type_))
    if pa.types.is_dictionary(type_):
        values = relaxed_type(type_.value_type)
        return type_ if values == type_.value_type else values
    if pa.types.is_run_end_encoded(type_):
        return pa.run_end_encoded(type_.run_end_type, relaxed_type(type_.value_type))
    if pa.types.is_union(type_):
        return union_type(type_, [_relaxed_field(type_.field(at)) for at in range(type_.num_fields)])
    if pa.types.is_struct(type_):
        return pa.struct([_relaxed_field(item) for item in type_])
    if pa.types.is_map(type_):
        key = pa.field(type_.key_field.name, relaxed_type(type_.key_type), nullable=False)
        return pa.map_(key, _relaxed_field(type_.item_field), keys_sorted=type_.keys_sorted)
    return list_type(type_, _relaxed_field(type_.value_field)) if is_list(type_) else type_


def relaxed(column: pa.Array) -> pa.Array:  # noqa: PLR0911  one a kind of type
    """Return the same cells in the type that :func:`relaxed_type` says."""
    kind = relaxed_type(column.type)
    # Types are equal to Arrow whatever the metadata of the fields inside, where Polars lists an enumeration's values.
    if kind.equals(column.type, check_metadata=True):
        return column
    if isinstance(column.type, pa.BaseExtensionType):
        return relaxed(unwrapped(column))
    if pa.types.is_dictionary(column.type):
        return relaxed(taken(column.dictionary, column.indices))
    if pa.types.is_run_end_encoded(kind):
        values = relaxed(taken(column.values, pa.array(runs_of(column))))
        ends = pa.array(np.arange(1, len(column) + 1), kind.run_end_type)
        return pa.RunEndEncodedArray.from_arrays(ends, values, type=kind)
    if pa.types.is_union(kind):
        return unions_like(kind, relaxed, column)
    if pa.types.is_struct(kind):
        return structs(kind, [relaxed(part) for part in fields_of(column)], column)
    return lists_like(kind, relaxed(elements_of(column)), column)


def union_type(like: pa.UnionType, members: list[pa.Field]) -> pa.UnionType:
    """Return the type of unions in the layout of another, with members of their own."""
    build = pa.sparse_union if like.mode == "sparse" else pa.dense_union
    return build(members, like.type_codes)


def list_type(like: pa.DataType, element: pa.Field) -> pa.DataType:
    """Return the type of lists in the layout of another, with elements of their own."""
    if pa.types.is_fixed_size_list(like):
        return pa.list_(element, like.list_size)
    return next(build for is_, build in _BUILDERS if is_(like))(element)


def _relaxed_field(item: pa.Field) -> pa.Field:
    return pa.field(item.name, relaxed_type(item.type))


_BUILDERS = (
    (pa.types.is_list, pa.list_),
    (pa.types.is_large_list, pa.large_list),
    (pa.types.is_list_view, pa.list_view),
    (pa.types.is_large_list_view, pa.large_list_view),
)


def nulls(count: int, kind: pa.DataType) -> pa.Array:
    """Return so many nulls, also of types of which Arrow makes corrupt ones: run ends inside of others."""
    if pa.types.is_struct(kind):
        parts = [nulls(count, item.type) for item in kind]
        return pa.Array.from_buffers(kind, count, [validity_buffer(np.zeros(count, bool))], children=parts)
    if is_list(kind) or pa.types.is_map(kind):
        return lists(kind, nulls(0, element_type(kind)), np.zeros(count, np.int64), np.zeros(count, bool))
    if pa.types.is_run_end_encoded(kind):
        ends = pa.array([count] if count else [], kind.run_end_type)
        return pa.RunEndEncodedArray.from_arrays(ends, nulls(min(count, 1), kind.value_type), type=kind)
    if pa.types.is_union(kind):
        return _null_unions(count, kind)
    return pa.nulls(count, kind)


def _null_unions(count: int, kind: pa.UnionType) -> pa.Array:
    """Return unions of which each is a null of the first member."""
    members = [kind.field(at).type for at in range(kind.num_fields)]
    buffers = [pa.py_buffer(np.full(count, kind.type_codes[0], np.int8))]
    if kind.mode == "sparse":
        return unions(kind, buffers, count, [nulls(count, member) for member in members])
    children = [nulls(0 if at else min(count, 1), member) for at, member in enumerate(members)]
    return unions(kind, [*buffers, pa.py_buffer(np.zeros(count, np.int32))], count, children)


def taken(column: pa.Array, places: pa.Array) -> pa.Array:  # noqa: PLR0911  one a kind of type
    """Return the cells at places, null where the place is null; also of types that Arrow takes nothing from.

    Those are the view layouts of text and bytes, run ends, unions, and what holds them.
    """
    kind = column.type
    if not _holds_stubborn(kind):
        return pc.take(column, places)
    if pa.types.is_union(kind):
        return _taken_unions(column, places)
    if pa.types.is_struct(kind) or is_list(kind) or pa.types.is_map(kind):
        return _taken_nested(column, places)
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, taken(column.storage, places))
    if pa.types.is_dictionary(kind):
        return pa.DictionaryArray.from_arrays(pc.take(column.indices, places), column.dictionary, ordered=kind.ordered)
    if pa.types.is_run_end_encoded(kind):
        values = taken(column.values, pc.take(pa.array(runs_of(column)), places))
        ends = pa.array(np.arange(1, len(places) + 1), kind.run_end_type)
        return pa.RunEndEncodedArray.from_arrays(ends, values, type=kind)
    plain = pa.large_string() if pa.types.is_string_view(kind) else pa.large_binary()
    return pc.take(column.cast(plain), places).cast(kind)


def runs_of(column: pa.RunEndEncodedArray) -> NDArray[np.int64]:
    """Return for each cell the place of its value."""
    rows = np.arange(column.offset, column.offset + len(column))
    return np.searchsorted(column.run_ends.to_numpy(), rows, side="right")


def _taken_nested(column: pa.Array, places: pa.Array) -> pa.Array:
    valid = validity(pc.take(pa.array(np.zeros(len(column), bool), mask=_nulls(column)), places))
    if pa.types.is_struct(column.type):
        children = [taken(field, places) for field in fields_of(column)]
        return pa.Array.from_buffers(column.type, len(places), [validity_buffer(valid)], children=children)
    sizes = sizes_of(column)
    starts = np.cumsum(sizes) - sizes
    at = np.flatnonzero(valid) if valid is not None else np.arange(len(places))
    chosen = (
        places.drop_null().to_numpy() if valid is None else places.to_numpy(zero_copy_only=False)[at].astype(np.int64)
    )
    mine = sizes[chosen]
    ends = np.cumsum(mine)
    elements = np.arange(mine.sum()) + np.repeat(starts[chosen] - (ends - mine), mine)
    lengths = np.zeros(len(places), np.int64)
    lengths[at] = mine
    return lists(column.type, taken(elements_of(column), pa.array(elements)), lengths, valid)


def _taken_unions(column: pa.UnionArray, places: pa.Array) -> pa.Array:
    """Take of each member what it is asked for, and nothing else; a null is one of the first member."""
    kind, here = column.type, places.is_valid().to_numpy(zero_copy_only=False)
    at = places.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    codes = np.full(len(places), kind.type_codes[0], np.int8)
    codes[here] = codes_of(column)[at[here]]
    members = [(column.field(member), codes == code) for member, code in enumerate(kind.type_codes)]
    if kind.mode == "sparse":
        children = [taken(member, pa.array(at, mask=~(mine & here))) for member, mine in members]
        return unions(kind, [pa.py_buffer(codes)], len(places), children)
    if here.any():
        at[here] = np.frombuffer(column.buffers()[2], np.int32, len(column), 4 * column.offset)[at[here]]
    offsets = np.zeros(len(places), np.int32)
    for _, mine in members:
        offsets[mine] = np.arange(np.count_nonzero(mine))
    children = [taken(member, pa.array(at[mine], mask=~here[mine])) for member, mine in members]
    return unions(kind, [pa.py_buffer(codes), pa.py_buffer(offsets)], len(places), children)


def _nulls(column: pa.Array) -> NDArray[np.bool_] | None:
    valid = validity(column)
    return None if valid is None else ~valid


def _starts_of(column: pa.Array) -> NDArray[np.int64]:
    """Return where the elements of each list begin among all that the column has, in sight or not."""
    if pa.types.is_fixed_size_list(column.type):
        starts: NDArray[np.int64] = np.arange(column.offset, column.offset + len(column)) * column.type.list_size
        return starts
    return _offsets_of(column)[: len(column)]


def _offsets_of(column: pa.Array) -> NDArray[np.int64]:
    offsets: NDArray[np.int64] = column.offsets.to_numpy().astype(np.int64)
    return offsets


def _has_no_bits(kind: pa.DataType) -> bool:
    """Say whether a type has no bits of its own that tell which cells are null."""
    if isinstance(kind, pa.BaseExtensionType):
        return _has_no_bits(kind.storage_type)
    return bool(pa.types.is_union(kind) or pa.types.is_run_end_encoded(kind) or pa.types.is_null(kind))


_STUBBORN = (
    pa.types.is_string_view,
    pa.types.is_binary_view,
    pa.types.is_run_end_encoded,
    pa.types.is_union,
)


def _holds_stubborn(kind: pa.DataType) -> bool:
    if any(is_(kind) for is_ in _STUBBORN):
        return True
    if isinstance(kind, pa.BaseExtensionType):
        return _holds_stubborn(kind.storage_type)
    return any(_holds_stubborn(kind.field(at).type) for at in range(kind.num_fields))
