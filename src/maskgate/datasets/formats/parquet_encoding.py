"""Writes Parquet on many threads: each row group by itself, in memory, and put together by their footers.

The same rows always give the same bytes. A column of which hardly any cell repeats in a row group gets no dictionary
there: it would be built, found too large and thrown away. Its text stands apart from its lengths instead, and its
integers are packed by their differences, which takes less time and less room.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from maskgate.crypto.hexadecimal import write_hexadecimal
from maskgate.datasets.formats.compression import codec_of
from maskgate.datasets.formats.format import Segment
from maskgate.datasets.formats.parquet_chunks import MAGIC, chunks_of, note_of, row_group
from maskgate.datasets.formats.parquet_digits import digits_chunk
from maskgate.datasets.formats.parquet_footer import joined_footer
from maskgate.datasets.formats.parquet_statistics import statistics_of
from maskgate.datasets.formats.reused_room import Borrowed, ReusedRoom
from maskgate.methods.layout import countable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from maskgate.datasets.formats.parquet_chunks import Chunk
    from maskgate.datasets.formats.thrift import Value
    from maskgate.datasets.layout import Layout

_TAIL = 8
_SAMPLE_ROWS = 8192
_MARGIN = 1 << 20
# Pages of this size are compressed in half the time of those of a megabyte, where text is as random as tokens are, and
# to no more bytes: codecs choose smaller tables for them.
_PAGE_BYTES = 64 << 10
_CODECS = ("zstd", "snappy", "gzip", "brotli", "lz4", "none")


class ParquetEncoder:
    """Encodes row groups of one schema.

    Args:
        schema: What they look like.
        layout: How they are compressed.
    """

    def __init__(self, schema: pa.Schema, layout: Layout) -> None:
        self._schema = schema
        self._leaves = _leaf_paths(schema)
        self._room = ReusedRoom()
        self._compact = layout.encodings == "compact"
        codec, level = codec_of(layout, _CODECS, "Parquet files")
        self._options: dict[str, Any] = {
            "compression": codec,
            "data_page_size": _PAGE_BYTES,
            "compression_level": level,
        }

    def encode(self, batches: list[pa.RecordBatch]) -> Segment:
        """Encode batches as one row group; a column is taken out of them as soon as it is encoded by itself.

        Where :attr:`spells` says so, a column of text may be ``fixed_size_binary``: the bytes that its digits spell.
        """
        rows = sum(batch.num_rows for batch in batches)
        borrowed = Borrowed(self._room)
        known = {} if not batches else self._statistics(batches, rows)
        own = self._digits(batches, borrowed)
        others = [at for at in range(len(self._schema)) if at not in own]
        chunks = []
        if others:
            described = frozenset(self._leaves[at][0] for at in known)
            written = self._written(_Rows(batches, rows, [self._leaves[at] for at in others], described), borrowed)
            chunks = chunks_of(written, _footer_of(written))
        rest = iter(chunks)
        chunks = [own[at] if at in own else next(rest) for at, paths in enumerate(self._leaves) for _ in paths]
        leaf_of = {at: sum(map(len, self._leaves[:at])) for at in known}
        for at, statistics in known.items():
            chunks[leaf_of[at]] = chunks[leaf_of[at]].with_statistics(statistics)
        return Segment(rows, tuple(chunk.data for chunk in chunks), note_of(chunks), borrowed.give_back)

    def _statistics(self, batches: Sequence[pa.RecordBatch], rows: int) -> dict[int, Mapping[int, Value]]:
        """Return what statistics are known of columns behind dictionaries, by their places."""
        if rows < _SAMPLE_ROWS:
            return {}
        found = {at: statistics_of([batch.column(at) for batch in batches]) for at in range(len(self._schema))}
        return {at: each for at, each in found.items() if each is not None}

    @property
    def spells(self) -> bool:
        """Whether columns of text may come as the bytes that their hexadecimal digits spell."""
        return self._compact and self._options["compression"] == "zstd"

    def _digits(self, batches: list[pa.RecordBatch], borrowed: Borrowed) -> dict[int, Chunk]:
        """Encode the columns of hexadecimal digits, by their places, and take them out of the batches."""
        found: dict[int, Chunk] = {}
        if not batches or not self.spells:
            return found
        for at, item in enumerate(self._schema):
            place = at - len(found)
            if not _is_text(item.type) or pa.types.is_dictionary(batches[0].schema.types[place]):
                continue
            columns = [batch.column(place) for batch in batches]
            chunk = None if _repeats(columns[0].slice(0, _SAMPLE_ROWS)) else digits_chunk(item, columns, borrowed.take)
            if chunk is not None:
                found[at] = chunk
                batches[:] = [batch.remove_column(place) for batch in batches]
            elif pa.types.is_fixed_size_binary(columns[0].type):
                large = pa.types.is_large_string(item.type)
                batches[:] = [
                    batch.set_column(place, item, write_hexadecimal(column, large=large))
                    for batch, column in zip(batches, columns, strict=True)
                ]
            del columns
        return found

    def assembly(self) -> ParquetAssembly:
        """Begin a file."""
        return ParquetAssembly(self)

    @cached_property
    def empty_footer(self) -> bytes:
        """What a file without rows says of itself: its schema, and who has written it."""
        borrowed = Borrowed(self._room)
        footer = _footer_of(self._written(_Rows([], 0, self._leaves), borrowed))
        borrowed.give_back()
        return footer

    def _written(self, rows: _Rows, borrowed: Borrowed) -> memoryview:
        """Have Arrow write a file of one row group."""
        room = borrowed.take(sum(batch.nbytes for batch in rows.batches) + _MARGIN)
        try:
            sink = pa.FixedSizeBufferWriter(room)
            self._write(sink, rows)
            return memoryview(room)[: sink.tell()]
        except (pa.ArrowException, OSError):
            # Hardly ever it takes more room than the cells do in memory.
            stream = pa.BufferOutputStream()
            self._write(stream, rows)
            return memoryview(stream.getvalue())

    def _write(self, sink: Any, rows: _Rows) -> None:
        # A dictionary that comes along is written as it is; that there was one, the footer does not say.
        schema = rows.batches[0].schema if rows.batches else self._schema
        encodings = self._encodings(rows.batches[:1], rows.leaves)
        with pq.ParquetWriter(
            sink, schema, **self._options, **encodings, write_statistics=rows.to_be_described
        ) as writer:
            if rows.batches:
                table = pa.Table.from_batches(rows.batches)
                table = table if len(rows.batches) == 1 else table.unify_dictionaries()
                writer.write_table(table, row_group_size=rows.count)

    def _encodings(self, batches: Sequence[pa.RecordBatch], leaves: Sequence[Sequence[str]]) -> dict[str, Any]:
        """Choose an encoding for each leaf, judged by the first rows."""
        repeating: list[str] = []
        encodings: dict[str, str] = {}
        for batch in batches:
            sample = batch.slice(0, _SAMPLE_ROWS)
            for column, paths in zip(sample.columns, leaves, strict=True):
                if _repeats(column):
                    repeating += paths
                elif self._compact and (encoding := _encoding(column.type)) is not None:
                    encodings[paths[0]] = encoding
        return {"use_dictionary": repeating, "column_encoding": encodings or None}


@dataclass(frozen=True)
class _Rows:
    """Rows that Arrow writes.

    Attributes:
        batches: The rows.
        count: How many there are.
        leaves: For each column the paths of what Parquet stores for it.
        described: Paths of which the statistics are known.
    """

    batches: Sequence[pa.RecordBatch] = field(repr=False)
    count: int
    leaves: Sequence[Sequence[str]]
    described: frozenset[str] = frozenset()

    @property
    def to_be_described(self) -> bool | list[str]:
        """Say for which paths Arrow has to find statistics."""
        left = [path for paths in self.leaves for path in paths if path not in self.described]
        return left if left and self.described else not self.described


class ParquetAssembly:
    """A file made of row groups that were encoded by themselves."""

    def __init__(self, encoder: ParquetEncoder) -> None:
        self._encoder = encoder
        self._size = 0
        self._rows = 0
        self._groups: list[bytes] = []

    def begin(self) -> bytes:
        """Return the magic number."""
        self._size = len(MAGIC)
        return MAGIC

    def add(self, segment: Segment) -> Iterator[Any]:
        """Return the pages; remember where they came to stand."""
        self._groups.append(row_group(segment.note, segment.rows, self._size))
        self._size += segment.size
        self._rows += segment.rows
        yield from segment.data

    def remembered(self) -> bytes:
        """Return the description of the last row group."""
        return self._groups[-1]

    def recall(self, rows: int, size: int, note: Any) -> None:
        """Take the description of a row group that is there."""
        self._groups.append(note)
        self._size += size
        self._rows += rows

    def end(self) -> bytes:
        """Return the footer."""
        footer = joined_footer(self._encoder.empty_footer, self._groups, self._rows)
        return footer + len(footer).to_bytes(4, "little") + MAGIC


def _footer_of(written: memoryview) -> bytes:
    """Return what stands behind the pages of a file."""
    size = int.from_bytes(written[-_TAIL:-4], "little")
    return bytes(written[-_TAIL - size : -_TAIL])


def _leaf_paths(schema: pa.Schema) -> list[list[str]]:
    """Return for each column the paths of what Parquet stores for it."""
    buffer = io.BytesIO()
    pq.write_table(schema.empty_table(), buffer)
    buffer.seek(0)
    leaves = pq.ParquetFile(buffer).schema
    paths = iter([leaves.column(at).path for at in range(len(leaves))])
    return [[next(paths) for _ in range(_leaf_count(item.type))] for item in schema]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _repeats(column: pa.Array) -> bool:
    if pa.types.is_nested(column.type) or pa.types.is_dictionary(column.type) or pa.types.is_null(column.type):
        return True
    return bool(2 * len(countable(column).unique()) <= len(column))


def _encoding(type_: pa.DataType) -> str | None:
    """Return how cells that hardly repeat are encoded: lengths apart from text, and integers by their differences."""
    if any(is_text(type_) for is_text in _TEXTS):
        return "DELTA_LENGTH_BYTE_ARRAY"
    if pa.types.is_integer(type_) or pa.types.is_date32(type_) or pa.types.is_timestamp(type_):
        return "DELTA_BINARY_PACKED"
    return None


_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)


def _leaf_count(type_: pa.DataType) -> int:
    if not pa.types.is_nested(type_):
        return 1
    return sum(_leaf_count(type_.field(at).type) for at in range(type_.num_fields))
