"""How many bytes of memory a row takes at least, going by the types of its columns."""

from __future__ import annotations

import pyarrow as pa

# Of a text or a list: where it ends, and a few elements.
_VARIABLE = 16
_BITS = 8


def least_row_size(schema: pa.Schema) -> int:
    """Return about how many bytes a row takes whose texts and lists are short.

    Example:
        >>> least_row_size(pa.schema({"id": pa.int64(), "name": pa.string()}))
        24
    """
    return sum(_size(item.type) for item in schema)


def _size(kind: pa.DataType) -> int:
    if isinstance(kind, pa.BaseExtensionType):
        return _size(kind.storage_type)
    if pa.types.is_dictionary(kind):
        # What stands behind it may have to be spread out.
        return _size(kind.value_type)
    if pa.types.is_struct(kind):
        return sum(_size(kind.field(at).type) for at in range(kind.num_fields))
    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size) * _size(kind.value_type)
    try:
        return -(-int(kind.bit_width) // _BITS)
    except ValueError:
        return _VARIABLE
