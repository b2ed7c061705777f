"""Parquet: read by row groups, written by row groups."""

from __future__ import annotations

import hashlib
import io
import math
from bisect import bisect_left, bisect_right
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from maskgate.datasets.formats.format import FileFacts, Piece, check_options
from maskgate.datasets.formats.parquet_encoding import ParquetEncoder
from maskgate.datasets.formats.parquet_strips import Strips
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from maskgate.datasets.files import InputFile
    from maskgate.datasets.layout import Layout

_STREAM_BYTES = 1 << 17
# Small row groups are fetched together, large ones alone.
_FETCHED_BYTES = 64 << 20
_PROBED_ROWS = 4096
# The most that a cell takes, on average, where few values repeat: a code, and a share in the dictionary.
_REPEATING_BYTES = 2


class Parquet:
    """Apache Parquet."""

    name = "parquet"
    suffixes: tuple[str, ...] = (".parquet",)

    def look(self, file: InputFile, options: Mapping[str, Any]) -> FileFacts:
        """Read the footer, which says all that there is to declare.

        Raises:
            UsageError: If something is declared all the same.
        """
        check_options("a Parquet file", options)
        with _opened(file) as parquet:
            metadata = parquet.metadata
            digest = hashlib.sha256(_footer_of(metadata)).hexdigest()
            schema, pieces = parquet.schema_arrow, tuple(_pieces(file, metadata))
            return FileFacts(schema, pieces, metadata.num_rows, digest, _repeating(schema, metadata))

    def read(
        self,
        piece: Piece,
        schema: pa.Schema,
        rows: int,
        options: Mapping[str, Any],  # noqa: ARG002
        columns: Sequence[str] | None,
    ) -> Iterator[pa.RecordBatch]:
        """Read the row groups of a piece, one thread doing all of it."""
        groups = range(piece.start, piece.stop)
        found = 0
        with _opened(piece.file, [item.name for item in schema if pa.types.is_dictionary(item.type)]) as parquet:
            strips = Strips.of(parquet, groups, columns, _STREAM_BYTES)
            batches = strips.read(groups, rows)
            while (batch := _next(strips, batches, piece, found)) is not None:
                found += batch.num_rows
                ready = [batch]
                del batch
                yield ready.pop()
        if found != piece.rows:
            raise DatasetError(
                f"{piece.shown}: there should be {piece.rows} rows, and there are {found}. Write the file again."
            )

    def types_as_read(self, schema: pa.Schema) -> list[pa.DataType]:
        """Write an empty file and read it."""
        if any(_has_lists_of_none(item.type) for item in schema):
            raise pa.ArrowNotImplementedError("lists of no elements end the process that writes them")
        buffer = io.BytesIO()
        pq.write_table(schema.empty_table(), buffer)
        buffer.seek(0)
        return [item.type for item in pq.read_schema(buffer)]

    def encoder(self, schema: pa.Schema, layout: Layout) -> ParquetEncoder:
        """Return what writes row groups."""
        return ParquetEncoder(schema, layout)


