"""Column chunks of Parquet from several writers, put together to one row group.

A chunk says where its pages stand in the file. When these move, the numbers move with them; everything else in its
description stays as it was written.

https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from maskgate.datasets.formats.thrift import (
    STRUCT,
    Reader,
    Value,
    int64,
    list_of,
    number_in,
    read_fields,
    struct,
    struct_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAGIC = b"PAR1"
UNCOMPRESSED_SIZE, COMPRESSED_SIZE, DATA_PAGE, INDEX_PAGE, DICTIONARY_PAGE, STATISTICS = 6, 7, 9, 10, 11, 12
_PLACES = (DATA_PAGE, INDEX_PAGE, DICTIONARY_PAGE)
_FILE_OFFSET, _METADATA = 2, 3
_ROW_GROUPS = 4
_COLUMNS, _TOTAL_BYTE_SIZE, _NUM_ROWS, _GROUP_OFFSET, _TOTAL_COMPRESSED_SIZE = 1, 2, 3, 5, 6


@dataclass(frozen=True)
class Chunk:
    """The pages of one leaf in one row group.

    Attributes:
        metadata: The fields of its ``ColumnMetaData``.
        data: The bytes of its pages.
    """

    metadata: Mapping[int, Value]
    data: Any = field(repr=False)

    def with_statistics(self, statistics: Mapping[int, Value]) -> Chunk:
        """Return the chunk with statistics in its description."""
        return replace(self, metadata={**self.metadata, STATISTICS: struct(statistics)})


def chunks_of(written: Any, footer: bytes) -> list[Chunk]:
    """Take a file of one row group, or of none, apart.

    Args:
        written: Its bytes.
        footer: Its ``FileMetaData``.
    """
    found = []
    for metadata in _columns(Reader(footer)):
        start = _start(metadata)
        found.append(Chunk(metadata, written[start : start + number_in(metadata[COMPRESSED_SIZE])]))
    return found


def _columns(reader: Reader) -> Iterator[dict[int, Value]]:
    """Go through a footer to the metadata of each column."""
    for number, kind in reader.fields():
        if number != _ROW_GROUPS:
            reader.skip(kind)
            continue
        for _ in range(reader.list_header()[0]):
            for within, kind_within in reader.fields():
                if within != _COLUMNS:
                    reader.skip(kind_within)
                    continue
                for _ in range(reader.list_header()[0]):
                    yield read_fields(reader, enter=_METADATA)


def note_of(chunks: Sequence[Chunk]) -> bytes:
    """Return the metadata of chunks, one for each leaf, until it is known where they stand."""
    return b"".join(struct_bytes(chunk.metadata) for chunk in chunks)


def row_group(note: bytes, rows: int, at: int) -> bytes:
    """Describe chunks that stand behind one another.

    Args:
        note: Their metadata.
        rows: How many rows they have.
        at: Where the first one stands in the file.
    """
    reader, columns, place, uncompressed = Reader(note), [], at, 0
    while reader.at < len(note):
        metadata = read_fields(reader)
        columns.append(_column_chunk(metadata, place - _start(metadata)))
        place += number_in(metadata[COMPRESSED_SIZE])
        uncompressed += number_in(metadata[UNCOMPRESSED_SIZE])
    return struct_bytes(
        {
            _COLUMNS: list_of(STRUCT, columns),
            _TOTAL_BYTE_SIZE: int64(uncompressed),
            _NUM_ROWS: int64(rows),
            _GROUP_OFFSET: int64(at),
            _TOTAL_COMPRESSED_SIZE: int64(place - at),
        }
    )


def _start(metadata: Mapping[int, Value]) -> int:
    return number_in(metadata.get(DICTIONARY_PAGE, metadata[DATA_PAGE]))


def _column_chunk(metadata: Mapping[int, Value], by: int) -> bytes:
    """Return a ``ColumnChunk`` whose pages have moved."""
    moved = {number: int64(number_in(metadata[number]) + by) for number in _PLACES if number in metadata}
    return struct_bytes({_FILE_OFFSET: int64(0), _METADATA: struct({**metadata, **moved})})
