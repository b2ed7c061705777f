"""The Luhn check digit of card numbers and the like (ISO/IEC 7812-1, annex B), of many numbers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.crypto.ff1_digits import Strip

_TEN = np.uint64(10)


def check_digits(strip: Strip) -> NDArray[np.uint64]:
    """Return the digit that belongs at the end of each row, whatever stands there."""
    total = np.zeros(strip.rows, np.uint32)
    for position in range(strip.length - 1):
        digit = strip.column(position)
        total += _doubled(digit) if (strip.length - position) % 2 == 0 else digit
    return _completing(total)


def check_digits_of(numbers: NDArray[np.uint64], digits: int) -> NDArray[np.uint64]:
    """Return the digit that belongs behind each number of at most so many digits.

    Example:
        >>> check_digits_of(np.array([7992739871], np.uint64), 10).tolist()
        [3]
    """
    total = np.zeros(len(numbers), np.uint32)
    for position in range(digits):
        above = numbers // _TEN
        digit = (numbers - above * _TEN).astype(np.uint8)
        total += _doubled(digit) if position % 2 == 0 else digit
        numbers = above
    return _completing(total)


def _doubled(digit: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return twice the digit, or the sum of the two digits of that."""
    return digit + digit - (digit > 4) * np.uint8(9)  # noqa: PLR2004  twice five has two digits


def _completing(total: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Return what is missing to the next multiple of ten."""
    return ((np.uint32(10) - total % np.uint32(10)) % np.uint32(10)).astype(np.uint64)
