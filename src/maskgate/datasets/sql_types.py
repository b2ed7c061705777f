"""Types of PostgreSQL as they arrive over ADBC, and what becomes of them here.

* ``uuid``, ``json``, ``jsonb`` and ``numeric`` without a precision are texts; ``numeric(p, s)`` is a decimal.
* What arrives in the server's own binary form (``inet``, ranges, …), or as something else (``money``), is refused:
  nobody would know it again.
* So are the days and moments ``infinity`` and ``-infinity``, which the driver makes other days of.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.uuids import write_uuids
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPE, _MODIFIER = b"POSTGRESQL:type", b"POSTGRESQL:typmod"
_CHANGED = frozenset({b"money", b"_money", b"record", b"_record", b"oid", b"_oid"})
# Days from 1970 back to the first that PostgreSQL has; what the driver moves out of its range comes out before it.
_FIRST_DAY = -2_440_588
_DAY = 86_400_000_000
_HEADER, _LONGEST_DECIMAL = 4, 38


def arrived_schema(place: str, schema: pa.Schema) -> pa.Schema:
    """Return the columns of a query as they are read here.

    Args:
        place: What messages call the database.
        schema: What the driver says.

    Raises:
        DatasetError: If columns are of types that are not read; all of them are named.
    """
    problems = [
        f'{place}, column "{item.name}" ({_named(item)}): this type is not read as it is. {_cast(item)}'
        for item in schema
        if _is_unknown(item)
    ]
    if problems:
        raise DatasetError("\n".join(problems))
    return pa.schema([(item.name, _arrived_type(item)) for item in schema])


def arrived(place: str, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return rows as they are read here.

    Raises:
        DatasetError: If a number is none that a decimal holds, such as NaN.
    """
    columns = [
        _arrived(place, column, item) for column, item in zip(batch.columns, arrived_schema(place, schema), strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=schema.names)


def _is_unknown(item: pa.Field) -> bool:
    if (item.metadata or {}).get(_TYPE) in _CHANGED:
        return True
    kind = item.type
    if isinstance(kind, pa.OpaqueType):
        return not pa.types.is_string(kind.storage_type)
    return any(_holds_extension(kind.field(at).type) for at in range(kind.num_fields))


def _holds_extension(kind: pa.DataType) -> bool:
    inner = (kind.field(at).type for at in range(kind.num_fields))
    return isinstance(kind, pa.BaseExtensionType) or any(map(_holds_extension, inner))


def _named(item: pa.Field) -> str:
    name = ((item.metadata or {}).get(_TYPE) or str(item.type).encode()).decode()
    return f"{name[1:]}[]" if name.startswith("_") else name


def _arrived_type(item: pa.Field) -> pa.DataType:
    kind = item.type
    if not isinstance(kind, pa.BaseExtensionType):
        return kind
    return _decimal(item.metadata or {}) or pa.string()


def _cast(item: pa.Field) -> str:
    return f'Cast it in the query, such as "{item.name}"::text{"[]" if pa.types.is_list(item.type) else ""}.'


def _decimal(metadata: Mapping[bytes, bytes]) -> pa.DataType | None:
    """Return the type for a number of declared precision and scale; None for any other."""
    modifier = int(metadata.get(_MODIFIER, b"-1")) - _HEADER
    if metadata.get(_TYPE) != b"numeric" or modifier < 0:
        return None
    precision, scale = modifier >> 16, modifier & 0x7FF
    return pa.decimal128(precision, scale) if scale <= precision <= _LONGEST_DECIMAL else None


def _arrived(place: str, column: pa.Array, item: pa.Field) -> pa.Array:
    if column.type == item.type:
        if _is_out_of_range(column):
            raise DatasetError(
                f'{place}, column "{item.name}": some day or moment is infinite, or too far away for {item.type}. '
                f"{_cast(item)}"
            )
        return column
    if isinstance(column.type, pa.UuidType):
        return write_uuids(column.storage)
    with suppress(pa.ArrowException):
        return column.storage.cast(item.type)
    raise DatasetError(f'{place}, column "{item.name}": some number is none that {item.type} holds. {_cast(item)}')


def _is_out_of_range(column: pa.Array) -> bool:
    kind = column.type
    if pa.types.is_list(kind):
        return _is_out_of_range(column.flatten())
    if pa.types.is_struct(kind):
        return any(map(_is_out_of_range, column.flatten()))
    if not pa.types.is_date32(kind) and not pa.types.is_timestamp(kind):
        return False
    numbers = column.view(pa.int32() if pa.types.is_date32(kind) else pa.int64())
    first = pc.min(numbers).as_py()
    return first is not None and first < (_FIRST_DAY if pa.types.is_date32(kind) else _FIRST_DAY * _DAY)
