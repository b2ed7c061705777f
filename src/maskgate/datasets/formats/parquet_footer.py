"""Footers of Parquet files, put together.

A row group says where its pages stand in the file. When its bytes move, these numbers move with them; everything else
in its description stays as it was written: nothing is added or left out, so that what is not a place is copied as
bytes.

https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from maskgate.datasets.formats.thrift import LISTS, STRUCT, Reader, list_header, unzigzag, varint, zigzag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class _Struct:
    """What is changed in a struct, by the numbers of its fields.

    Attributes:
        places: Numbers that say where something stands; 0 says that it does not.
        ordinal: The number that counts row groups.
        inside: Structs, or lists of structs, in which more is changed.
    """

    places: frozenset[int] = frozenset()
    ordinal: int | None = None
    inside: Mapping[int, _Struct] = field(default_factory=dict)


# data_page_offset, index_page_offset, dictionary_page_offset, bloom_filter_offset
_COLUMN_METADATA = _Struct(places=frozenset({9, 10, 11, 14}))
# file_offset, offset_index_offset, column_index_offset
_COLUMN_CHUNK = _Struct(places=frozenset({2, 4, 6}), inside={3: _COLUMN_METADATA})
# file_offset; columns
_ROW_GROUP = _Struct(places=frozenset({5}), ordinal=7, inside={1: _COLUMN_CHUNK})
_NUM_ROWS, ROW_GROUPS = 3, 4


def moved_row_groups(footer: bytes, by: int, first: int) -> list[bytes]:
    """Return the row groups that a footer describes, as they are after a move.

    Args:
        footer: A ``FileMetaData``.
        by: How far the pages have moved.
        first: How many row groups there are before.
    """
    reader = Reader(footer)
    groups: list[bytes] = []
    for number, kind in reader.fields():
        if number != ROW_GROUPS:
            reader.skip(kind)
            continue
        count, _ = reader.list_header()
        for _ in range(count):
            moved = bytearray()
            _move_struct(reader, moved, _ROW_GROUP, by, first + len(groups))
            groups.append(bytes(moved))
    return groups


def moved_chunk(description: bytes, by: int) -> bytes:
    """Return a ``ColumnChunk`` as it is after a move."""
    moved = bytearray()
    _move_struct(Reader(description), moved, _COLUMN_CHUNK, by, 0)
    return bytes(moved)


def joined_footer(first: bytes, groups: Sequence[bytes], rows: int) -> bytes:
    """Return a footer with other row groups.

    Args:
        first: A ``FileMetaData`` of the same schema and writer.
        groups: The row groups.
        rows: How many rows they have together.
    """
    reader, out = Reader(first), bytearray()
    start = 0
    for number, kind in reader.fields():
        out += first[start : reader.at]
        start = reader.at
        reader.skip(kind)
        if number == _NUM_ROWS:
            out += varint(zigzag(rows))
        elif number == ROW_GROUPS:
            out += list_header(len(groups), STRUCT)
            for group in groups:
                out += group
        else:
            out += first[start : reader.at]
        start = reader.at
    return bytes(out + first[start : reader.at])


def _move_struct(reader: Reader, out: bytearray, what: _Struct, by: int, ordinal: int) -> None:
    start = reader.at
    for number, kind in reader.fields():
        if number in what.inside:
            out += reader.data[start : reader.at]
            count = 1
            if kind in LISTS:
                count, element = reader.list_header()
                out += list_header(count, element)
            for _ in range(count):
                _move_struct(reader, out, what.inside[number], by, ordinal)
            start = reader.at
        elif number in what.places or number == what.ordinal:
            out += reader.data[start : reader.at]
            place = unzigzag(reader.varint())
            if number == what.ordinal:
                # Sixteen bits: as other writers do, it begins anew behind the last one.
                place = (ordinal + (1 << 15)) % (1 << 16) - (1 << 15)
            elif place:
                place += by
            out += varint(zigzag(place))
            start = reader.at
        else:
            reader.skip(kind)
    out += reader.data[start : reader.at]
