"""Files of one table whose columns differ: brought to one type where nothing can be lost, and refused otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDER = (
    (pa.int8(), pa.int16(), pa.int32(), pa.int64()),
    (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
    (pa.uint8(), pa.int16(), pa.int32(), pa.int64()),
    (pa.uint16(), pa.int32(), pa.int64()),
    (pa.uint32(), pa.int64()),
    (pa.float32(), pa.float64()),
    (pa.string(), pa.large_string()),
    (pa.binary(), pa.large_binary()),
)


def common_schema(schemas: Sequence[pa.Schema], names: Sequence[str]) -> pa.Schema:
    """Return a schema that takes the rows of all files.

    Args:
        schemas: Those of the files.
        names: What messages call the files.

    Raises:
        DatasetError: If one has other columns, in another order, or of types that have nothing in common.
    """
    common = schemas[0]
    for schema, name in zip(schemas, names, strict=True):
        if schema.names != common.names or schema.types != common.types:
            common = _both(common, schema, name, names[0])
    return common


def conformed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch with the types of a schema that takes it."""
    if batch.schema.types == schema.types:
        return batch
    columns = [column.cast(item.type) for column, item in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _both(common: pa.Schema, found: pa.Schema, name: str, first: str) -> pa.Schema:
    types = {item.name: item.type for item in common}
    differences = []
    for item in found:
        if item.name not in types:
            differences.append(f'"{item.name}" is not there')
        elif (wider := _wider(types[item.name], item.type)) is None:
            differences.append(f'"{item.name}" is {types[item.name]} there and {item.type} here')
        else:
            types[item.name] = wider
    differences += [f'"{missing}" is missing here' for missing in types if missing not in found.names]
    if not differences and found.names != common.names:
        differences = ["the columns stand in another order"]
    if differences:
        raise DatasetError(
            f"{name}: its columns are not those of {first}: {'; '.join(differences)}. Mask them one by one, or convert."
        )
    return pa.schema([item.with_type(types[item.name]) for item in common], common.metadata)


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Return the type that holds all values of both, exactly; None if there is none."""
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    for ladder in _WIDER:
        if one in ladder and other in ladder:
            return max(one, other, key=ladder.index)
    return None
