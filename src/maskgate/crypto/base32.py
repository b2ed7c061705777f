"""Base32 of a column of bytes (RFC 4648, section 6), without padding, and the way back.

Five bytes and the eight characters that stand for them are one word of 64 bits; they are spread and gathered by
arithmetic on all words of a column at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from maskgate.crypto.blocks import windows
from maskgate.crypto.texts import Spelling, read_texts, write_fixed_texts, write_texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.crypto.texts import Portions

_BYTES = 5
_CHARACTERS = 8
# So many words at a time stay in the processor's cache.
_WORDS = 32768


def write_base32(
    column: pa.Array | Portions, *, prefix: str = "", length: int | None = None, large: bool = False
) -> pa.Array:
    """Write every cell in the characters A to Z and 2 to 7, and nothing where it is null.

    Args:
        column: ``fixed_size_binary``, at once or in portions; or ``binary`` or ``large_binary``.
        prefix: Text before the characters.
        length: How many characters to write, from the first, where the cells have a fixed size; all if None.
        large: Return ``large_string`` instead of ``string``.

    Raises:
        OverflowError: If the text is longer than ``string`` can hold in one array (2 GiB).

    Example:
        >>> write_base32(pa.array([b"foobar"])).to_pylist()
        ['MZXW6YTBOI']
    """
    if isinstance(column, pa.Array) and not pa.types.is_fixed_size_binary(column.type):
        return write_texts(column, BASE32, prefix=prefix, large=large)
    width = column.type.byte_width
    size = _text_length(width) if length is None else length
    groups = -(-width // _BYTES)

    def write(cells: NDArray[np.uint8], text: NDArray[np.uint8]) -> None:
        filled = np.zeros((len(cells), groups * _BYTES), np.uint8)
        filled[:, :width] = cells
        words = np.zeros((len(cells) * groups, _CHARACTERS), np.uint8)
        words[:, _CHARACTERS - _BYTES :] = filled.reshape(-1, _BYTES)
        text[:] = _characters(words.view(">u8").reshape(-1)).reshape(len(cells), -1)[:, :size]

    return write_fixed_texts(column, size, write, prefix=prefix, large=large)


def read_base32(column: pa.Array) -> pa.Array:
    """Read what :func:`write_base32` wrote; null where a cell is anything else.

    Args:
        column: ``string`` or ``large_string``.

    Returns:
        ``binary``, or ``large_binary`` if the column has large offsets.

    Example:
        >>> read_base32(pa.array(["MZXW6YTBOI", "mzxw6ytboi", "MZXW6YTBOJ", "A"])).to_pylist()
        [b'foobar', None, None, None]
    """
    return read_texts(column, BASE32)


def _text_length(length: int) -> int:
    return -(-8 * length // 5)


def _byte_lengths(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    rest = lengths % _CHARACTERS
    return np.where(np.isin(rest, (1, 3, 6)), -1, lengths * 5 // 8)


def _encode(data: NDArray[np.uint8], lengths: NDArray[np.int64]) -> NDArray[np.uint8]:
    if len(lengths) and lengths[0] and lengths.min() == lengths.max():
        return _encode_alike(data, int(lengths[0]), len(lengths))
    words, last, rest = _groups(data, lengths, _BYTES)
    words >>= np.uint64(64 - 8 * _BYTES)
    words[last] &= ~((np.uint64(1) << (8 * (_BYTES - rest)).astype(np.uint64)) - np.uint64(1))
    return _without_overhang(_characters(words), last, (8 * rest + 4) // 5)


def _encode_alike(data: NDArray[np.uint8], length: int, count: int) -> NDArray[np.uint8]:
    """Write cells of one length, whose last groups are all as short."""
    groups = -(-length // _BYTES)
    words = _words_of(data, (count, groups), (length, _BYTES))
    words >>= np.uint64(64 - 8 * _BYTES)
    missing = 8 * (groups * _BYTES - length)
    words[groups - 1 :: groups] &= ~np.uint64((1 << missing) - 1)
    return _characters(words).reshape(count, -1)[:, : _text_length(length)].reshape(-1)


def _words_of(data: NDArray[np.uint8], shape: tuple[int, int], steps: tuple[int, int]) -> NDArray[np.uint64]:
    """Read a word of eight bytes, the first one highest, at every step; behind the last byte are zeros."""
    behind = np.concatenate([data, np.zeros(8, np.uint8)])
    return np.ndarray(shape, "V8", behind, strides=steps).reshape(-1).view(">u8").astype(np.uint64)


def _decode(characters: NDArray[np.uint8], lengths: NDArray[np.int64]) -> NDArray[np.uint8]:
    words, last, rest = _groups(characters, lengths, _CHARACTERS)
    data = (_bits(words) << np.uint64(64 - 8 * _BYTES)).astype(">u8").view(np.uint8).reshape(-1, 8)[:, :_BYTES]
    return _without_overhang(data, last, 5 * rest // 8)


def _groups(
    data: NDArray[np.uint8], lengths: NDArray[np.int64], size: int
) -> tuple[NDArray[np.uint64], NDArray[np.intp], NDArray[np.int64]]:
    """Cut cells, one behind the other, into groups of so many bytes.

    Returns:
        For each group its bytes, from the highest of a word on, and what follows it if it is short. For each cell
        that is not empty, which group is its last one, and how many bytes that has.
    """
    counts = -(-lengths // size)
    ends = np.cumsum(counts)
    filled = counts > 0
    last, rest = ends[filled] - 1, (lengths - size * (counts - 1))[filled]
    if len(last) == 0:
        return np.zeros(0, np.uint64), last, rest
    if lengths.min() == lengths.max():
        words = _words_of(data, (len(lengths), int(counts[0])), (int(lengths[0]), size))
    else:
        behind = np.concatenate([data, np.zeros(8, np.uint8)])
        words = windows(behind, 8)[_places(size, int(ends[-1]), last, rest)].view(">u8").astype(np.uint64)
    return words, last, rest


def _without_overhang(rows: NDArray[np.uint8], last: NDArray[np.intp], kept: NDArray[np.int64]) -> NDArray[np.uint8]:
    width = rows.shape[1]
    if len(last) == 0 or kept.min() == width:
        return rows.reshape(-1)
    each = len(rows) // len(last)
    if kept.min() == kept.max() and np.array_equal(last, np.arange(each - 1, len(rows), each)):
        return rows.reshape(len(last), -1)[:, : (each - 1) * width + kept[0]].reshape(-1)
    size = len(rows) * width - int((width - kept).sum())
    written = np.empty(size + width, np.uint8)
    # One row after the other: over what is too much of a row goes the next one.
    windows(written, width)[_places(width, len(rows), last, kept)] = rows.reshape(-1).view(f"V{width}")
    return written[:size]


def _places(size: int, count: int, last: NDArray[np.intp], rest: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where groups of one size begin, some of which are shorter."""
    sizes = np.full(count, size)
    sizes[last] = rest
    places = np.zeros(count, np.int64)
    np.cumsum(sizes[:-1], out=places[1:])
    return places


