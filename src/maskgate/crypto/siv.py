"""AES-SIV of every cell of a column at once (RFC 5297): deterministic, authenticated, reversible.

The same cell under the same key and associated data always gives the same bytes, so that ciphertexts join; a changed
byte is noticed. A ciphertext is a tag of 16 bytes and as many bytes as the cell has: it shows the length of the cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.blocks import BLOCK, BYTES, ROWS, as_blocks, blocks_at, double, padded, windows
from maskgate.crypto.cells import Cells, chunk_by_chunk, edges_of, validity_buffer, without_dictionary
from maskgate.crypto.cmac import CellCmac
from maskgate.crypto.counter import CounterMode, Spans
from maskgate.crypto.hidden import hidden
from maskgate.crypto.room import room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

_MOST_HEADERS = 126
_MOST_BYTES = 2**31 - 1


class NotAuthenticError(ValueError):
    """Some cells were not encrypted under this key and associated data, or were changed since.

    Attributes:
        count: How many cells.
    """

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count

    def __str__(self) -> str:
        return f"{self.count} values were not encrypted with this key and associated data, or were changed since"


def encrypt(
    column: pa.Array | pa.ChunkedArray, key: bytes, associated_data: bytes | Sequence[bytes] | None = ()
) -> Any:
    """Encrypt every cell.

    Args:
        column: Strings (their UTF-8 bytes) or bytes, in any layout.
        key: 32, 48 or 64 bytes, for AES with 128, 192 or 256 bits.
        associated_data: What is authenticated too: the header, or a list of headers in their order. No header at all
            differs from one that is empty; None is no header.

    Returns:
        ``binary`` (``large_binary`` if the column has large offsets or views), chunked if the column is: the tag, then
        the ciphertext. Null where the column is null.

    Raises:
        ValueError: If the key has another length, or there are more than 126 headers.
        TypeError: If the column holds neither strings nor bytes.
        OverflowError: If the result does not fit one ``binary`` array (2 GiB).
    """
    key = hidden(key)
    return chunk_by_chunk(column, encrypter(key, associated_data), _binary_like(column.type))


def encrypter(key: bytes, associated_data: bytes | Sequence[bytes] | None = ()) -> Callable[[pa.Array], pa.Array]:
    """Return :func:`encrypt` under a key, for one array after the other.

    Raises:
        ValueError: If the key has another length, or there are more than 126 headers.
    """
    key = hidden(key)
    return _Siv(key, associated_data).encrypt


def decrypt(
    column: pa.Array | pa.ChunkedArray, key: bytes, associated_data: bytes | Sequence[bytes] | None = ()
) -> Any:
    """Decrypt every cell that :func:`encrypt` made.

    Returns:
        ``binary`` or ``large_binary``, chunked if the column is; null where the column is null.

    Raises:
        NotAuthenticError: If any cell is not authentic; nothing is returned then.
        ValueError: If the key has another length, or there are more than 126 headers.
        TypeError: If the column holds neither strings nor bytes.
    """
    key, column = hidden(key), without_dictionary(column)
    opened = decrypt_authentic(column, key, associated_data)
    refused = opened.null_count - column.null_count
    if refused:
        raise NotAuthenticError(refused)
    return opened


def decrypt_authentic(
    column: pa.Array | pa.ChunkedArray, key: bytes, associated_data: bytes | Sequence[bytes] | None = ()
) -> Any:
    """Decrypt the cells that are authentic; the others come out as nulls, as nulls do."""
    key = hidden(key)
    machine = _Siv(key, associated_data)
    return chunk_by_chunk(column, machine.decrypt, _binary_like(column.type))


def authentic(
    column: pa.Array | pa.ChunkedArray, key: bytes, associated_data: bytes | Sequence[bytes] | None = ()
) -> Any:
    """Say which cells :func:`encrypt` made under this key and associated data; null where the column is null.

    Raises:
        ValueError: If the key has another length, or there are more than 126 headers.
        TypeError: If the column holds neither strings nor bytes.
    """
    key, column = hidden(key), without_dictionary(column)
    opened = decrypt_authentic(column, key, associated_data)
    return pc.if_else(pc.is_valid(column), pc.is_valid(opened), None)


def _binary_like(kind: pa.DataType) -> pa.DataType:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    large = any(is_(kind) for is_ in _LARGE)
    return pa.large_binary() if large else pa.binary()


_LARGE = (pa.types.is_large_string, pa.types.is_large_binary, pa.types.is_string_view, pa.types.is_binary_view)


class _Portion(NamedTuple):
    """Cells without nulls: which rows they are, and where their bytes are."""

    rows: NDArray[np.intp]
    cells: Spans
    lengths: NDArray[np.int64]


class _Siv:
    """AES-SIV under one key and with one list of headers."""

    def __init__(self, key: bytes, associated_data: bytes | Sequence[bytes] | None) -> None:
        if len(key) not in (32, 48, 64):
            raise ValueError(f"an AES-SIV key has 32, 48 or 64 bytes, not {len(key)}")
        if isinstance(associated_data, bytes | bytearray | memoryview):
            associated_data = (bytes(associated_data),)
        headers = list(associated_data or ())
        if len(headers) > _MOST_HEADERS:
            raise ValueError(f"AES-SIV takes at most {_MOST_HEADERS} headers of associated data, not {len(headers)}")
        self._cmac, self._counter = CellCmac(key[: len(key) // 2]), CounterMode(key[len(key) // 2 :])
        so_far = self._cmac.digest_one(bytes(BLOCK)).tobytes()
        for header in headers:
            so_far = _xor(double(so_far), self._cmac.digest_one(header).tobytes())
        # What S2V adds to the end of a long cell, and to a short one of r bytes behind which it puts a bit.
        self._to_long = np.frombuffer(so_far, np.uint64)
        to_short = np.zeros((BLOCK, BLOCK), np.uint8)
        to_short[:] = np.frombuffer(double(so_far), np.uint8)
        to_short[np.arange(BLOCK), np.arange(BLOCK)] ^= 0x80
        self._to_short = as_blocks(to_short)
        self._kept = as_blocks(np.tri(BLOCK, BLOCK, -1, np.uint8) * np.uint8(0xFF))

    def encrypt(self, column: pa.Array) -> pa.Array:
        cells, kind = Cells.of(column), _binary_like(column.type)
        sizes = cells.lengths + BLOCK
        if cells.valid is not None:
            sizes *= cells.valid
        edges = _edges(sizes, kind)
        written = room(edges[-1], np.uint8)
        for portion in _portions(cells):
            first, last = edges[portion.rows[0]], edges[portion.rows[-1] + 1]
            tags = self._tags(portion.cells, portion.lengths)
            target = np.empty(last - first + BLOCK, np.uint8)
            at = edges[portion.rows] - first
            self._counter.apply(portion.cells, portion.lengths, tags, Spans(target, at + BLOCK))
            windows(target)[at] = as_blocks(tags)
            written[first:last] = target[:-BLOCK]
        return _as_binary(kind, cells.valid, edges, written)

    def decrypt(self, column: pa.Array) -> pa.Array:
        cells, kind = Cells.of(column), _binary_like(column.type)
        edges = _edges(cells.lengths, kind)
        # Each cell keeps the place of its tag before it, so that it has the room that counter mode asks for.
        written = room(edges[-1], np.uint8)
        accepted = np.zeros(len(cells), bool)
        for portion in _portions(cells):
            first, last = edges[portion.rows[0]], edges[portion.rows[-1] + 1]
            target = np.zeros(last - first + 2 * BLOCK, np.uint8)
            spans = Spans(target, edges[portion.rows] - first + BLOCK)
            lengths = np.maximum(portion.lengths - BLOCK, 0)
            source = portion.cells
            tags = blocks_at(windows(source.data), source.starts)
            self._counter.apply(Spans(source.data, source.starts + BLOCK), lengths, tags, spans)
            equal = (self._tags(spans, lengths) == tags).all(axis=1)
            accepted[portion.rows] = equal & (portion.lengths >= BLOCK)
            written[first:last] = target[: last - first]
        # Not `binary_slice`, which in pyarrow 26 fails without a stop ("Negative buffer resize").
        return pc.binary_replace_slice(_as_binary(kind, accepted, edges, written), 0, BLOCK, b"")

    def _tags(self, cells: Spans, lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Compute S2V of the headers and each cell."""
        long, short = np.flatnonzero(lengths >= BLOCK), np.flatnonzero(lengths < BLOCK)
        room = np.zeros((len(short) + 1) * BLOCK, np.uint8)
        changed = np.concatenate([cells.data, room])
        every_window = windows(changed)
        starts, lengths = cells.starts.copy(), lengths.copy()
        ends = starts[long] + lengths[long] - BLOCK
        last = blocks_at(every_window, ends)
        for word in (0, 1):
            last[:, word] ^= self._to_long[word]
        every_window[ends] = as_blocks(last)
        whole = blocks_at(every_window, starts[short])
        whole &= blocks_at(self._kept, lengths[short])
        whole ^= blocks_at(self._to_short, lengths[short])
        starts[short] = len(cells.data) + BLOCK * np.arange(len(short))
        lengths[short] = BLOCK
        changed[len(cells.data) : len(changed) - BLOCK] = whole.view(np.uint8).reshape(-1)
        return self._cmac.digest(changed, starts, lengths)


def _portions(cells: Cells) -> Iterator[_Portion]:
    for rows in cells.portions(ROWS, BYTES):
        present = np.arange(rows.start, rows.stop)
        if cells.valid is not None:
            present = present[cells.valid[rows]]
        if len(present):
            starts, lengths = cells.starts[present], cells.lengths[present]
            lowest = int(starts.min())
            data = padded(cells.data[lowest : int((starts + lengths).max())])
            yield _Portion(present, Spans(data, starts - lowest), lengths)


def _edges(sizes: NDArray[np.int64], kind: pa.DataType) -> NDArray[np.int64]:
    edges = edges_of(sizes)
    if edges[-1] > _MOST_BYTES and pa.types.is_binary(kind):
        raise OverflowError(f"{edges[-1]} encrypted bytes do not fit one binary array; use smaller batches")
    return edges


def _as_binary(
    kind: pa.DataType, valid: NDArray[np.bool_] | None, edges: NDArray[np.int64], data: NDArray[np.uint8]
) -> pa.Array:
    offsets = edges if pa.types.is_large_binary(kind) else edges.astype(np.int32)
    buffers = [validity_buffer(valid), pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(kind, len(edges) - 1, buffers)


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(left, right, strict=True))
