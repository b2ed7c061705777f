"""Footers of Parquet files, put together.

A row group says where its pages stand in the file. When its bytes move, these numbers move with them; everything else
in its description stays as it was written. The description is Thrift in its compact protocol: fields one after the
other, each with its kind and the distance to the number of the field before. Nothing is added or left out, so that what
is not a place is copied as bytes.

https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BOOLEANS, _BYTE, _NUMBERS, _DOUBLE, _BINARY, _LISTS, _STRUCT = (1, 2), 3, (4, 5, 6), 7, 8, (9, 10), 12
_LONG_LIST = 15


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
_NUM_ROWS, _ROW_GROUPS = 3, 4


def moved_row_groups(footer: bytes, by: int, first: int) -> list[bytes]:
    """Return the row groups that a footer describes, as they are after a move.

    Args:
        footer: A ``FileMetaData``.
        by: How far the pages have moved.
        first: How many row groups there are before.
    """
    reader = _Reader(footer)
    groups: list[bytes] = []
    for number, kind in reader.fields():
        if number != _ROW_GROUPS:
            reader.skip(kind)
            continue
        count, _ = reader.list_header()
        for _ in range(count):
            moved = bytearray()
            _move_struct(reader, moved, _ROW_GROUP, by, first + len(groups))
            groups.append(bytes(moved))
    return groups


def joined_footer(first: bytes, groups: Sequence[bytes], rows: int) -> bytes:
    """Return a footer with other row groups.

    Args:
        first: A ``FileMetaData`` of the same schema and writer.
        groups: The row groups.
        rows: How many rows they have together.
    """
    reader, out = _Reader(first), bytearray()
    start = 0
    for number, kind in reader.fields():
        out += first[start : reader.at]
        start = reader.at
        reader.skip(kind)
        if number == _NUM_ROWS:
            out += _varint(_zigzag(rows))
        elif number == _ROW_GROUPS:
            out += _list_header(len(groups), _STRUCT)
            for group in groups:
                out += group
        else:
            out += first[start : reader.at]
        start = reader.at
    return bytes(out + first[start : reader.at])


def _move_struct(reader: _Reader, out: bytearray, what: _Struct, by: int, ordinal: int) -> None:
    start = reader.at
    for number, kind in reader.fields():
        if number in what.inside:
            out += reader.data[start : reader.at]
            count = 1
            if kind in _LISTS:
                count, element = reader.list_header()
                out += _list_header(count, element)
            for _ in range(count):
                _move_struct(reader, out, what.inside[number], by, ordinal)
            start = reader.at
        elif number in what.places or number == what.ordinal:
            out += reader.data[start : reader.at]
            place = _unzigzag(reader.varint())
            if number == what.ordinal:
                # Sixteen bits: as other writers do, it begins anew behind the last one.
                place = (ordinal + (1 << 15)) % (1 << 16) - (1 << 15)
            elif place:
                place += by
            out += _varint(_zigzag(place))
            start = reader.at
        else:
            reader.skip(kind)
    out += reader.data[start : reader.at]


class _Reader:
    """Goes through a struct in the compact protocol."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def fields(self) -> _Fields:
        """Give number and kind of each field; what it holds has to be read or skipped before the next."""
        return _Fields(self)

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004  the bit that says that more follows
                return value
            shift += 7

    def list_header(self) -> tuple[int, int]:
        """Read how many elements a list has, and of which kind."""
        byte = self.data[self.at]
        self.at += 1
        count = byte >> 4
        return (self.varint() if count == _LONG_LIST else count), byte & 0x0F

    def skip(self, kind: int, *, element: bool = False) -> None:
        """Go behind a value."""
        if kind in _NUMBERS:
            self.varint()
        elif kind in _BOOLEANS:
            self.at += element
        elif kind == _BYTE:
            self.at += 1
        elif kind == _DOUBLE:
            self.at += 8
        elif kind == _BINARY:
            length = self.varint()
            self.at += length
        elif kind in _LISTS:
            count, kind_inside = self.list_header()
            for _ in range(count):
                self.skip(kind_inside, element=True)
        elif kind == _STRUCT:
            for _, kind_inside in self.fields():
                self.skip(kind_inside)
        else:
            raise ValueError("a footer of Parquet holds no such kind")


class _Fields:
    def __init__(self, reader: _Reader) -> None:
        self._reader = reader
        self._number = 0

    def __iter__(self) -> _Fields:
        return self

    def __next__(self) -> tuple[int, int]:
        reader = self._reader
        byte = reader.data[reader.at]
        reader.at += 1
        if byte == 0:
            raise StopIteration
        distance, kind = byte >> 4, byte & 0x0F
        self._number = self._number + distance if distance else _unzigzag(reader.varint())
        return self._number, kind


def _list_header(count: int, kind: int) -> bytes:
    if count < _LONG_LIST:
        return bytes([count << 4 | kind])
    return bytes([_LONG_LIST << 4 | kind]) + _varint(count)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004  seven bits a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _unzigzag(value: int) -> int:
    return value >> 1 if not value & 1 else -(value >> 1) - 1
