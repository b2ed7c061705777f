"""What the CSV files of one table agree on, where each by itself would be taken for something else.

* Numbers that one file writes as integers and another with a point are doubles, if all of them are written as doubles
  are; whatever is not comes out changed, and so is refused where it is read.
* Files that are written have one way for all moments, a space or a T between the day and the time. Where the originals
  have both, moments are texts unless they are declared, and come out as they went in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.datasets.formats.csv_dialect import Dialect
from maskgate.datasets.formats.format import DIALECT

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

IS_DOUBLE = {b"maskgate": b"written as doubles are"}
"""What a look notes of a column of numbers that could be doubles as well."""


@dataclass(frozen=True)
class Agreement:
    """What comes of the looks at all files.

    Attributes:
        schemas: What each file is taken for now.
        moment: What stands between day and time.
        texts: Columns that have to be texts.
    """

    schemas: list[pa.Schema]
    moment: str
    texts: frozenset[str]

    def applied_to(self, schema: pa.Schema) -> pa.Schema:
        """Return the common schema with a dialect that writes moments in the common way, and without notes."""
        dialect = replace(_dialect(schema), moment=self.moment).as_json()
        return pa.schema([(item.name, item.type) for item in schema], {DIALECT: dialect})


def agreement(schemas: Sequence[pa.Schema], declared: Collection[str]) -> Agreement:
    """Find what files agree on.

    Args:
        schemas: What a look at each file has found.
        declared: Columns whose type is declared.
    """
    moment, texts = _moments(schemas)
    doubles = [name for name in schemas[0].names if name not in declared and _are_doubles(name, schemas)]
    return Agreement([_with_doubles(schema, doubles) for schema in schemas], moment, texts.difference(declared))


def _moments(schemas: Sequence[pa.Schema]) -> tuple[str, frozenset[str]]:
    having = [schema for schema in schemas if any(map(pa.types.is_timestamp, schema.types))]
    ways = [_dialect(schema).moment for schema in having]
    if len(set(ways)) <= 1:
        return (ways or [Dialect.moment])[0], frozenset()
    return ways[0], frozenset(item.name for each in having for item in each if pa.types.is_timestamp(item.type))


def _are_doubles(name: str, schemas: Sequence[pa.Schema]) -> bool:
    """Say whether a column is of several types in the files, all of which a double can be."""
    items = [schema.field(name) for schema in schemas if name in schema.names]
    present = [item for item in items if not pa.types.is_null(item.type)]
    could_be = all(item.metadata == IS_DOUBLE or item.type == pa.float64() for item in present)
    return could_be and len({item.type for item in present}) > 1


def _with_doubles(schema: pa.Schema, names: Collection[str]) -> pa.Schema:
    return pa.schema(
        [item.with_type(pa.float64()) if _is_one_of(item, names) else item for item in schema], schema.metadata
    )


def _is_one_of(item: pa.Field, names: Collection[str]) -> bool:
    return item.name in names and not pa.types.is_null(item.type)


def _dialect(schema: pa.Schema) -> Dialect:
    return Dialect.from_json(schema.metadata[DIALECT])