@dataclass(frozen=True)
class _RowGroups(Piece):
    """Row groups of one file.

    Attributes:
        ends: For each, how many rows there are up to its end.
    """

    ends: tuple[int, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, file: InputFile, start: int, ends: tuple[int, ...], size: int) -> _RowGroups:
        """Name them, counted from zero as the tools for Parquet do."""
        stop = start + len(ends)
        groups = f"row group {start}" if len(ends) == 1 else f"row groups {start} to {stop - 1}"
        return cls(file, start, stop, ends[-1], size, f"{file.shown}, {groups}", ends=ends)

    def behind(self, rows: int) -> tuple[Piece, int]:
        first = bisect_right(self.ends, rows)
        return (self._from(first, len(self.ends)), rows - self.ends[first - 1]) if first else (self, rows)

    def around(self, start: int, rows: int) -> Piece:
        # Of no rows, where they would stand.
        first, last = bisect_right(self.ends, start), bisect_left(self.ends, start + max(rows, 1))
        return self._from(min(first, len(self.ends) - 1), min(last, len(self.ends) - 1) + 1)

    def _from(self, first: int, stop: int) -> _RowGroups:
        before = self.ends[first - 1] if first else 0
        ends = tuple(end - before for end in self.ends[first:stop])
        return _RowGroups.of(self.file, self.start + first, ends, self.size * ends[-1] // max(1, self.ends[-1]))


def _pieces(file: InputFile, metadata: pq.FileMetaData) -> Iterator[Piece]:
    """Cut a file of a store into what is fetched at once; one on a disk is read from its beginning to its end."""
    most = _FETCHED_BYTES if file.filesystem is not None else math.inf
    start = size = 0
    ends: list[int] = []
    for at in range(metadata.num_row_groups):
        group = metadata.row_group(at)
        if ends and size + group.total_byte_size > most:
            yield _RowGroups.of(file, start, tuple(ends), size)
            start, size, ends = at, 0, []
        ends.append((ends[-1] if ends else 0) + group.num_rows)
        size += group.total_byte_size
    if ends:
        yield _RowGroups.of(file, start, tuple(ends), size)


def _repeating(schema: pa.Schema, metadata: pq.FileMetaData) -> frozenset[str]:
    """Return the columns of text that take so little room that few values must repeat, judged by one row group."""
    if not metadata.num_row_groups:
        return frozenset()
    group = metadata.row_group(0)
    chunks = [group.column(at) for at in range(group.num_columns)]
    return frozenset(
        chunk.path_in_schema
        for chunk in chunks
        if chunk.has_dictionary_page
        and chunk.total_uncompressed_size <= _REPEATING_BYTES * group.num_rows
        and chunk.path_in_schema in schema.names
        and schema.field(chunk.path_in_schema).type in (pa.string(), pa.binary())
    )


def _footer_of(metadata: pq.FileMetaData) -> bytes:
    buffer = io.BytesIO()
    metadata.write_metadata_file(buffer)
    return buffer.getvalue()


@contextmanager
def _opened(file: InputFile, dictionaries: Sequence[str] = ()) -> Iterator[pq.ParquetFile]:
    with file.open() as source:
        failed = False
        try:
            parquet = pq.ParquetFile(
                source,
                buffer_size=_STREAM_BYTES,
                pre_buffer=False,
                page_checksum_verification=True,
                read_dictionary=list(dictionaries),
            )
        except (pa.ArrowException, OSError, ValueError, EOFError):
            failed = True
        if failed:
            # Outside of the handler: the original error may quote what is in the file.
            raise DatasetError(
                f"{file.shown}: it is not a Parquet file, or a damaged one. Write it again, or leave it out."
            )
        with parquet:
            yield parquet


def _next(strips: Strips, batches: Iterator[pa.RecordBatch], piece: Piece, found: int) -> pa.RecordBatch | None:
    with suppress(pa.ArrowException, OSError, ValueError):
        return next(batches, None)
    left = range(piece.around(found, 1).start, piece.stop)
    damaged = next((at for at in left if not _is_readable(strips, at)), None)
    shown = piece.shown if damaged is None else f"{piece.file.shown}, row group {damaged}"
    raise DatasetError(f"{shown}: it is damaged, and cannot be read to its end. Write it again.")


def _is_readable(strips: Strips, group: int) -> bool:
    try:
        for _ in strips.read([group], _PROBED_ROWS):
            pass
    except (pa.ArrowException, OSError, ValueError):
        return False
    return True


def _has_lists_of_none(type_: pa.DataType) -> bool:
    if pa.types.is_fixed_size_list(type_) and type_.list_size == 0:
        return True
    return any(_has_lists_of_none(type_.field(at).type) for at in range(type_.num_fields))
