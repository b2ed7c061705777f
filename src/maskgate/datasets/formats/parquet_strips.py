"""Row groups with many columns, read from a few of these at a time.

Whoever reads a row group from all of its columns at once holds a page, a dictionary, a buffer and a decompressor of
each: of two thousand columns, gigabytes. Beyond a limit, columns are read in strips, one after the other to the end of
the row group, and put side by side again. What memory has no room for meanwhile lies in a file that nobody else can
read (:mod:`maskgate.datasets.moving.spill`).
"""

from __future__ import annotations

import io
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Self

import pyarrow as pa
import pyarrow.ipc

from maskgate.masking.joining import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    import pyarrow.parquet as pq

    from maskgate.datasets.moving.spill import Place, Spill

# What readers of all columns may take; a table of a hundred and more columns with full pages stays below.
_AT_ONCE_BYTES = 192 << 20
_STRIP_BYTES = 64 << 20
_HELD_BYTES = 64 << 20
# Writers end a page when it has this size, and a dictionary too.
_PAGE_BYTES = 1 << 20
_DECOMPRESSOR_BYTES = 160 << 10
_FEWEST = 2


@dataclass(frozen=True)
class Strips:
    """Columns of a file, in strips.

    Attributes:
        parquet: The file.
        columns: The columns that are wanted; None for all.
        leaves: For each strip, the places of what Parquet stores for its columns; none if all are read at once.
    """

    parquet: pq.ParquetFile = field(repr=False)
    columns: Collection[str] | None
    leaves: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of(cls, parquet: pq.ParquetFile, groups: Sequence[int], columns: Collection[str] | None, buffer: int) -> Strips:
        """Cut columns into strips.

        Args:
            parquet: The file.
            groups: The row groups that are wanted.
            columns: The columns that are wanted; None for all.
            buffer: How many bytes of a column are fetched at once.
        """
        fields = _leaves_of(parquet, columns)
        if not groups or len(fields) < _FEWEST:
            return cls(parquet, columns)
        group = max(map(parquet.metadata.row_group, groups), key=lambda each: each.total_byte_size)
        taken = [sum(_taken(group.column(leaf), buffer) for leaf in each) for each in fields]
        if sum(taken) <= _AT_ONCE_BYTES:
            return cls(parquet, columns)
        return cls(parquet, columns, tuple(_packed(fields, taken, _STRIP_BYTES)))

    def read(self, groups: Sequence[int], rows: int) -> Iterator[pa.RecordBatch]:
        """Read row groups in batches of at most so many rows, one thread doing all of it.

        Raises:
            DatasetError: If the folder for temporary files is too small.
        """
        if not self.leaves:
            columns = None if self.columns is None else list(self.columns)
            yield from self.parquet.iter_batches(rows, row_groups=groups, columns=columns, use_threads=False)
            return
        for group in groups:
            with _Shelf() as shelf:
                kept = [[shelf.put(each) for each in self._aligned(group, rows, leaves)] for leaves in self.leaves]
                for takes in zip(*kept, strict=True):
                    yield _side_by_side(take() for take in takes)

    def _strip(self, group: int, rows: int, leaves: Sequence[int]) -> Iterator[pa.RecordBatch]:
        # By their places: a name with a point may be that of another column's field.
        found: Iterator[pa.RecordBatch] = self.parquet.reader.iter_batches(
            rows, row_groups=[group], column_indices=list(leaves), use_threads=False
        )
        return found

    def _aligned(self, group: int, rows: int, leaves: Sequence[int]) -> Iterator[pa.RecordBatch]:
        """Read a strip in batches that end where those of the other strips do."""
        pending: list[pa.RecordBatch] = []
        for batch in self._strip(group, rows, leaves):
            left = batch
            while left.num_rows:
                part = left.slice(0, rows - sum(each.num_rows for each in pending))
                left = left.slice(part.num_rows)
                pending.append(part)
                if sum(each.num_rows for each in pending) == rows:
                    yield joined(pending, pending[0].schema)
                    pending = []
        if pending:
            yield joined(pending, pending[0].schema)


class _Shelf:
    """Keeps batches until they are taken: the first ones in memory, and the others in a file."""

    def __init__(self) -> None:
        self._left = _HELD_BYTES
        self._stack = ExitStack()
        self._spill: Spill | None = None

    def put(self, batch: pa.RecordBatch) -> Callable[[], pa.RecordBatch]:
        """Keep a batch; return what gives it back."""
        self._left -= batch.nbytes
        if self._left >= 0:
            return lambda: batch
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        if self._spill is None:
            from maskgate.datasets.moving.spill import Spill  # noqa: PLC0415  few tables are so wide

            self._spill = self._stack.enter_context(Spill("the columns of a wide row group"))
        return partial(_taken_back, self._spill, self._spill.write(sink.getbuffer()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _taken_back(spill: Spill, place: Place) -> pa.RecordBatch:
    with pa.ipc.open_stream(pa.py_buffer(spill.read(place))) as stream:
        return stream.read_next_batch()


def _side_by_side(batches: Iterable[pa.RecordBatch]) -> pa.RecordBatch:
    columns: list[pa.Array] = []
    names: list[str] = []
    for batch in batches:
        columns += batch.columns
        names += batch.schema.names
    return pa.RecordBatch.from_arrays(columns, names=names)


def _leaves_of(parquet: pq.ParquetFile, columns: Collection[str] | None) -> list[tuple[int, ...]]:
    """Return the places of what Parquet stores for each column that is wanted; nothing if that cannot be told."""
    at = 0
    found = []
    for item in parquet.schema_arrow:
        count = _leaf_count(item.type)
        if columns is None or item.name in columns:
            found.append(tuple(range(at, at + count)))
        at += count
    return found if at == parquet.metadata.num_columns else []


def _leaf_count(kind: pa.DataType) -> int:
    if isinstance(kind, pa.BaseExtensionType):
        return _leaf_count(kind.storage_type)
    if not pa.types.is_nested(kind):
        return 1
    return sum(_leaf_count(kind.field(at).type) for at in range(kind.num_fields))


def _taken(chunk: pq.ColumnChunkMetaData, buffer: int) -> int:
    """Return about how many bytes somebody holds who reads a column chunk."""
    page = min(_PAGE_BYTES, int(chunk.total_uncompressed_size))
    dictionary = page if chunk.has_dictionary_page else 0
    decompressor = 0 if chunk.compression == "UNCOMPRESSED" else _DECOMPRESSOR_BYTES
    return min(buffer, int(chunk.total_compressed_size)) + page + dictionary + decompressor


def _packed(fields: Sequence[tuple[int, ...]], taken: Sequence[int], most: int) -> Iterator[tuple[int, ...]]:
    """Put columns that stand beside one another into strips of about so many bytes."""
    strip: list[int] = []
    size = 0
    for leaves, each in zip(fields, taken, strict=True):
        if strip and size + each > most:
            yield tuple(strip)
            strip, size = [], 0
        strip += leaves
        size += each
    yield tuple(strip)
