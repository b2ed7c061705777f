"""What can be masked: files, and tables that somebody holds in memory."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from maskgate.datasets.file_table import open_files
from maskgate.datasets.files import InputFile
from maskgate.datasets.formats import Piece
from maskgate.datasets.formats.dictionary_views import is_of_views
from maskgate.datasets.object_store import without_credentials
from maskgate.datasets.source import Source
from maskgate.datasets.sql_connection import names_database
from maskgate.datasets.sql_source import SqlQuery, open_query
from maskgate.errors import DatasetError, UsageError
from maskgate.masking.foreign_types import check_types
from maskgate.masking.held_tables import hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


def open_source(
    table: str, source: Any, *, format_name: str | None = None, options: Mapping[str, Any] | None = None
) -> Source:
    """Open what somebody wants masked.

    Args:
        table: What messages call it.
        source: Path or URI of files, a :class:`SqlQuery`, ``pa.Table``, ``pa.RecordBatch``, ``pa.RecordBatchReader``, a
            pandas DataFrame (its index is left out), or anything else with ``__arrow_c_stream__``. What is open stays
            as it is.
        format_name: What format the files have; None to go by their names.
        options: What else is declared of the files; each format has its own.

    Raises:
        DatasetError: If it cannot be read, or is something else.
        UsageError: If it names a database and not what to read of it, or options do not fit.
    """
    if isinstance(source, Source):
        return source
    if isinstance(source, SqlQuery):
        return open_query(source)
    if isinstance(source, str | os.PathLike):
        uri = os.fspath(source)
        if names_database(uri):
            raise UsageError(
                f"{without_credentials(uri)}: it names a database. Say which rows of it, by `maskgate mask --query` or "
                "SqlQuery()."
            )
        return open_files(uri, format_name, options)
    if isinstance(source, pa.RecordBatch):
        source = pa.Table.from_batches([source])
    if _is_frame(source, "pandas"):
        source = _of_pandas(table, source)
    if isinstance(source, pa.Table):
        return _of_table(table, source)
    if not isinstance(source, pa.RecordBatchReader):
        stream = _stream(table, source)
        if stream is None:
            return _of_table(table, _held(table, source))
        source = stream
    reader = source
    return Source(reader.schema, (_whole(table, None),), lambda *_: _steps(table, reader), can_be_read_again=False)


def _stream(table: str, source: Any) -> pa.RecordBatchReader | None:
    """Return a table as a stream; None if it is better, or only to be had, as a whole."""
    if not hasattr(source, "__arrow_c_stream__"):
        return None
    check_types(source)
    reader = _translated(table, lambda: pa.RecordBatchReader.from_stream(source))
    # Polars streams dictionaries in a layout that no file has inside of nested columns, and with entries that Parquet
    # does not have.
    is_odd = any(_holds_dictionary(kind) or is_of_views(kind) for kind in reader.schema.types)
    return None if _is_frame(source, "polars") and is_odd else reader


def _held(table: str, source: Any) -> pa.Table:
    """Return what is not a stream, but can be taken as a whole, such as a LazyFrame."""
    try:
        return hold(source).table
    except UsageError as error:
        problem = str(error)
    raise DatasetError(f'table "{table}": {problem}')


def _of_table(table: str, held: pa.Table) -> Source:
    def read(_piece: Piece, rows: int, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        wanted = held if columns is None else held.select(columns)
        yield from wanted.to_batches(max_chunksize=rows)

    return Source(held.schema, (_whole(table, held.num_rows, held.nbytes),), read, rows=held.num_rows)


def _whole(table: str, rows: int | None, size: int = 0) -> Piece:
    name = f'table "{table}"'
    return Piece(InputFile(name), rows=rows, size=size, shown=name)


def _is_frame(source: Any, library: str) -> bool:
    """Say whether it is a data frame of a library, which need not be imported for that."""
    kinds = type(source).__mro__
    return any(kind.__module__.partition(".")[0] == library and kind.__name__ == "DataFrame" for kind in kinds)


def _holds_dictionary(kind: pa.DataType) -> bool:
    """Say whether a nested type has a dictionary inside."""
    inner = [kind.field(at).type for at in range(kind.num_fields)]
    return any(pa.types.is_dictionary(each) or _holds_dictionary(each) for each in inner)


def _of_pandas(table: str, frame: Any) -> pa.Table:
    from maskgate.masking.pandas_frames import would_change  # noqa: PLC0415  only for those who have pandas

    with suppress(Exception):
        made = pa.Table.from_pandas(frame, preserve_index=False)
        columns = zip(frame.items(), made.schema.types, strict=True)
        if not any(would_change(values, kind) for (_, values), kind in columns):
            return made
    # One column after the other, so that the one is named.
    return _held(table, frame.reset_index(drop=True))


def _steps(table: str, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    while True:
        # Nothing of a batch that was handed on is kept here.
        read = _translated(table, lambda: list(islice(reader, 1)))
        if not read:
            return
        yield read.pop()


def _translated(table: str, read: Callable[[], Any]) -> Any:
    failure = ""
    try:
        return read()
    except Exception as error:  # noqa: BLE001  whatever made the table may quote a cell in its errors
        failure = type(error).__name__
    raise DatasetError(f'table "{table}": it cannot be read as Arrow data ({failure}). Convert its columns first.')
