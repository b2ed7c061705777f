"""Columns of texts written from columns of bytes, and read back.

What is read is held against what would be written: a text that is spelled in another way is no text of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import Cells, edges_of, validity, validity_buffer
from maskgate.crypto.room import room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

# So many cells at a time stay in the processor's cache.
_ROWS = 32_768
_BYTES = 1_048_576
_MOST_BYTES = 2**31 - 1


class Spelling(NamedTuple):
    """How bytes are spelled as text.

    Attributes:
        text_lengths: Says how many characters cells of so many bytes have.
        byte_lengths: Says how many bytes texts of so many characters stand for; -1 where no text has that length.
        encode: Writes the bytes of cells, one behind the other, given their lengths.
        decode: Reads the characters of texts, one behind the other, given their lengths; any bytes come out where the
            characters are not those that `encode` writes.
    """

    text_lengths: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    byte_lengths: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    encode: Callable[[NDArray[np.uint8], NDArray[np.int64]], NDArray[np.uint8]]
    decode: Callable[[NDArray[np.uint8], NDArray[np.int64]], NDArray[np.uint8]]


def write_texts(column: pa.Array, spelling: Spelling, *, prefix: str = "", large: bool = False) -> pa.Array:
    """Write every cell of ``binary`` or ``large_binary`` as text, and nothing where it is null.

    Raises:
        OverflowError: If the text is longer than ``string`` can hold in one array (2 GiB).
    """
    cells, kind = Cells.of(column), pa.large_string() if large else pa.string()
    before = len(prefix.encode())
    sizes = spelling.text_lengths(cells.lengths)
    sizes += before if cells.valid is None else before * cells.valid
    edges = edges_of(sizes)
    _check_size(int(edges[-1]), large=large)
    written = room(edges[-1], np.uint8)
    for rows in cells.portions(_ROWS, _BYTES):
        part = cells.at(rows)
        characters = spelling.encode(part.joined(), part.lengths)
        if prefix:
            bare = _from_buffers(kind, part.valid, edges_of(spelling.text_lengths(part.lengths)), characters)
            joined = pc.binary_join_element_wise(pa.scalar(prefix, kind), bare, pa.scalar("", kind))
            characters = Cells.of(joined).joined()
        written[edges[rows.start] : edges[rows.stop]] = characters
    return _from_buffers(kind, cells.valid, edges, written)


def read_texts(column: pa.Array, spelling: Spelling) -> pa.Array:
    """Read the bytes that texts stand for; null where a cell is not spelled exactly as :func:`write_texts` does.

    Args:
        column: ``string`` or ``large_string``, or bytes.
        spelling: How it is spelled.

    Returns:
        ``binary``, or ``large_binary`` if the column has large offsets.
    """
    cells = Cells.of(column)
    sizes = np.zeros(len(cells), np.int64)
    valid = np.zeros(len(cells), np.bool_)
    parts = [np.zeros(0, np.uint8)]
    for rows in cells.portions(_ROWS, _BYTES):
        read = _read(cells.at(rows), spelling)
        sizes[rows] = read.lengths
        valid[rows] = True if read.valid is None else read.valid
        parts.append(read.joined())
    large = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
    return _from_buffers(pa.large_binary() if large else pa.binary(), valid, edges_of(sizes), np.concatenate(parts))


def _read(texts: Cells, spelling: Spelling) -> Cells:
    """Read what texts stand for, and nothing of a text that is not ours, not even under a null."""
    sizes = spelling.byte_lengths(texts.lengths)
    if sizes.min() < 0:
        return _read(texts.without(sizes < 0), spelling)
    characters = texts.joined()
    data = spelling.decode(characters, texts.lengths)
    other = spelling.encode(data, sizes) != characters
    if other.any():
        others = np.concatenate([[0], np.cumsum(other)])[edges_of(texts.lengths)]
        return _read(texts.without(np.diff(others) > 0), spelling)
    return Cells(data, edges_of(sizes)[:-1], sizes, texts.valid)


class Portions(NamedTuple):
    """A column that comes portion by portion, so that all of it is never held.

    Attributes:
        parts: The portions.
        rows: How many cells they have together.
        nulls: How many of them are null.
        type: What they are.
    """

    parts: Iterable[pa.Array]
    rows: int
    nulls: int
    type: pa.DataType


def write_fixed_texts(
    column: pa.Array | Portions,
    size: int,
    write: Callable[[NDArray[np.uint8], NDArray[np.uint8]], None],
    *,
    prefix: str = "",
    large: bool = False,
) -> pa.Array:
    """Write every cell of ``fixed_size_binary`` as a text of one size, and nothing where it is null.

    Args:
        column: The cells.
        size: Characters of each text, all ASCII.
        write: Makes rows of characters out of rows of bytes, and puts them into the rows that it is given.
        prefix: Text before each.
        large: Return ``large_string`` instead of ``string``.

    Raises:
        OverflowError: If the text is longer than ``string`` can hold in one array (2 GiB).
    """
    portions = (
        column if isinstance(column, Portions) else Portions([column], len(column), column.null_count, column.type)
    )
    before = np.frombuffer(prefix.encode(), np.uint8)
    whole = len(before) + size
    _check_size((portions.rows - portions.nulls) * whole, large=large)
    text = room((portions.rows - portions.nulls) * whole, np.uint8).reshape(-1, whole)
    valid = np.ones(portions.rows, np.bool_) if portions.nulls else None
    row = at = 0
    for part in portions.parts:
        cells, present = rows_of_bytes(part), validity(part)
        if present is not None and valid is not None:
            cells = cells[present]
            valid[row : row + len(part)] = present
        row += len(part)
        for start in range(0, len(cells), _ROWS):
            some = cells[start : start + _ROWS]
            text[at : at + len(some), : len(before)] = before
            write(some, text[at : at + len(some), len(before) :])
            at += len(some)
    edges = np.arange(portions.rows + 1) if valid is None else edges_of(valid)
    edges *= whole
    return _from_buffers(pa.large_string() if large else pa.string(), valid, edges, text)


def first_bytes(portions: Portions, size: int) -> pa.Array:
    """Put the first bytes of cells of ``fixed_size_binary`` one behind the other, as a column of that size."""
    found = room(portions.rows * size, np.uint8).reshape(-1, size)
    valid = np.ones(portions.rows, np.bool_) if portions.nulls else None
    row = 0
    for part in portions.parts:
        found[row : row + len(part)] = rows_of_bytes(part)[:, :size]
        present = validity(part)
        if valid is not None and present is not None:
            valid[row : row + len(part)] = present
        row += len(part)
    return pa.Array.from_buffers(pa.binary(size), portions.rows, [validity_buffer(valid), pa.py_buffer(found)])


def gathered(parts: Iterable[pa.Array], rows: int, size: int, *, large: bool) -> pa.Array:
    """Put columns of text one behind the other, each as soon as it is made, so that no two copies of all are held.

    Args:
        parts: Columns of text.
        rows: How many cells they have together.
        size: How many bytes.
        large: Return ``large_string`` instead of ``string``.

    Raises:
        OverflowError: If the text is longer than ``string`` can hold in one array (2 GiB).
    """
    _check_size(size, large=large)
    edges: NDArray[np.int64 | np.int32] = np.zeros(rows + 1, np.int64 if large else np.int32)
    data = room(size, np.uint8)
    valid = np.ones(rows, np.bool_)
    row = 0
    for part in parts:
        cells = Cells.of(part)
        till = row + len(cells)
        edges[row + 1 : till + 1] = edges[row] + edges_of(cells.lengths)[1:]
        data[edges[row] : edges[till]] = cells.joined()
        if cells.valid is not None:
            valid[row:till] = cells.valid
        row = till
    return _from_buffers(pa.large_string() if large else pa.string(), None if valid.all() else valid, edges, data)


def gathered_bytes(
    parts: Iterable[tuple[NDArray[np.uint8], NDArray[np.int64]]],
    valid: NDArray[np.bool_] | None,
    rows: int,
    kind: pa.DataType,
) -> pa.Array:
    """Put portions of cells one behind the other, as soon as each is made.

    Args:
        parts: The bytes of some cells, and how many each has.
        valid: Which cells are not null; None if all.
        rows: How many cells there are.
        kind: ``string`` or ``large_string``.

    Raises:
        OverflowError: If the text is longer than ``string`` can hold in one array (2 GiB).
    """
    edges, row, pieces = room(rows + 1, np.int64), 0, []
    edges[0] = 0
    for data, lengths in parts:
        edges[row + 1 : row + 1 + len(lengths)] = np.cumsum(lengths) + edges[row]
        pieces.append(data)
        row += len(lengths)
    _check_size(int(edges[-1]), large=pa.types.is_large_string(kind))
    written = room(edges[-1], np.uint8)
    if pieces:
        np.concatenate(pieces, out=written)
    return _from_buffers(kind, valid, edges, written)


def rows_of_bytes(column: pa.Array) -> NDArray[np.uint8]:
    """View a column of ``fixed_size_binary`` as one row of bytes a cell."""
    width = column.type.byte_width
    data = np.frombuffer(column.buffers()[1], np.uint8, len(column) * width, column.offset * width)
    return data.reshape(-1, width)


def _from_buffers(
    kind: pa.DataType, valid: NDArray[np.bool_] | None, edges: NDArray[np.int64 | np.int32], data: NDArray[np.uint8]
) -> pa.Array:
    large = pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)
    offsets = edges.astype(np.int64 if large else np.int32, copy=False)
    buffers = [validity_buffer(valid), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(kind, len(edges) - 1, buffers)


def _check_size(size: int, *, large: bool) -> None:
    if size > _MOST_BYTES and not large:
        raise OverflowError(f"tokens of {size} bytes do not fit one string array; use smaller batches")
