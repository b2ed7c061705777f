"""Writes CSV, with the kernels of Arrow."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.datasets.formats.compression import compressed
from maskgate.datasets.formats.format import Segment
from maskgate.datasets.formats.text_assembly import TextAssembly
from maskgate.datasets.formats.text_types import written
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maskgate.datasets.formats.csv_dialect import Dialect

_MARK = codecs.BOM_UTF8.decode()


class CsvEncoder:
    """Encodes rows of one schema.

    Args:
        schema: What they look like.
        dialect: How they are written.
        codec: How the file is compressed; empty if it is not.
        level: How hard the codec tries; None for its own.
    """

    def __init__(self, schema: pa.Schema, dialect: Dialect, codec: str, level: int | None) -> None:
        self.schema, self.dialect, self._codec, self._level = schema, dialect, codec, level

    def encode(self, batches: list[pa.RecordBatch]) -> Segment:
        """Encode rows that stand together."""
        are_quoted = [self.dialect.is_quoted(item.name, is_text=_is_text(item.type)) for item in self.schema]
        parts = []
        for batch in batches:
            columns = [
                written(column, self.dialect.moment, item.name)
                for column, item in zip(batch.columns, self.schema, strict=True)
            ]
            text = rendered(columns, are_quoted, self.dialect, may_begin=not self.dialect.header)
            parts.append(self._in_encoding(text, columns))
        rows = sum(batch.num_rows for batch in batches)
        return Segment(rows, self._compressed(b"".join(parts) if len(parts) > 1 else parts[0]))

    def assembly(self) -> TextAssembly:
        """Begin a file."""
        return TextAssembly(self._header())

    def _header(self) -> bytes:
        are_quoted = [self.dialect.quotes_names] * len(self.schema)
        # Like a null: a column without a name has no quotes of its own, unless it is alone.
        unnamed = "" if self.dialect.quotes_names or len(self.schema) == 1 or self.dialect.nulls[0] else None
        names = [pa.array([name or unnamed], pa.string()) for name in self.schema.names]
        line = rendered(names, are_quoted, self.dialect, may_begin=True) if self.dialect.header else b""
        mark = codecs.BOM_UTF8 if self.dialect.bom else b""
        text = mark + bytes(self._in_encoding(line, names))
        return bytes(self._compressed(text)) if text else b""

    def _in_encoding(self, data: Any, columns: Sequence[pa.Array]) -> Any:
        """Return lines of these columns in the encoding of the file."""
        if self.dialect.encoding == "utf-8":
            return data
        with suppress(UnicodeEncodeError):
            return bytes(data).decode().encode(self.dialect.encoding)
        # Outside of the handler: the original error has the character in it.
        lacking = (
            f'column "{item.name}": '
            for item, column in zip(self.schema, columns, strict=True)
            if not _has_characters(self.dialect.encoding, column)
        )
        raise DatasetError(
            f"{next(lacking, '')}the masked data has characters that {self.dialect.encoding} has not. Declare another "
            "`encoding`."
        )

    def _compressed(self, data: Any) -> Any:
        return compressed(data, self._codec, self._level)


def rendered(
    columns: Sequence[pa.Array], are_quoted: Sequence[bool], dialect: Dialect, *, may_begin: bool = False
) -> Any:
    """Return rows as UTF-8.

    Args:
        columns: Texts, null where the cells are.
        are_quoted: Of which of them all cells are quoted, and not only those that must be.
        dialect: How they are written.
        may_begin: Whether they may begin a file, of which readers take a byte order mark away unless it is in quotes.
    """
    cells = [
        _cells(column, dialect, is_quoted=each, without_mark=may_begin and at == 0)
        for at, (column, each) in enumerate(zip(columns, are_quoted, strict=True))
    ]
    rows = pc.binary_join_element_wise(*cells, _text(dialect.delimiter)) if len(cells) > 1 else cells[0]
    lines = pc.binary_join_element_wise(rows, _text(dialect.newline), _text(""))
    if isinstance(lines, pa.ChunkedArray):
        lines = lines.combine_chunks()
    if not len(lines):
        return b""
    _, offsets, data = lines.buffers()
    edges = pa.Array.from_buffers(pa.int64(), len(lines) + 1, [None, offsets], offset=lines.offset)
    return memoryview(data)[edges[0].as_py() : edges[-1].as_py()]


def _cells(column: pa.Array, dialect: Dialect, *, is_quoted: bool, without_mark: bool) -> pa.Array:
    column = column.cast(pa.large_string())
    if is_quoted:
        wanted = pa.scalar(True)  # noqa: FBT003
    else:
        special = re.escape(dialect.delimiter + dialect.quote + dialect.escape)
        mark = f"|^{_MARK}" if without_mark else ""
        wanted = pc.match_substring_regex(column, f"[\\r\\n{special}]{mark}")
        for null in dict.fromkeys(("", *dialect.nulls)):
            wanted = pc.or_(wanted, pc.equal(column, _text(null)))
        if not pc.any(wanted).as_py():
            return column.fill_null(dialect.nulls[0])
    inner = column
    if dialect.escape:
        inner = pc.replace_substring(inner, dialect.escape, 2 * dialect.escape)
    inner = pc.replace_substring(inner, dialect.quote, (dialect.escape or dialect.quote) + dialect.quote)
    quote = _text(dialect.quote)
    quoted = pc.binary_join_element_wise(quote, inner, quote, _text(""))
    return pc.if_else(wanted, quoted, column).fill_null(dialect.nulls[0])


def _has_characters(encoding: str, column: pa.Array) -> bool:
    with suppress(UnicodeEncodeError):
        return "".join(pc.unique(column).drop_null().cast(pa.large_string()).to_pylist()).encode(encoding) is not None
    return False


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(is_(value) for is_ in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


def _text(value: str) -> pa.Scalar:
    return pa.scalar(value, pa.large_string())
