"""The Luhn check digit of card numbers and the like (ISO/IEC 7812-1, annex B), of many numbers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.crypto.ff1_digits import Strip, room_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TEN = np.uint32(10)
# So many digits, doubled or not, add up to less than 256.
_IN_A_BYTE = 28


def check_digits(strip: Strip) -> NDArray[np.uint64]:
    """Return the digit that belongs at the end of each row, whatever stands there."""
    total = np.zeros(strip.rows, np.uint32)
    for start in range(0, strip.length - 1, _IN_A_BYTE):
        some = np.zeros(strip.rows, np.uint8)
        for position in range(start, min(start + _IN_A_BYTE, strip.length - 1)):
            digit = strip.column(position).astype(np.uint8, copy=False)
            some += _doubled(digit) if (strip.length - position) % 2 == 0 else digit
        total += some
    return ((_TEN - total % _TEN) % _TEN).astype(np.uint64)


def check_digits_of(numbers: NDArray[np.uint64], digits: int) -> NDArray[np.uint64]:
    """Return the digit that belongs behind each number, written with so many digits.

    Example:
        >>> check_digits_of(np.array([7992739871], np.uint64), 10).tolist()
        [3]
    """
    stride = digits + 1
    strip = Strip(np.arange(len(numbers)), room_for(len(numbers) * stride, np.uint8), len(numbers), stride, stride, 10)
    strip.write(0, digits, numbers)
    return check_digits(strip)


def _doubled(digit: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return twice the digit, or the sum of the two digits of that."""
    twice = digit + digit
    twice -= (digit > 4) * np.uint8(9)  # noqa: PLR2004  twice five has two digits
    return twice
