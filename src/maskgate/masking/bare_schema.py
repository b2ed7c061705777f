"""Schemas that say what the cells are and nothing else.

Metadata of a schema, of a field, or of a field inside a nested type can hold anything, cells of the original table
included (pandas keeps its categories there). None of it reaches the output.
"""

from __future__ import annotations

import pyarrow as pa

from maskgate.methods.nesting import union_type


def holds_extension(type_: pa.DataType) -> bool:
    """Say whether a type is an extension, or holds one."""
    if isinstance(type_, pa.BaseExtensionType):
        return True
    if pa.types.is_dictionary(type_):
        return holds_extension(type_.value_type)
    return any(holds_extension(type_.field(index).type) for index in range(type_.num_fields))


def bare_field(name: str, type_: pa.DataType) -> pa.Field:
    """Return a field that may be null and has no metadata, not even inside its type."""
    return pa.field(name, bare_type(type_))


def bare_type(type_: pa.DataType) -> pa.DataType:  # noqa: PLR0911  one a kind of type
    """Return an equal type without metadata on the fields inside it."""
    if pa.types.is_struct(type_):
        return pa.struct([_bare(field) for field in type_])
    if pa.types.is_union(type_):
        return union_type(type_, [_bare(type_.field(at)) for at in range(type_.num_fields)])
    if pa.types.is_run_end_encoded(type_):
        return pa.run_end_encoded(type_.run_end_type, bare_type(type_.value_type))
    if pa.types.is_dictionary(type_):
        return pa.dictionary(type_.index_type, bare_type(type_.value_type), type_.ordered)
    if pa.types.is_map(type_):
        return pa.map_(_bare(type_.key_field), _bare(type_.item_field), keys_sorted=type_.keys_sorted)
    if pa.types.is_fixed_size_list(type_):
        return pa.list_(_bare(type_.value_field), type_.list_size)
    for is_list, build in _LISTS:
        if is_list(type_):
            return build(_bare(type_.value_field))
    return type_


_LISTS = (
    (pa.types.is_list, pa.list_),
    (pa.types.is_large_list, pa.large_list),
    (pa.types.is_list_view, pa.list_view),
    (pa.types.is_large_list_view, pa.large_list_view),
)


def _bare(field: pa.Field) -> pa.Field:
    return pa.field(field.name, bare_type(field.type), field.nullable)
