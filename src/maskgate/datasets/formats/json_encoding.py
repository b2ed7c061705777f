"""Writes JSON lines, with the kernels of Arrow: no row is visited by Python."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.datasets.formats.compression import compressed
from maskgate.datasets.formats.format import Segment
from maskgate.datasets.formats.text_assembly import TextAssembly
from maskgate.datasets.formats.text_types import temporal_text
from maskgate.errors import DatasetError
from maskgate.methods.layout import plain
from maskgate.methods.nesting import elements_of, fields_of, is_list, sizes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_CONTROL = [chr(code) for code in range(0x20)]
_NULL = "null"
_ROWS = 8192


class JsonEncoder:
    """Encodes rows of one schema.

    Args:
        schema: What they look like.
        codec: How the file is compressed; empty if it is not.
        level: How hard the codec tries; None for its own.
    """

    def __init__(self, schema: pa.Schema, codec: str, level: int | None) -> None:
        self._schema, self._codec, self._level = schema, codec, level

    def encode(self, batches: list[pa.RecordBatch]) -> Segment:
        """Encode rows that stand together.

        Raises:
            DatasetError: If a number is none that JSON has.
        """
        # On the way a row has its text several times: only a few of them at a time.
        lines = [
            self._lines(batch.slice(start, _ROWS)) for batch in batches for start in range(0, batch.num_rows, _ROWS)
        ]
        rows = sum(batch.num_rows for batch in batches)
        return Segment(rows, compressed(b"".join(lines), self._codec, self._level) if self._codec else tuple(lines))

    def assembly(self) -> TextAssembly:
        """Begin a file."""
        return TextAssembly()

    def _lines(self, batch: pa.RecordBatch) -> memoryview:
        text = _object(self._schema.names, batch.columns, batch.num_rows, end="}\n")
        _, offsets, data = text.buffers()
        edges = pa.Array.from_buffers(pa.int64(), len(text) + 1, [None, offsets], offset=text.offset)
        return memoryview(data)[edges[0].as_py() : edges[-1].as_py()]


def check_json_type(kind: pa.DataType) -> pa.DataType:
    """Return the type that a reader sees.

    Raises:
        pa.ArrowNotImplementedError: If JSON has no such type.
    """
    if pa.types.is_dictionary(kind):
        return check_json_type(kind.value_type)
    if pa.types.is_null(kind):
        return kind
    if pa.types.is_map(kind) or pa.types.is_duration(kind) or pa.types.is_interval(kind) or pa.types.is_binary(kind):
        raise pa.ArrowNotImplementedError("JSON has no such type")
    if is_list(kind):
        return pa.list_(check_json_type(kind.value_type))
    if pa.types.is_struct(kind):
        if len({field.name for field in kind}) < kind.num_fields:
            raise pa.ArrowNotImplementedError("of two fields of one name a reader sees one")
        return pa.struct([(field.name, check_json_type(field.type)) for field in kind])
    if pa.types.is_temporal(kind):
        return pa.string()
    known = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    if not any(is_(kind) for is_ in (*known, *texts)):
        raise pa.ArrowNotImplementedError("JSON has no such type")
    return kind


def _object(
    names: Sequence[str], columns: Sequence[pa.Array], rows: int, *, within: str = "", end: str = "}"
) -> pa.Array:
    parts: list[Any] = []
    for at, (name, column) in enumerate(zip(names, columns, strict=True)):
        start = ("{" if at == 0 else ", ") + json.dumps(name, ensure_ascii=False) + ": "
        parts += [_text(start), _values(column, f"{within}{name}")]
    if not parts:
        return pa.repeat(_text("{" + end), rows)
    return pc.binary_join_element_wise(*parts, _text(end), _text(""))


def _values(column: pa.Array, shown: str) -> pa.Array:
    """Return cells as JSON writes them; `shown` is what messages call the column."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        if len(column.dictionary) > len(column):
            return _values(plain(column), shown)
        return pc.take(_values(column.dictionary, shown), column.indices).fill_null(_NULL)
    if is_list(kind):
        text = _lists(column, shown)
    elif pa.types.is_struct(kind):
        text = _object([field.name for field in kind], fields_of(column), len(column), within=f"{shown}.")
    elif pa.types.is_floating(kind):
        if pc.any(pc.invert(pc.is_finite(column))).as_py():
            raise DatasetError(
                f'column "{shown}": JSON has no number for infinity, or for what is none. Choose another format.'
            )
        text = column.cast(pa.large_string())
    elif pa.types.is_temporal(kind):
        written = temporal_text(column, shown).cast(pa.large_string())
        text = _quoted(pc.replace_substring(written, " ", "T") if pa.types.is_timestamp(kind) else written)
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind):
        text = column.cast(pa.string()).cast(pa.large_string())
    else:
        text = _quoted(_escaped(column.cast(pa.large_string())))
    if column.null_count:
        text = pc.if_else(column.is_valid(), text, _text(_NULL))
    return text.fill_null(_NULL)


def _lists(column: pa.Array, shown: str) -> pa.Array:
    sizes, cells = sizes_of(column), _values(elements_of(column), f"{shown}[]")
    edges = np.zeros(len(column) + 1, np.int64)
    np.cumsum(sizes, out=edges[1:])
    is_last = np.zeros(len(cells), np.bool_)
    is_last[edges[1:][sizes > 0] - 1] = True
    text = pc.binary_join_element_wise(cells, pc.if_else(pa.array(is_last), _text(""), _text(", ")), _text(""))
    # What stands in one list stands together, and so its text needs no copy but other edges.
    _, offsets, data = text.buffers()
    ends = np.frombuffer(offsets, np.int64, len(text) + 1, 8 * text.offset) if len(text) else np.zeros(1, np.int64)
    inner = pa.Array.from_buffers(pa.large_string(), len(column), [None, pa.py_buffer(ends[edges]), data])
    return pc.binary_join_element_wise(_text("["), inner, _text("]"), _text(""))


def _quoted(text: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(_text('"'), text, _text('"'), _text(""))


def _escaped(text: pa.Array) -> pa.Array:
    text = pc.replace_substring(text, "\\", "\\\\")
    text = pc.replace_substring(text, '"', '\\"')
    if pc.any(pc.match_substring_regex(text, r"[\x00-\x1f]")).as_py():
        for control in _CONTROL:
            text = pc.replace_substring(text, control, json.dumps(control)[1:-1])
    return text


def _text(value: str) -> pa.Scalar:
    return pa.scalar(value, pa.large_string())
