"""Column chunks of hexadecimal digits, which is what most tokens are: written here, and not by Arrow.

The digits stand behind their lengths (`DELTA_LENGTH_BYTE_ARRAY`), and all lengths are the same, so that a page is a few
bytes, zeros, and digits. zstd would find out how to write these; here it is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from maskgate.crypto.cells import validity
from maskgate.crypto.hexadecimal import digits_of
from maskgate.crypto.texts import rows_of_bytes
from maskgate.datasets.formats.parquet_chunks import (
    COMPRESSED_SIZE,
    DATA_PAGE,
    MAGIC,
    STATISTICS,
    UNCOMPRESSED_SIZE,
    Chunk,
)
from maskgate.datasets.formats.thrift import (
    BINARY,
    INT32,
    Value,
    binary,
    int32,
    int64,
    list_of,
    struct,
    struct_bytes,
    varint,
    zigzag,
)
from maskgate.datasets.formats.zstd_digits import MOST_DIGITS, DigitFrames, read_digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

_FEWEST_ROWS, _LONGEST = 1024, 1024
_SAMPLE, _RANDOM = 1 << 15, 0.49
# Streams of zstd have whole words then.
_ROWS_AT_ONCE = 64
_DIGITS = b"0123456789abcdef"
_BYTE_ARRAY, _ZSTD, _DATA = 6, 6, 0
_PLAIN, _RLE, _DELTA_LENGTH = 0, 3, 6
_DELTAS, _MINIBLOCKS = 128, 4


class _Digits(Protocol):
    """Digits, one behind the other."""

    def cut(self, start: int, stop: int) -> _Digits:
        """Return those between two places, which are even but for the end of all."""
        ...

    def spelled(self, pages: int, coded: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
        """Return the bytes that the first digits of each page spell, and a row of its other digits.

        None if something else is among them.
        """
        ...


@dataclass(frozen=True)
class _Text:
    """Digits that are there."""

    text: NDArray[np.uint8] = field(repr=False)

    def cut(self, start: int, stop: int) -> _Text:
        return _Text(self.text[start:stop])

    def spelled(self, pages: int, coded: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
        each = self.text.reshape(pages, -1)
        left, spelled = each[:, coded:], read_digits(each[:, :coded].reshape(-1))
        return None if spelled is None or left.tobytes().strip(_DIGITS) else (spelled, left)


@dataclass(frozen=True)
class _Bytes:
    """Digits of which there is only what they spell."""

    data: NDArray[np.uint8] = field(repr=False)

    def cut(self, start: int, stop: int) -> _Bytes:
        return _Bytes(self.data[start // 2 : stop // 2])

    def spelled(self, pages: int, coded: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
        each = self.data.reshape(pages, -1)
        left = np.ascontiguousarray(each[:, coded // 2 :])
        return each[:, : coded // 2].reshape(-1), digits_of(left).reshape(pages, -1)


@dataclass(frozen=True)
class _Cells:
    """Cells of one length.

    Attributes:
        digits: Those of cells that are not null.
        length: How many characters each has.
        valid: Which are not null; None if all.
        rows: How many there are, with nulls.
    """

    digits: _Digits
    length: int
    valid: NDArray[np.bool_] | None = field(repr=False)
    rows: int


def digits_chunk(item: pa.Field, columns: Sequence[pa.Array], take: Callable[[int], pa.Buffer]) -> Chunk | None:
    """Write a column of hexadecimal digits in lower case, each cell as long as the others.

    Args:
        item: The column.
        columns: Its cells, of ``string`` or ``large_string``; or of ``fixed_size_binary``, what they spell.
        take: Returns room for the bytes.

    Returns:
        None if it is no such column, or a short one.
    """
    rows = sum(map(len, columns))
    found = [_cells(column) for column in columns] if rows >= _FEWEST_ROWS else []
    cells = [each for each in found if each is not None]
    if not cells or len(cells) < len(found) or len({each.length for each in cells}) > 1:
        return None
    pages = [_Pages.of(*part) for each in cells for part in _pages(each, nullable=item.nullable)]
    size = sum(each.size for each in pages)
    data = np.frombuffer(take(size), np.uint8, size)
    start = 0
    for each in pages:
        if not each.write(data[start : start + each.size]):
            return None
        start += each.size
    nulls = sum(column.null_count for column in columns)
    uncompressed = sum(each.uncompressed for each in pages)
    return Chunk(_metadata(item.name, rows, nulls, size, uncompressed), data.data)


def _cells(column: pa.Array) -> _Cells | None:
    if pa.types.is_fixed_size_binary(column.type):
        return _spelled_cells(column)
    _, places, data = column.buffers()
    kind = np.int64 if pa.types.is_large_string(column.type) else np.int32
    offsets = np.frombuffer(places, kind)[column.offset : column.offset + len(column) + 1]
    count, size = len(column) - column.null_count, int(offsets[-1] - offsets[0])
    length = size // max(count, 1)
    if not 0 < length <= _LONGEST or length * count != size:
        return None
    text = np.frombuffer(data, np.uint8, size, int(offsets[0]))
    if text[:length].tobytes().strip(_DIGITS) or not _is_random(text):
        return None
    valid = validity(column)
    expected = length if valid is None else valid * length
    return _Cells(_Text(text), length, valid, len(column)) if (np.diff(offsets) == expected).all() else None


def _spelled_cells(column: pa.Array) -> _Cells | None:
    data, valid = rows_of_bytes(column), validity(column)
    data = (data if valid is None else data[valid]).reshape(-1)
    length = 2 * column.type.byte_width
    if not len(data) or length > _LONGEST or not _is_random(digits_of(data[: _SAMPLE // 2])):
        return None
    return _Cells(_Bytes(data), length, valid, len(column))


def _is_random(text: NDArray[np.uint8]) -> bool:
    """Say whether zstd finds nothing in a sample but that there are sixteen digits."""
    sample = text[:_SAMPLE]
    return len(pa.Codec("zstd", 3).compress(sample, asbytes=True)) > _RANDOM * len(sample)


def _pages(cells: _Cells, *, nullable: bool) -> Iterator[tuple[_Page, _Digits, int]]:
    """Cut cells into pages; give each with its digits, those that are alike together with how many they are."""
    most = MOST_DIGITS // cells.length // _ROWS_AT_ONCE * _ROWS_AT_ONCE
    if cells.valid is None:
        full, rest = divmod(cells.rows, most)
        edge = full * most * cells.length
        if full:
            yield _Page.without_nulls(most, cells.length, nullable=nullable), cells.digits.cut(0, edge), full
        if rest:
            digits = cells.digits.cut(edge, cells.rows * cells.length)
            yield _Page.without_nulls(rest, cells.length, nullable=nullable), digits, 1
        return
    at = 0
    for start in range(0, cells.rows, most):
        page = _Page.of(cells.valid[start : start + most], cells.length)
        size = page.count * page.length
        yield page, cells.digits.cut(at, at + size), 1
        at += size


@dataclass(frozen=True)
class _Page:
    """What a page has beside its digits.

    Attributes:
        rows: How many rows.
        count: How many of them are not null.
        length: How many digits a cell has.
        levels: Which rows are not null, where that is said.
    """

    rows: int
    count: int
    length: int
    levels: bytes | None

    @classmethod
    def without_nulls(cls, rows: int, length: int, *, nullable: bool) -> _Page:
        """Describe a page of cells only."""
        return cls(rows, rows, length, varint(rows << 1) + b"\1" if nullable else None)

    @classmethod
    def of(cls, valid: NDArray[np.bool_], length: int) -> _Page:
        """Describe a page with nulls in it."""
        bits = np.packbits(valid, bitorder="little").tobytes()
        return cls(len(valid), int(np.count_nonzero(valid)), length, varint(len(bits) << 1 | 1) + bits)

    def frames(self) -> DigitFrames:
        """Return what the page holds, but for the digits."""
        head = b"" if self.levels is None else len(self.levels).to_bytes(4, "little") + self.levels
        head += varint(_DELTAS) + varint(_MINIBLOCKS) + varint(self.count)
        head += varint(zigzag(self.length if self.count else 0))
        # No length differs from the one before: for each block of lengths five bytes that say so.
        zeros = -(-max(self.count - 1, 0) // _DELTAS) * (1 + _MINIBLOCKS)
        return DigitFrames(head, zeros, self.count * self.length)

    def header(self, frames: DigitFrames) -> bytes:
        """Return a ``PageHeader``."""
        data = {1: int32(self.rows), 2: int32(_DELTA_LENGTH), 3: int32(_RLE), 4: int32(_RLE)}
        return struct_bytes({1: int32(_DATA), 2: int32(frames.content), 3: int32(frames.size), 5: struct(data)})


@dataclass(frozen=True)
class _Pages:
    """Pages that are alike but for their digits.

    Attributes:
        header: What stands before each.
        frames: What is in each.
        digits: Those of all of them.
        count: How many they are.
    """

    header: bytes
    frames: DigitFrames
    digits: _Digits
    count: int

    @classmethod
    def of(cls, page: _Page, digits: _Digits, count: int) -> _Pages:
        """Put digits on so many pages."""
        frames = page.frames()
        return cls(page.header(frames), frames, digits, count)

    @property
    def size(self) -> int:
        """How many bytes they take."""
        return self.count * (len(self.header) + self.frames.size)

    @property
    def uncompressed(self) -> int:
        """How many they would take without a codec."""
        return self.count * (len(self.header) + self.frames.content)

    def write(self, data: NDArray[np.uint8]) -> bool:
        """Write them; say whether all of the text was digits."""
        found = self.digits.spelled(self.count, self.frames.coded)
        if found is None:
            return False
        out = data.reshape(self.count, -1)
        out[:, : len(self.header)] = np.frombuffer(self.header, np.uint8)
        self.frames.write(out[:, len(self.header) :], *found)
        return True


def _metadata(name: str, rows: int, nulls: int, compressed: int, uncompressed: int) -> dict[int, Value]:
    """Return a ``ColumnMetaData``. Least and greatest of random digits would help no reader."""
    encodings = [varint(zigzag(each)) for each in (_PLAIN, _RLE, _DELTA_LENGTH)]
    return {
        1: int32(_BYTE_ARRAY),
        2: list_of(INT32, encodings),
        3: list_of(BINARY, [binary(name.encode()).data]),
        4: int32(_ZSTD),
        5: int64(rows),
        UNCOMPRESSED_SIZE: int64(uncompressed),
        COMPRESSED_SIZE: int64(compressed),
        DATA_PAGE: int64(len(MAGIC)),
        STATISTICS: struct({3: int64(nulls)}),
    }
