"""Writes one masked table as Parquet, and hashes the bytes as they go out.

The same batches always give the same bytes. A column of which hardly any cell repeats gets no Parquet dictionary: it
would be built, found too large and thrown away.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import pyarrow as pa
import pyarrow.parquet as pq

from maskgate.methods.layout import countable

if TYPE_CHECKING:
    from types import TracebackType

_SAMPLE_ROWS = 8192
_COMPRESSION = "zstd"


class HashingFile(io.RawIOBase):
    """A file that is written once, front to back, and hashed on the way."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def write(self, data: Any) -> int:
        """Write and hash."""
        view = memoryview(data).cast("B")
        self._file.write(view)
        self._hash.update(view)
        self.size += len(view)
        return len(view)

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.size

    def finish(self) -> dict[str, Any]:
        """Bring the bytes to the disk, close, and return size and SHA-256."""
        self._file.flush()
        if hasattr(self._file, "fileno") and _has_descriptor(self._file):
            os.fsync(self._file.fileno())
        self._file.close()
        return {"size": self.size, "sha256": self._hash.hexdigest()}

    def discard(self) -> None:
        """Close without caring for the bytes; an upload is broken off."""
        discard = getattr(self._file, "discard", None)
        if discard is None:
            self._file.close()
            return
        discard()
        # Or else fsspec would finish the upload when the file is collected. A file in memory has nothing to finish.
        with contextlib.suppress(AttributeError):
            self._file.closed = True  # type: ignore[misc]


class ParquetSink:
    """One Parquet file in the making; as a context manager, closed whatever happens.

    Args:
        file: Where the bytes go.
        schema: What the batches look like.
    """

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._schema = schema
        self._file = HashingFile(file)
        self._writer: pq.ParquetWriter | None = None
        self._is_finished = False

    @property
    def size(self) -> int:
        """Bytes written up to now."""
        return self._file.size

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a batch as a row group of its own."""
        if batch.num_rows == 0:
            return
        if self._writer is None:
            self._writer = self._open(_repeating(batch))
        self._writer.write_batch(batch, row_group_size=batch.num_rows)

    def finish(self) -> dict[str, Any]:
        """Write the footer; return size and SHA-256."""
        (self._writer or self._open(None)).close()
        self._is_finished = True
        return self._file.finish()

    def _open(self, dictionaries: list[str] | None) -> pq.ParquetWriter:
        return pq.ParquetWriter(
            self._file,
            self._schema,
            compression=_COMPRESSION,
            use_dictionary=dictionaries if dictionaries is not None else True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_finished:
            return
        if self._writer is not None:
            # Its destructor would write a footer into a closed file; the file goes away, so what fails here is moot.
            with contextlib.suppress(OSError, pa.ArrowException):
                self._writer.close()
        self._file.discard()


def types_as_read(schema: pa.Schema) -> list[pa.DataType]:
    """Return the type of each column as a reader of the Parquet file will see it.

    Raises:
        pa.ArrowException: If Parquet has no such type.
    """
    if any(_has_lists_of_none(item.type) for item in schema):
        raise pa.ArrowNotImplementedError("lists of no elements end the process that writes them")
    buffer = io.BytesIO()
    pq.write_table(schema.empty_table(), buffer)
    buffer.seek(0)
    return [item.type for item in pq.read_schema(buffer)]


def _has_lists_of_none(type_: pa.DataType) -> bool:
    if pa.types.is_fixed_size_list(type_) and type_.list_size == 0:
        return True
    return any(_has_lists_of_none(type_.field(at).type) for at in range(type_.num_fields))


def _repeating(batch: pa.RecordBatch) -> list[str]:
    """Return the Parquet paths of the columns whose cells repeat, judged by the first rows."""
    sample = batch.slice(0, _SAMPLE_ROWS)
    buffer = io.BytesIO()
    pq.write_table(batch.schema.empty_table(), buffer)
    buffer.seek(0)
    leaves = pq.ParquetFile(buffer).schema
    repeating = {item.name for item, column in zip(sample.schema, sample.columns, strict=True) if _repeats(column)}
    paths = [(leaves.column(at).path, at) for at in range(len(leaves))]
    roots = [root for root, item in enumerate(sample.schema) for _ in range(_leaf_count(item.type))]
    return [path for path, at in paths if sample.schema.names[roots[at]] in repeating]


def _repeats(column: pa.Array) -> bool:
    if pa.types.is_nested(column.type) or pa.types.is_dictionary(column.type) or pa.types.is_null(column.type):
        return True
    return bool(2 * len(countable(column).unique()) <= len(column))


def _leaf_count(type_: pa.DataType) -> int:
    if not pa.types.is_nested(type_):
        return 1
    return sum(_leaf_count(type_.field(at).type) for at in range(type_.num_fields))


def _has_descriptor(file: BinaryIO) -> bool:
    try:
        file.fileno()
    except (OSError, AttributeError):
        return False
    return True
