"""What can be masked: files, and tables that somebody holds in memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from maskgate.datasets.object_store import without_credentials
from maskgate.datasets.parquet_files import MOST_ROWS, ParquetFiles
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True)
class Source:
    """One table, ready to be read once.

    Attributes:
        schema: Its schema.
        batches: Starts reading.
        rows: How many rows it has, if that is known before.
        batch_rows: How many rows to mask at once.
        uri: Where it is, without credentials; None if it is in memory.
    """

    schema: pa.Schema
    batches: Callable[[], Iterable[pa.RecordBatch]]
    rows: int | None = None
    batch_rows: int = MOST_ROWS
    uri: str | None = None


def open_source(table: str, source: Any) -> Source:
    """Open what somebody wants masked.

    Args:
        table: What messages call it.
        source: Path or URI of Parquet, ``pa.Table``, ``pa.RecordBatch``, ``pa.RecordBatchReader``, a pandas DataFrame
            (its index is left out), or anything else with ``__arrow_c_stream__``.

    Raises:
        DatasetError: If it cannot be read, or is something else.
    """
    if isinstance(source, str | os.PathLike):
        uri = os.fspath(source)
        files = ParquetFiles.find(uri)
        return Source(files.schema, files.batches, files.rows, files.batch_rows, without_credentials(uri))
    if isinstance(source, pa.RecordBatch):
        source = pa.Table.from_batches([source])
    if _is_pandas(source):
        source = _translated(table, lambda: pa.Table.from_pandas(source, preserve_index=False))
    if isinstance(source, pa.Table):
        held = source
        return Source(held.schema, lambda: held.to_batches(max_chunksize=MOST_ROWS), held.num_rows)
    if not isinstance(source, pa.RecordBatchReader):
        if not hasattr(source, "__arrow_c_stream__"):
            raise DatasetError(
                f'table "{table}": {type(source).__name__} cannot be masked. '
                "Give a path or URI of Parquet, a pyarrow table or reader, or a data frame."
            )
        source = _translated(table, lambda: pa.RecordBatchReader.from_stream(source))
    return Source(source.schema, lambda: _steps(table, source))


def _is_pandas(source: Any) -> bool:
    return type(source).__module__.partition(".")[0] == "pandas" and type(source).__name__ == "DataFrame"


def _steps(table: str, reader: pa.RecordBatchReader) -> Iterable[pa.RecordBatch]:
    while True:
        batch = _translated(table, lambda: next(reader, None))
        if batch is None:
            return
        yield batch


def _translated(table: str, read: Callable[[], Any]) -> Any:
    failure = ""
    try:
        return read()
    except Exception as error:  # noqa: BLE001  whatever made the table may quote a cell in its errors
        failure = type(error).__name__
    raise DatasetError(f'table "{table}": it cannot be read as Arrow data ({failure}). Convert its columns first.')
