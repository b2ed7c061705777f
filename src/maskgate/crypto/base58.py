"""Base58 of a column of digests: letters and digits without 0, O, I and l, in the order of Bitcoin's alphabet.

A digest is read as one number, its first byte the highest, and divided in limbs of 32 bits by 58^5, five digits at a
time. All texts have the same size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.crypto.texts import write_fixed_texts

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
SIZE = 22
_BYTES = 16
_TWO = 58**2
_FIVE = 58**5
# How many limbs may still be more than zero before each division: 2^128, 2^98.7, 2^69.5, 2^40.2.
_LIMBS = (4, 4, 3, 2)
_ONE_DIGIT = np.frombuffer(ALPHABET.encode(), np.uint8)
_TWO_DIGITS = np.stack([np.repeat(_ONE_DIGIT, 58), np.tile(_ONE_DIGIT, 58)], axis=1).view(np.uint16).reshape(-1)


def write_base58(column: pa.Array, *, prefix: str = "", length: int = SIZE, large: bool = False) -> pa.Array:
    """Write the first 16 bytes of every cell as 22 digits, or the last so many of them; nothing where it is null.

    The lowest digits are kept since they are the evenest: the highest is never a late one.

    Args:
        column: ``fixed_size_binary`` of at least 16 bytes.
        prefix: Text before the digits.
        length: How many digits to write, up to 22.
        large: Return ``large_string`` instead of ``string``.

    Raises:
        OverflowError: If the text is longer than ``string`` can hold in one array (2 GiB).
    """

    def write(cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return _digits(np.ascontiguousarray(cells[:, :_BYTES]))[:, SIZE - length :]

    return write_fixed_texts(column, length, write, prefix=prefix, large=large)


def _digits(cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
    limbs = list(cells.view(">u4").T.astype(np.uint64))
    digits = np.empty((len(cells), SIZE), np.uint8)
    end = SIZE
    for kept in _LIMBS:
        limbs, rest = _divided(limbs[-kept:])
        _write_five(rest, digits[:, end - 5 : end])
        end -= 5
    digits[:, :2] = _TWO_DIGITS[limbs[-1]].view(np.uint8).reshape(-1, 2)
    return digits


def _divided(limbs: list[NDArray[np.uint64]]) -> tuple[list[NDArray[np.uint64]], NDArray[np.uint64]]:
    """Divide numbers by 58^5; return quotients and remainders."""
    quotients = []
    rest = np.zeros_like(limbs[0])
    for limb in limbs:
        rest <<= np.uint64(32)
        rest |= limb
        quotient = rest // np.uint64(_FIVE)
        rest -= quotient * np.uint64(_FIVE)
        quotients.append(quotient)
    return quotients, rest


def _write_five(numbers: NDArray[np.uint64], into: NDArray[np.uint8]) -> None:
    small = numbers.astype(np.uint32)
    upper = small // np.uint32(_TWO)
    highest = upper // np.uint32(_TWO)
    into[:, 0] = _ONE_DIGIT[highest]
    into[:, 1:3] = _TWO_DIGITS[upper - highest * np.uint32(_TWO)].view(np.uint8).reshape(-1, 2)
    into[:, 3:5] = _TWO_DIGITS[small - upper * np.uint32(_TWO)].view(np.uint8).reshape(-1, 2)
