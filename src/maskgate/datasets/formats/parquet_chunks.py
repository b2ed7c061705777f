"""Column chunks of Parquet from several writers, put together to one row group."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from maskgate.datasets.formats.parquet_footer import ROW_GROUPS, moved_chunk
from maskgate.datasets.formats.thrift import (
    STRUCT,
    elements_in,
    fields_of,
    int16,
    int64,
    list_of,
    number_in,
    struct_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

MAGIC = b"PAR1"
METADATA = 3
UNCOMPRESSED_SIZE, COMPRESSED_SIZE, DATA_PAGE, DICTIONARY_PAGE, STATISTICS = 6, 7, 9, 11, 12
_COLUMNS, _TOTAL_BYTE_SIZE, _NUM_ROWS, _FILE_OFFSET, _TOTAL_COMPRESSED_SIZE, _ORDINAL = 1, 2, 3, 5, 6, 7


@dataclass(frozen=True)
class Chunk:
    """The pages of one leaf in one row group.

    Attributes:
        description: A ``ColumnChunk``.
        start: Where the pages stand, as the description counts.
        data: Their bytes.
        uncompressed: How many these would be without a codec.
    """

    description: bytes
    start: int
    data: Any = field(repr=False)
    uncompressed: int = 0


def row_groups_of(footer: bytes) -> list[bytes]:
    """Return the row groups that a footer describes."""
    return elements_in(fields_of(footer)[ROW_GROUPS])


def chunks_of(written: Any, footer: bytes) -> list[Chunk]:
    """Take a file of one row group apart.

    Args:
        written: Its bytes.
        footer: Its ``FileMetaData``.
    """
    found = []
    for group in row_groups_of(footer):
        for description in elements_in(fields_of(group)[_COLUMNS]):
            metadata = fields_of(fields_of(description)[METADATA].data)
            start = number_in(metadata.get(DICTIONARY_PAGE, metadata[DATA_PAGE]))
            data = written[start : start + number_in(metadata[COMPRESSED_SIZE])]
            found.append(Chunk(description, start, data, number_in(metadata[UNCOMPRESSED_SIZE])))
    return found


def row_group(chunks: Sequence[Chunk], rows: int) -> bytes:
    """Describe chunks that stand behind one another at the beginning of a file, as the footer of such a file would.

    Args:
        chunks: The chunks, one for each leaf.
        rows: How many rows they have.
    """
    at, columns = len(MAGIC), []
    for chunk in chunks:
        columns.append(moved_chunk(chunk.description, at - chunk.start))
        at += len(chunk.data)
    group = {
        _COLUMNS: list_of(STRUCT, columns),
        _TOTAL_BYTE_SIZE: int64(sum(chunk.uncompressed for chunk in chunks)),
        _NUM_ROWS: int64(rows),
        _FILE_OFFSET: int64(len(MAGIC)),
        _TOTAL_COMPRESSED_SIZE: int64(at - len(MAGIC)),
        _ORDINAL: int16(0),
    }
    return struct_bytes({ROW_GROUPS: list_of(STRUCT, [struct_bytes(group)])})
