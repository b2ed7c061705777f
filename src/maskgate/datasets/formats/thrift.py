"""Thrift's compact protocol, as far as footers and page headers of Parquet need it.

A struct is its fields one after the other, each with its kind and the distance to the number of the field before.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BOOLEANS, BYTE, NUMBERS, DOUBLE, BINARY, LISTS, STRUCT = (1, 2), 3, (4, 5, 6), 7, 8, (9, 10), 12
INT32, INT64, LIST = 5, 6, 9
_LONG_LIST = 15
_FARTHEST = 15


class Value(NamedTuple):
    """What a field holds.

    Attributes:
        kind: Of which kind it is.
        data: Its bytes, as they stand in the struct.
    """

    kind: int
    data: bytes


TRUE = Value(BOOLEANS[0], b"")


def int32(value: int) -> Value:
    """Write a number of 32 bits."""
    return Value(INT32, varint(zigzag(value)))


def int64(value: int) -> Value:
    """Write a number of 64 bits."""
    return Value(INT64, varint(zigzag(value)))


def binary(value: bytes) -> Value:
    """Write bytes."""
    return Value(BINARY, varint(len(value)) + value)


def list_of(kind: int, values: Sequence[bytes]) -> Value:
    """Write a list, given its elements."""
    return Value(LIST, list_header(len(values), kind) + b"".join(values))


def struct(fields: Mapping[int, Value]) -> Value:
    """Write a struct, given its fields by their numbers."""
    return Value(STRUCT, struct_bytes(fields))


def struct_bytes(fields: Mapping[int, Value]) -> bytes:
    """Return the bytes of a struct, given its fields by their numbers."""
    out, before = bytearray(), 0
    for number, (kind, data) in sorted(fields.items()):
        distance = number - before
        if distance <= _FARTHEST:
            out.append(distance << 4 | kind)
        else:
            out += bytes([kind]) + varint(zigzag(number))
        out += data
        before = number
    return bytes(out) + b"\0"


def fields_of(data: bytes) -> dict[int, Value]:
    """Return the fields of a struct by their numbers."""
    return read_fields(Reader(data))


def read_fields(reader: Reader, *, enter: int | None = None) -> dict[int, Value]:
    """Read the fields of a struct; where one of them is entered, its own fields, and nothing else."""
    found: dict[int, Value] = {}
    inside: dict[int, Value] | None = None
    for number, kind in reader.fields():
        if number == enter:
            inside = read_fields(reader)
            continue
        start = reader.at
        reader.skip(kind)
        found[number] = Value(kind, reader.data[start : reader.at])
    return found if inside is None else inside


def number_in(value: Value) -> int:
    """Return the number that a field holds."""
    return unzigzag(Reader(value.data).varint())


class Reader:
    """Goes through a struct in the compact protocol."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def fields(self) -> Fields:
        """Give number and kind of each field; what it holds has to be read or skipped before the next."""
        return Fields(self)

    def varint(self) -> int:
        """Read a number without a sign."""
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
        if kind in NUMBERS:
            self.varint()
        elif kind in BOOLEANS:
            self.at += element
        elif kind == BYTE:
            self.at += 1
        elif kind == DOUBLE:
            self.at += 8
        elif kind == BINARY:
            length = self.varint()
            self.at += length
        elif kind in LISTS:
            count, kind_inside = self.list_header()
            for _ in range(count):
                self.skip(kind_inside, element=True)
        elif kind == STRUCT:
            for _, kind_inside in self.fields():
                self.skip(kind_inside)
        else:
            raise ValueError("a footer of Parquet holds no such kind")


class Fields:
    """Goes from field to field."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._number = 0

    def __iter__(self) -> Fields:
        return self

    def __next__(self) -> tuple[int, int]:
        reader = self._reader
        byte = reader.data[reader.at]
        reader.at += 1
        if byte == 0:
            raise StopIteration
        distance, kind = byte >> 4, byte & 0x0F
        self._number = self._number + distance if distance else unzigzag(reader.varint())
        return self._number, kind


def list_header(count: int, kind: int) -> bytes:
    """Write how many elements a list has, and of which kind."""
    if count < _LONG_LIST:
        return bytes([count << 4 | kind])
    return bytes([_LONG_LIST << 4 | kind]) + varint(count)


def varint(value: int) -> bytes:
    """Write a number without a sign."""
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004  seven bits a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value: int) -> int:
    """Fold the sign into the last bit."""
    return value << 1 if value >= 0 else (-value << 1) - 1


def unzigzag(value: int) -> int:
    """Unfold it."""
    return value >> 1 if not value & 1 else -(value >> 1) - 1