def _every(pattern: int, bits: int) -> np.uint64:
    """Repeat a pattern in each lane of a word."""
    return np.uint64(sum(pattern << lane for lane in range(0, 64, bits)))


_HIGH_20, _LOW_20 = np.uint64(0xFFFFF << 20), np.uint64(0xFFFFF)
_HIGH_10, _LOW_10 = _every(0x3FF << 10, 32), _every(0x3FF, 32)
_HIGH_5, _LOW_5 = _every(0x1F << 5, 16), _every(0x1F, 16)
# How 40 bits become eight of five: which stay higher, by how much they move, and which do not.
_SPREAD = ((_HIGH_20, np.uint64(12), _LOW_20), (_HIGH_10, np.uint64(6), _LOW_10), (_HIGH_5, np.uint64(3), _LOW_5))
_FIVE, _ONE = _every(0x1F, 8), _every(1, 8)
_TO_128 = _every(128 - 26, 8)
_A = _every(ord("A"), 8)
_FROM_Z_TO_2 = np.uint64(ord("Z") + 1 - ord("2"))
_LETTER_BIT, _TO_26, _TO_0 = np.uint64(6), _every(64 + 8, 8), np.uint64(9)


def _characters(words: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Write the eight characters of the lower 40 bits of each word, as a row."""
    written = np.empty(len(words), ">u8")
    for start in range(0, len(words), _WORDS):
        some = words[start : start + _WORDS].astype(np.uint64)
        other = np.empty_like(some)
        for high, shift, low in _SPREAD:
            np.bitwise_and(some, high, out=other)
            other <<= shift
            some &= low
            some |= other
        # A number of 26 or more reaches the top bit of its byte; that bit moves it from the letters to the digits.
        np.add(some, _TO_128, out=other)
        other >>= np.uint64(7)
        other &= _ONE
        other *= _FROM_Z_TO_2
        some += _A
        some -= other
        written[start : start + _WORDS] = some
    return written.view(np.uint8).reshape(-1, _CHARACTERS)


def _bits(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Read eight characters as 40 bits; what is no such character gives any bits."""
    # 64 more than wanted, so that no byte borrows from the next one, whatever it is.
    letter = (words >> _LETTER_BIT) & _ONE
    words = ((words & _FIVE) + _TO_26 - letter * _TO_0) & _FIVE
    words = ((words >> np.uint64(3)) & _HIGH_5) | (words & _LOW_5)
    words = ((words >> np.uint64(6)) & _HIGH_10) | (words & _LOW_10)
    return ((words >> np.uint64(12)) & _HIGH_20) | (words & _LOW_20)


BASE32 = Spelling(lambda lengths: -(-8 * lengths // 5), _byte_lengths, _encode, _decode)
