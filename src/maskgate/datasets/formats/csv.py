"""CSV: every cell is read as text, and becomes a value only where it is written as values are.

* Nothing is changed on the way: see :mod:`maskgate.datasets.formats.text_types`. What is declared is taken as declared.
* An empty cell is a null, and a quoted empty one is the empty text.
* A row with more or fewer cells than there are columns is refused.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv

from maskgate.datasets.formats.compression import (
    LONGEST_ROW,
    about_rows,
    block_for,
    damaged,
    head_of,
    level_of_text,
    opened,
)
from maskgate.datasets.formats.csv_agreement import IS_DOUBLE
from maskgate.datasets.formats.csv_dialect import Dialect
from maskgate.datasets.formats.csv_encoding import CsvEncoder
from maskgate.datasets.formats.csv_header import Header
from maskgate.datasets.formats.csv_quoting import ends_in_null, has_line, is_left_open, with_quoting
from maskgate.datasets.formats.format import DIALECT, FileFacts, Piece, looked_at
from maskgate.datasets.formats.portions import in_portions
from maskgate.datasets.formats.streamed import streamed
from maskgate.datasets.formats.text_types import (
    can_be_written,
    declared_types,
    guessed_type,
    is_written_as,
    moment_of,
    parsed,
    parsed_back,
)
from maskgate.errors import DatasetError, UsageError
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from maskgate.datasets.files import InputFile
    from maskgate.datasets.layout import Layout

_HEAD = 1 << 20
_LONG_HEAD = 16 << 20
_TAIL = 4096
_NOTED = 10_000
_ENDS = {b"\n", b"\r", b"\r\n"}


@dataclass(frozen=True)
class Csv:
    """Comma-separated values, and their relatives.

    Attributes:
        name: What users call it.
        suffixes: What names of its files end in.
        codec: How its files are compressed.
        delimiter: What stands between cells; empty if the files say it.
    """

    name: str = "csv"
    suffixes: tuple[str, ...] = (".csv",)
    codec: str = ""
    delimiter: str = ""

    def look(self, file: InputFile, options: Mapping[str, Any]) -> FileFacts:
        """Read the first rows, and find dialect and types."""
        head = head_of(file, self.codec, _HEAD)
        with looked_at(alone=block_for(head) >= LONGEST_ROW):
            return self._facts(file, self._longer(file, head, options), options)

    def _facts(self, file: InputFile, head: bytes, options: Mapping[str, Any]) -> FileFacts:
        dialect = self._dialect(file.shown, head, options)
        names = Header.of(file.shown, dialect, head).names
        declared = _declared(file, names, options)
        sample = next(self._texts(file, dialect, head), None) or _empty(names)
        columns = [sample.column(at) for at in range(len(names))]
        kinds = [declared.get(name) or guessed_type(each) for name, each in zip(names, columns, strict=True)]
        with_t, with_space = _moments(names, columns, kinds)
        if with_t and not with_space:
            dialect = replace(dialect, moment="T")
        else:
            # A file that is written has one way of writing moments; the others stay as they are.
            others = with_t - declared.keys()
            kinds = [pa.string() if name in others else kind for name, kind in zip(names, kinds, strict=True)]
        for name in dialect.quoted:
            if name not in names:
                raise UsageError(f'{file.shown}: there is no column "{name}" to quote.{did_you_mean(name, names)}')
        schema = pa.schema([_noted(*each) for each in zip(names, kinds, columns, strict=True)])
        if not options.keys() & {"quoting", "quoted"}:
            text, is_cut = dialect.text_of(file.shown, head), len(head) >= _HEAD
            dialect = with_quoting(dialect, schema, columns, text, is_cut=is_cut)
        schema = schema.with_metadata({DIALECT: dialect.as_json()})
        piece = Piece(file, shown=file.shown, row_size=sample.nbytes // max(1, sample.num_rows))
        about = None if self.codec else about_rows(file, head)
        return FileFacts(schema, (piece,), None, hashlib.sha256(head).hexdigest(), about_rows=about)

    def read(
        self, piece: Piece, schema: pa.Schema, rows: int, options: Mapping[str, Any], columns: Sequence[str] | None
    ) -> Iterator[pa.RecordBatch]:
        """Read a file as a stream."""
        head = self._longer(piece.file, head_of(piece.file, self.codec, _HEAD), options)
        dialect = self._dialect(piece.shown, head, options)
        names = Header.of(piece.shown, dialect, head).names
        declared = _declared(piece.file, names, options)
        wanted = schema.names if columns is None else columns
        places = {name: at for at, name in enumerate(names)}
        for batch in self._texts(piece.file, dialect, head):
            values = [
                _values(piece, batch.column(places[name]), schema.field(name), is_sure=name in declared)
                for name in wanted
            ]
            whole = pa.RecordBatch.from_arrays(values, names=list(wanted))
            yield from in_portions(whole, rows)

    def types_as_read(self, schema: pa.Schema) -> list[pa.DataType]:
        """Return the types that the text stands for."""
        for item in schema:
            if not can_be_written(item.type):
                raise pa.ArrowNotImplementedError("it has no text")
        return [item.type.value_type if pa.types.is_dictionary(item.type) else item.type for item in schema]

    def encoder(self, schema: pa.Schema, layout: Layout) -> CsvEncoder:
        """Return what writes rows, in the dialect of what was read."""
        dialect = Dialect.from_json(layout.dialect) if layout.dialect else Dialect()
        dialect = replace(dialect, delimiter=self.delimiter or dialect.delimiter)
        return CsvEncoder(schema, dialect, self.codec, level_of_text(layout, self.codec))

    def _longer(self, file: InputFile, head: bytes, options: Mapping[str, Any]) -> bytes:
        """Return the first bytes of a file, so many more that there is a whole row among them."""
        quote = re.escape(str(options.get("quote") or Dialect.quote).encode())
        found = re.finditer(rb"%b[^%b]*%b?|\r\n?|\n" % (quote, quote, quote), head)
        ends = (each for each in found if each[0] in _ENDS)
        has_rows = len(head) < _HEAD or len([*islice(ends, 2)]) > 1
        return head if has_rows else head_of(file, self.codec, _LONG_HEAD)

    def _dialect(self, shown: str, head: bytes, options: Mapping[str, Any]) -> Dialect:
        return Dialect.of(shown, head, ({"delimiter": self.delimiter} if self.delimiter else {}) | dict(options))

    def _texts(self, file: InputFile, dialect: Dialect, head: bytes) -> Iterator[pa.RecordBatch]:
        """Read all cells as text.

        Raises:
            DatasetError: If rows are not of one width, or the file ends inside of a cell.
        """
        header = Header.of(file.shown, dialect, head)
        if header.is_all and len(head) < _HEAD:
            return
        before, held = f"{file.shown}: {damaged(self.codec)}", None
        with opened(file, self.codec) as stream:
            for batch in _texts(stream, before, dialect, header, block_for(head)):
                if held is not None and batch.num_rows:
                    yield held
                held = batch if batch.num_rows or held is None else held
        if held is not None:
            last = _last_cell(held)
            tail = self._tail(file, head, last)
            if last and is_left_open(last, tail, dialect):
                raise DatasetError(f"{before}it ends inside of a cell whose quote is never closed. Correct it.")
            yield _with_null_at_end(held) if last == "" and ends_in_null(tail, dialect) else held

    def _tail(self, file: InputFile, head: bytes, last: str | None) -> bytes:
        """Return the last characters of a file; none, where they are too dear for what they may tell."""
        if len(head) < _HEAD:
            return head[-_TAIL:]
        if last is None or (self.codec and last and not has_line(last)):
            return b""
        tail = b""
        with opened(file, self.codec) as stream:
            if not self.codec:
                stream.seek(-_TAIL, os.SEEK_END)
            while part := stream.read(_HEAD):
                tail = (tail + part)[-_TAIL:]
        return tail


def _empty(names: Sequence[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], pa.string()) for _ in names], names=list(names))


def _last_cell(batch: pa.RecordBatch) -> str | None:
    found: str | None = batch.column(batch.num_columns - 1)[-1].as_py() if batch.num_rows else None
    return found


def _with_null_at_end(batch: pa.RecordBatch) -> pa.RecordBatch:
    column = batch.column(batch.num_columns - 1)
    ended = pa.concat_arrays([column.slice(0, len(column) - 1), pa.nulls(1, column.type)])
    return pa.RecordBatch.from_arrays([*batch.columns[:-1], ended], names=batch.schema.names)


def _declared(file: InputFile, names: Sequence[str], options: Mapping[str, Any]) -> dict[str, pa.DataType]:
    types = declared_types(options)
    for name in types:
        if name not in names:
            raise UsageError(f'{file.shown}: there is no column "{name}" to have a type.{did_you_mean(name, names)}')
    return types


def _moments(
    names: Sequence[str], columns: Sequence[pa.Array], kinds: Sequence[pa.DataType]
) -> tuple[set[str], set[str]]:
    """Return which columns have a T between day and time, and which have a space."""
    between = {
        name: moment_of(each, kind)
        for name, each, kind in zip(names, columns, kinds, strict=True)
        if pa.types.is_timestamp(kind) and each.null_count < len(each)
    }
    with_t = {name for name, each in between.items() if each == "T"}
    return with_t, between.keys() - with_t


def _noted(name: str, kind: pa.DataType, column: pa.Array) -> pa.Field:
    """Return a field that says whether its numbers could be doubles as well."""
    is_number = pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    is_double = is_number and is_written_as(column.slice(0, _NOTED), pa.float64())
    return pa.field(name, kind, metadata=IS_DOUBLE if is_double else None)


def _texts(
    stream: pa.NativeFile, before: str, dialect: Dialect, header: Header, block: int
) -> Iterator[pa.RecordBatch]:
    """Read all cells as text, under names that are told apart by their places."""
    places = [str(at) for at in range(len(header.names))]
    # Threads read ahead, and of blocks so large one is enough.
    is_long = block >= LONGEST_ROW
    read = pyarrow.csv.ReadOptions(
        block_size=block,
        column_names=places,
        # Not `skip_rows_after_names`: where a name has a NUL, Arrow skips a row besides.
        skip_rows=header.lines,
        encoding=dialect.encoding,
        use_threads=not is_long,
    )
    parse = pyarrow.csv.ParseOptions(
        delimiter=dialect.delimiter,
        quote_char=dialect.quote,
        double_quote=not dialect.escape,
        escape_char=dialect.escape or False,
        newlines_in_values=True,
        # In a file of one column an empty line is a null.
        ignore_empty_lines=len(header.names) > 1,
    )
    convert = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(places, pa.string()),
        null_values=list(dialect.nulls),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    problem = (
        f"{before}a row has more or fewer cells than there are columns, is longer than {block >> 20} MB, or is "
        f"not written in {dialect.encoding}. Correct it, or declare its dialect."
    )
    pool = None if is_long else _pool()
    return streamed(lambda: pyarrow.csv.open_csv(stream, read, parse, convert, memory_pool=pool), problem)


def _pool() -> pa.MemoryPool | None:
    """Return where cells are kept: glibc's memory gets holes from so many columns, larger than what they hold."""
    with suppress(NotImplementedError):
        return pa.mimalloc_memory_pool()
    return None


def _values(piece: Piece, text: pa.Array, item: pa.Field, *, is_sure: bool) -> pa.Array:
    with suppress(pa.ArrowException, ValueError):
        values = parsed(text, item.type) if is_sure else parsed_back(text, item.type)
        if values is not None:
            return values
    how, another = ("is declared as", "another type") if is_sure else ("was taken for", "its type")
    raise DatasetError(
        f'{piece.shown}, column "{item.name}": it {how} {item.type}, and some cell is not written as such values are. '
        f"Declare {another}, such as --source-option types.{item.name}=string, or source_options={{'types': "
        f"{{'{item.name}': 'string'}}}}."
    )
