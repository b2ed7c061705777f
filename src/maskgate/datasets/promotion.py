"""Files of one table whose columns differ: brought to one type where nothing can be lost, and refused otherwise.

* A type that is declared, or that a file itself declares, gets wider only where the wider one holds each value exactly.
* A type that was told from text is a guess. Where files lead to different ones, the column of a CSV file is what it is
  there, a text; in JSON, numbers stay numbers.
* Columns go by their names, wherever they stand. Only JSON leaves out what is null.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.datasets.widening import same_type, wider_number, wider_type
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence


@dataclass(frozen=True)
class Promotion:
    """How the columns of files of one format come together.

    Attributes:
        wider: Returns the type for the values of two; None if there is none.
        fills: Whether a column that a file does not have is null there.
        is_text: Whether types were told from text.
        falls_back: Whether a column of different types is a text.
    """

    wider: Callable[[pa.DataType, pa.DataType], pa.DataType | None] = wider_type
    fills: bool = False
    is_text: bool = False
    falls_back: bool = False


TYPED = Promotion()
CSV = Promotion(same_type, is_text=True, falls_back=True)
JSON = Promotion(wider_number, fills=True, is_text=True)


@dataclass(frozen=True)
class Common:
    """What all files have in common.

    Attributes:
        schema: Takes the rows of all files.
        remarks: For columns that became a text, which files differ and how to have it otherwise.
    """

    schema: pa.Schema
    remarks: Mapping[str, str] = field(default_factory=dict)


def common_schema(
    schemas: Sequence[pa.Schema],
    names: Sequence[str],
    promotion: Promotion = TYPED,
    different: Collection[str] = (),
) -> Common:
    """Return a schema that takes the rows of all files.

    Args:
        schemas: Those of the files.
        names: What messages call the files.
        promotion: How types come together.
        different: Columns whose values are written differently though their types are the same.

    Raises:
        DatasetError: If one has other columns, or of types that have nothing in common.
    """
    met = _Met(promotion, names[0], {item.name: item for item in schemas[0]}, dict.fromkeys(schemas[0].names, names[0]))
    for schema, name in zip(schemas, names, strict=True):
        if not schema.equals(schemas[0]):
            met.merge(schema, name)
    fields = [item.with_type(pa.string()) if item.name in different else item for item in met.fields.values()]
    if promotion.is_text:
        fields = [item.with_type(settled(item.type)) for item in fields]
    return Common(pa.schema(fields, schemas[0].metadata), met.remarks)


@dataclass(frozen=True)
class _Met:
    """What was met in the files so far: fields, and where each column was seen first."""

    promotion: Promotion
    first_file: str
    fields: dict[str, pa.Field]
    first_seen: dict[str, str]
    remarks: dict[str, str] = field(default_factory=dict)

    def merge(self, found: pa.Schema, name: str) -> None:
        """Bring the fields of one more file to those of the files before."""
        differences = [problem for item in found if (problem := self._merge_one(item, name))]
        missing = [each for each in self.fields if each not in found.names]
        if self.promotion.fills:
            self.fields.update({each: self.fields[each].with_nullable(True) for each in missing})  # noqa: FBT003
        else:
            differences += [f'"{each}" is missing here' for each in missing]
        if differences:
            raise DatasetError(
                f"{name}: its columns are not those of {self.first_file}: {'; '.join(differences)}. Mask them one by "
                "one, or convert."
            )

    def _merge_one(self, item: pa.Field, name: str) -> str:
        """Bring one field to those of its name; return why that cannot be."""
        before = self.fields.get(item.name)
        if before is None:
            if not self.promotion.fills:
                return f'"{item.name}" is not there'
            before = pa.field(item.name, pa.null())
        wider = self.promotion.wider(before.type, item.type)
        if wider is None and self.promotion.falls_back:
            self.remarks.setdefault(item.name, _remark(item, before.type, self.first_seen[item.name], name))
            wider = pa.string()
        if wider is None:
            return f'"{item.name}" is {before.type} there and {item.type} here'
        if pa.types.is_null(before.type):
            self.first_seen[item.name] = name
        self.fields[item.name] = before.with_type(wider).with_nullable(before.nullable or item.nullable)
        return ""


def _remark(item: pa.Field, before: pa.DataType, first: str, name: str) -> str:
    return (
        f'"{item.name}" is taken as text, since it is written as {before} in {first} and as {item.type} in {name}. '
        f"To have it otherwise, declare its type, such as --source-option types.{item.name}=float64."
    )


def check_names(schemas: Sequence[pa.Schema], names: Sequence[str]) -> None:
    """Refuse a file with two columns of one name.

    Raises:
        DatasetError: If there is one.
    """
    for schema, name in zip(schemas, names, strict=True):
        if len(set(schema.names)) < len(schema.names):
            twice = next(each for each in schema.names if schema.names.count(each) > 1)
            raise DatasetError(f'{name}: the column "{twice}" is there more than once. Rename one of them.')


def settled(kind: pa.DataType) -> pa.DataType:
    """Return a type in which what no file has a value of is a text."""
    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(settled(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(inner.name, settled(inner.type)) for inner in kind])
    return kind


def conformed(batch: pa.RecordBatch, schema: pa.Schema, shown: str) -> pa.RecordBatch:
    """Return a batch with the columns of a schema that takes it.

    Raises:
        DatasetError: If some value is out of the range of the wider type, as a far moment in nanoseconds is.
    """
    if batch.schema.names != schema.names:
        batch = batch.select(schema.names)
    if batch.schema.types == schema.types:
        return batch
    columns, name = [], ""
    try:
        for column, item in zip(batch.columns, schema, strict=True):
            name = item.name
            columns.append(column.cast(item.type))
    except pa.ArrowException:
        columns.clear()
    if not columns:
        # Outside of the handler: the original error quotes the value.
        raise DatasetError(
            f'{shown}, column "{name}": a value does not fit into the type that the files have in common, '
            f"{schema.field(name).type}. Mask this file by itself, or convert it."
        )
    return pa.RecordBatch.from_arrays(columns, schema=schema)
