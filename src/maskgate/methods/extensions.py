"""Columns without extension types: what they store, but of UUIDs their text.

Databases and CSV give UUIDs as text. Under one key a UUID has one token, wherever it comes from.
"""

from __future__ import annotations

import pyarrow as pa

from maskgate.crypto.uuids import write_uuids


def unwrapped_type(type_: pa.BaseExtensionType) -> pa.DataType:
    """Return the type of a column as :func:`unwrapped` gives it."""
    return pa.string() if isinstance(type_, pa.UuidType) else type_.storage_type


def unwrapped(column: pa.ExtensionArray) -> pa.Array:
    """Return the same cells without the extension around them; its parameters are metadata, which may hold anything."""
    return write_uuids(column.storage) if isinstance(column.type, pa.UuidType) else column.storage
