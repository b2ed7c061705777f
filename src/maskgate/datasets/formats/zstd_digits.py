"""Hexadecimal digits in zstd, written without a search: every digit is a code of four bits.

Of random digits, zstd finds that none repeats, and gives each of the sixteen a code of four bits: in the order of the
digits, so that the codes are the bytes which the digits spell. Whoever knows this before writes the same frame in a
tenth of the time. What reads it is any decoder of zstd.

https://github.com/facebook/zstd/blob/dev/doc/zstd_compression_format.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.crypto.room import room

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_DIGITS = 1 << 17
_FEWEST_DIGITS = 1 << 10
_LANES_AT_ONCE = 1 << 17
_STREAMS = 4
# A code of four bits has weight 1 among sixteen. Weights are listed up to the last symbol, whose own follows from them.
_DIGITS = b"0123456789abcdef"
_WEIGHTS = [int(symbol in _DIGITS) for symbol in range(_DIGITS[-1])]
_TREE = bytes([127 + len(_WEIGHTS)]) + bytes(
    high << 4 | low for high, low in zip(_WEIGHTS[::2], _WEIGHTS[1::2], strict=True)
)
_RAW, _REPEATED, _COMPRESSED = 0, 1, 2
_MAGIC = bytes.fromhex("28b52ffd")
# One segment, and four bytes that say how long the content is.
_DESCRIPTOR = b"\xa0"
# Compressed literals, in four streams, with both sizes in 18 bits.
_LITERALS = 2 | 3 << 2
_NO_SEQUENCES = b"\0"

_LANE = np.uint16
_ONES, _SIXES, _ZEROS, _LOW = (_LANE(each) for each in (0x0101, 0x0606, 0x3030, 0x0F0F))
_OVER_NINE = _LANE(ord("a") - ord("9") - 1)
_NO_NIBBLE = 0xF0F0


def read_digits(text: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return the bytes that hexadecimal digits spell; None if something else is among them.

    Args:
        text: An even number of characters.
    """
    found = room(len(text) // 2, np.uint8)
    lanes = text.view("<u2")
    portion = min(len(lanes), _LANES_AT_ONCE)
    letters, digits, other = (np.empty(portion, _LANE) for _ in range(3))
    for start in range(0, len(lanes), portion or 1):
        part = lanes[start : start + portion]
        is_letter, digit, rest = (each[: len(part)] for each in (letters, digits, other))
        np.right_shift(part, _LANE(6), out=is_letter)
        is_letter &= _ONES
        np.multiply(is_letter, _OVER_NINE, out=digit)
        digit += _ZEROS
        np.subtract(part, digit, out=digit)
        # A digit is below sixteen, and a letter if it is ten or more.
        np.add(digit, _SIXES, out=rest)
        rest >>= _LANE(4)
        rest &= _LOW
        rest ^= is_letter
        if int(np.bitwise_or.reduce(rest)) or int(np.bitwise_or.reduce(digit)) & _NO_NIBBLE:
            return None
        np.left_shift(digit, _LANE(4), out=rest)
        digit >>= _LANE(8)
        digit |= rest
        found[start : start + len(part)] = digit
    return found


class DigitFrames:
    """Frames of zstd that hold some bytes, and then digits; any number of them of the same length.

    Args:
        head: What stands before the digits.
        zeros: How many zeros stand between head and digits.
        count: How many digits a frame has, at most :data:`MOST_DIGITS`.
    """

    def __init__(self, head: bytes, zeros: int, count: int) -> None:
        # A stream has whole bytes; what is left over, or too little to pay, stands as it is.
        self.coded = count - count % (2 * _STREAMS) if count >= _FEWEST_DIGITS else 0
        self.left = count - self.coded
        self.content = len(head) + zeros + count
        self._stream = self.coded // (2 * _STREAMS) + 1
        start = [_MAGIC, _DESCRIPTOR, self.content.to_bytes(4, "little"), _block(_RAW, len(head)), head]
        if zeros:
            start += [_block(_REPEATED, zeros), b"\0"]
        if self.coded:
            start.append(self._literals())
        self._end = _NO_SEQUENCES if self.coded else b""
        if self.left or not self.coded:
            self._end += _block(_RAW, self.left, is_last=True)
        self._start = b"".join(start)
        self.size = len(self._start) + self.coded // 2 + _STREAMS * bool(self.coded) + len(self._end) + self.left

    def _literals(self) -> bytes:
        """Return what stands before the streams."""
        sizes = b"".join(self._stream.to_bytes(2, "little") for _ in range(_STREAMS - 1))
        compressed = len(_TREE) + len(sizes) + _STREAMS * self._stream
        header = (_LITERALS | self.coded << 4 | compressed << 22).to_bytes(5, "little")
        size = len(header) + compressed + len(_NO_SEQUENCES)
        return _block(_COMPRESSED, size, is_last=not self.left) + header + _TREE + sizes

    def write(self, out: NDArray[np.uint8], spelled: NDArray[np.uint8], left: NDArray[np.uint8]) -> None:
        """Write frames.

        Args:
            out: A row for each, of :attr:`size` bytes.
            spelled: For each frame the bytes that its coded digits spell.
            left: For each frame the digits that are not coded.
        """
        start, stream = len(self._start), self._stream
        out[:, :start] = np.frombuffer(self._start, np.uint8)
        if self.coded:
            # Streams are read from their end, where a bit says that nothing stands behind it.
            reverse = _reversed(spelled.reshape(len(out), _STREAMS, stream - 1))
            for at in range(_STREAMS):
                out[:, start : start + stream - 1] = reverse[:, at]
                out[:, start + stream - 1] = 1
                start += stream
        end = start + len(self._end)
        out[:, start:end] = np.frombuffer(self._end, np.uint8)
        out[:, end:] = left


def _block(kind: int, size: int, *, is_last: bool = False) -> bytes:
    return (is_last | kind << 1 | size << 3).to_bytes(3, "little")


def _reversed(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn the last axis around; words at once where it has whole ones, which takes a quarter of the time."""
    if data.shape[-1] % 8:
        return data[..., ::-1]
    return data.view("<u8")[..., ::-1].byteswap().view(np.uint8)
