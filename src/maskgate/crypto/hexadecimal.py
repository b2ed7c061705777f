"""Hexadecimal digits of a column of bytes, and the way back.

Both digits of a byte are worked out together, by arithmetic on a lane of 16 bits: several times faster than a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from maskgate.crypto.texts import Spelling, read_texts, write_fixed_texts, write_texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.crypto.texts import Portions


def write_hexadecimal(
    column: pa.Array | Portions, *, prefix: str = "", length: int | None = None, large: bool = False
) -> pa.Array:
    """Write every cell in lower-case hexadecimal digits, and nothing where it is null.

    Args:
        column: ``fixed_size_binary``, at once or in portions; or ``binary`` or ``large_binary``.
        prefix: Text before the digits.
        length: How many digits to write, from the first, where the cells have a fixed size; all if None.
        large: Return ``large_string`` instead of ``string``.

    Raises:
        OverflowError: If the text is longer than ``string`` can hold in one array (2 GiB).

    Example:
        >>> write_hexadecimal(pa.array([bytes([0, 255])], pa.binary(2)), prefix="em_").to_pylist()
        ['em_00ff']
    """
    if isinstance(column, pa.Array) and not pa.types.is_fixed_size_binary(column.type):
        return write_texts(column, HEXADECIMAL, prefix=prefix, large=large)
    size = 2 * column.type.byte_width if length is None else length
    taken = (size + 1) // 2

    def write(cells: NDArray[np.uint8], text: NDArray[np.uint8]) -> None:
        if text.flags.c_contiguous and size == 2 * taken:
            _write_digits(cells[:, :taken], text.view("<u2"))
        else:
            text[:] = digits_of(cells[:, :taken]).reshape(len(cells), 2 * taken)[:, :size]

    return write_fixed_texts(column, size, write, prefix=prefix, large=large)


def read_hexadecimal(column: pa.Array) -> pa.Array:
    r"""Read lower-case hexadecimal digits; null where a cell is anything else.

    Args:
        column: ``string`` or ``large_string``.

    Returns:
        ``binary``, or ``large_binary`` if the column has large offsets.

    Example:
        >>> read_hexadecimal(pa.array(["00ff", "00FF", "0"])).to_pylist()
        [b'\x00\xff', None, None]
    """
    return read_texts(column, HEXADECIMAL)


def _encode(data: NDArray[np.uint8], _lengths: NDArray[np.int64]) -> NDArray[np.uint8]:
    return digits_of(data)


def _decode(characters: NDArray[np.uint8], _lengths: NDArray[np.int64]) -> NDArray[np.uint8]:
    lanes = np.frombuffer(characters.data, "<u2")
    digits = (lanes & _NIBBLES) + ((lanes >> np.uint16(6)) & _ONES) * np.uint16(9)
    return ((digits << np.uint16(4)) | (digits >> np.uint16(8))).astype(np.uint8)


def _byte_lengths(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(lengths % 2 == 0, lengths // 2, -1)


HEXADECIMAL = Spelling(lambda lengths: 2 * lengths, _byte_lengths, _encode, _decode)
_NIBBLES, _ONES, _SIXES, _ZEROS = (np.uint16(each) for each in (0x0F0F, 0x0101, 0x0606, 0x3030))
_FROM_NINE_TO_A = np.uint16(ord("a") - ord("9") - 1)


def digits_of(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Write the two digits of each byte, one byte behind the other."""
    lanes = np.empty(data.shape, "<u2")
    _write_digits(data, lanes)
    return lanes.view(np.uint8).reshape(-1)


def _write_digits(data: NDArray[np.uint8], lanes: NDArray[np.uint16]) -> None:
    lanes[:] = data
    other = lanes & np.uint16(0x0F)
    other <<= np.uint16(8)
    lanes >>= np.uint16(4)
    lanes |= other
    # A digit of ten or more carries when six are added; that bit moves it on to the letters.
    np.add(lanes, _SIXES, out=other)
    other >>= np.uint16(4)
    other &= _ONES
    other *= _FROM_NINE_TO_A
    lanes += other
    lanes += _ZEROS
