"""JSON lines: one object a line, read in stretches of bytes.

* Types come from the first lines: whole numbers, numbers, texts, booleans, lists, objects. What looks like a date is a
  text unless it is declared.
* A field that the first lines do not have and nobody declares, and one of another type, is refused, and nothing of it
  is shown.
* A field that is not there is a null, and a null is written as one.
"""

from __future__ import annotations

import hashlib
import io
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from maskgate.datasets.formats.compression import (
    LONGEST_ROW,
    about_rows,
    block_for,
    check_not_empty,
    damaged,
    head_of,
    level_of_text,
    opened,
)
from maskgate.datasets.formats.format import FileFacts, Piece, check_options, looked_at
from maskgate.datasets.formats.json_depth import is_too_deep
from maskgate.datasets.formats.json_encoding import JsonEncoder, check_json_type
from maskgate.datasets.formats.portions import in_portions
from maskgate.datasets.formats.streamed import streamed
from maskgate.datasets.formats.text_types import declared_types, parsed
from maskgate.datasets.formats.told_fields import check_fields
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from maskgate.datasets.files import InputFile
    from maskgate.datasets.layout import Layout

_HEAD = 4 << 20
# Beyond it not every whole number has a double of its own.
_MOST_EXACT = 2.0**53
_ADVICE = "Declare its type, such as decimal(38, 0)."
_ADVICE_INSIDE = "Write such numbers as texts."


@dataclass(frozen=True)
class JsonLines:
    """Newline-delimited JSON.

    Attributes:
        name: What users call it.
        suffixes: What names of its files end in.
        codec: How its files are compressed.
    """

    name: str = "jsonl"
    suffixes: tuple[str, ...] = (".jsonl", ".ndjson")
    codec: str = ""

    def look(self, file: InputFile, options: Mapping[str, Any]) -> FileFacts:
        """Read the first lines, and find types."""
        declared = _declared(options)
        head = head_of(file, self.codec, _HEAD)
        if not head and self.codec:
            check_not_empty(file)
        is_long = len(head) >= _HEAD and b"\n" not in head
        with looked_at(alone=is_long):
            return self._facts(file, head_of(file, self.codec, LONGEST_ROW) if is_long else head, declared)

    def _facts(self, file: InputFile, head: bytes, declared: Mapping[str, pa.DataType]) -> FileFacts:
        schema = _schema(file.shown, _whole_lines(head), declared)
        size = 2 * len(head) // max(1, head.count(b"\n"))
        about = None if self.codec else about_rows(file, head)
        piece = Piece(file, shown=file.shown, row_size=size)
        return FileFacts(schema, (piece,), None, hashlib.sha256(head).hexdigest(), about_rows=about)

    def read(
        self,
        piece: Piece,
        schema: pa.Schema,
        rows: int,
        options: Mapping[str, Any],  # noqa: ARG002  the schema has what is declared
        columns: Sequence[str] | None,
    ) -> Iterator[pa.RecordBatch]:
        """Read a file as a stream."""
        head = head_of(piece.file, self.codec, _HEAD)
        if not head.strip() and len(head) < _HEAD:
            return
        block = block_for(head)
        with opened(piece.file, self.codec) as stream:
            for batch in _batches(stream, schema, f"{piece.shown}: {damaged(self.codec)}", block):
                for item, column in zip(batch.schema, batch.columns, strict=True):
                    _check_exact(column, piece, item.name)
                yield from in_portions(batch, rows, columns)

    def types_as_read(self, schema: pa.Schema) -> list[pa.DataType]:
        """Return the types that the text stands for."""
        return [check_json_type(item.type) for item in schema]

    def encoder(self, schema: pa.Schema, layout: Layout) -> JsonEncoder:
        """Return what writes lines."""
        return JsonEncoder(schema, self.codec, level_of_text(layout, self.codec))


def _declared(options: Mapping[str, Any]) -> dict[str, pa.DataType]:
    check_options("a file of JSON lines", options, ("types",))
    return declared_types(options)


def _whole_lines(head: bytes) -> bytes:
    return head if len(head) < _HEAD else head[: head.rfind(b"\n") + 1] or head


def _schema(shown: str, head: bytes, declared: Mapping[str, pa.DataType]) -> pa.Schema:
    failed, found, is_empty = False, pa.schema([]), not head.strip()
    if not is_empty and is_too_deep(head):
        raise DatasetError(f"{shown}: its objects and lists go deeper than a hundred levels. Flatten them.")
    try:
        if not is_empty:
            block = pyarrow.json.ReadOptions(block_size=max(len(head), 1 << 16))
            found = pyarrow.json.read_json(io.BytesIO(head), block).schema
            check_fields(found)
    except (pa.ArrowException, OSError, ValueError):
        failed = True
    if failed:
        # Outside of the handler: the original error may quote the file.
        raise DatasetError(f"{shown}: it has a line that is no JSON object, or its fields change their types.")
    kinds = {item.name: declared.get(item.name, _as_written(item.type)) for item in found}
    # What is declared may come further down, or in another file.
    return pa.schema(list({**kinds, **declared}.items()))


def _as_written(kind: pa.DataType) -> pa.DataType:
    """Return a type with what is a text in JSON left as one."""
    if pa.types.is_timestamp(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_as_written(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _as_written(field.type)) for field in kind])
    return kind


def _batches(stream: pa.NativeFile, schema: pa.Schema, before: str, block: int) -> Iterator[pa.RecordBatch]:
    # Arrow makes moments of texts, and no days.
    as_text = [item.with_type(pa.string()) if pa.types.is_date(item.type) else item for item in schema]
    parse = pyarrow.json.ParseOptions(explicit_schema=pa.schema(as_text), unexpected_field_behavior="error")
    # Threads read ahead, and of blocks for the longest rows one is enough.
    read = pyarrow.json.ReadOptions(block_size=block, use_threads=block < LONGEST_ROW)
    problem = (
        f"{before}a line is no JSON object, has a field that the first lines do not have, or one of another type. "
        "Declare types, such as source_options={'types': {'amount': 'float64'}}, or correct the file."
    )
    for batch in streamed(lambda: pyarrow.json.open_json(stream, read, parse), problem):
        chosen = batch.select(schema.names)
        yield chosen if chosen.schema.types == schema.types else _with_days(chosen, schema, problem)


def _with_days(batch: pa.RecordBatch, schema: pa.Schema, problem: str) -> pa.RecordBatch:
    with suppress(pa.ArrowException, ValueError):
        columns = [
            column if column.type == item.type else parsed(column, item.type)
            for column, item in zip(batch.columns, schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, names=schema.names)
    # Outside of the handler: the original error quotes the cell.
    raise DatasetError(problem)


def _check_exact(column: pa.Array, piece: Piece, path: str, advice: str = _ADVICE) -> None:
    """Refuse whole numbers that a double does not hold."""
    if pa.types.is_list(column.type):
        _check_exact(column.flatten(), piece, f"{path}[]", _ADVICE_INSIDE)
    elif pa.types.is_struct(column.type):
        for at, item in enumerate(column.type):
            _check_exact(column.field(at), piece, f"{path}.{item.name}", _ADVICE_INSIDE)
    elif pa.types.is_floating(column.type) and pc.any(pc.greater_equal(pc.abs(column), _MOST_EXACT)).as_py():
        raise DatasetError(f'{piece.shown}, field "{path}": some number is too long for a double. {advice}')
