"""The single values of a table, however deep they are nested, and the row that each stands in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from maskgate.methods.nesting import element_type, elements_of, fields_of, is_list, sizes_of
from maskgate.methods.opening import opened, opened_type
from maskgate.rules.path import Path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SingleValues:
    """What stands at one path.

    Attributes:
        path: Where it is, such as ``email`` or ``contacts[].email``.
        cells: The values, in the layout in which they came.
        rows: For each the row of the table, in order.
    """

    path: str
    cells: pa.Array = field(repr=False)
    rows: NDArray[np.int64] = field(repr=False)


def value_types(schema: pa.Schema) -> dict[str, pa.DataType]:
    """Return the type of the single values at each path, in the order of the schema."""
    return {str(path): kind for item in schema for path, kind in _types(Path.of(item.name), item.type)}


def values_of(batch: pa.RecordBatch) -> Iterator[SingleValues]:
    """Give the single values of a batch, path by path, in the order of the schema."""
    rows = np.arange(batch.num_rows)
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        yield from _values(Path.of(name), column, rows)


def _types(path: Path, kind: pa.DataType) -> Iterator[tuple[Path, pa.DataType]]:
    kind = opened_type(kind)
    if pa.types.is_struct(kind):
        for item in kind:
            yield from _types(path.field(item.name), item.type)
    elif pa.types.is_map(kind) or is_list(kind):
        yield from _types(path.elements, element_type(kind))
    else:
        yield path, kind


def _values(path: Path, column: pa.Array, rows: NDArray[np.int64]) -> Iterator[SingleValues]:
    column = opened(column)
    kind = column.type
    if pa.types.is_struct(kind):
        for item, part in zip(kind, fields_of(column), strict=True):
            yield from _values(path.field(item.name), part, rows)
    elif pa.types.is_map(kind) or is_list(kind):
        yield from _values(path.elements, elements_of(column), np.repeat(rows, sizes_of(column)))
    else:
        yield SingleValues(str(path), column, rows)
