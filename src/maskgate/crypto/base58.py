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

    from maskgate.crypto.texts import Portions

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
SIZE = 22
_BYTES = 16
_TWO = 58**2
_FIVE = 58**5
# How many limbs may still be more than zero before each division: 2^128, 2^98.7, 2^69.5, 2^40.2.
_LIMBS = ((4, 4), (3, 2))
_DIGITS = np.frombuffer(ALPHABET.encode(), np.uint8)
_TWO_DIGITS = np.stack([np.repeat(_DIGITS, 58), np.tile(_DIGITS, 58)], axis=1).view(np.uint16).reshape(-1)


def write_base58(column: pa.Array | Portions, *, prefix: str = "", length: int = SIZE, large: bool = False) -> pa.Array:
    """Write the first 16 bytes of every cell as 22 digits, or the last so many of them; nothing where it is null.

    The lowest digits are kept since they are the evenest: the highest is never a late one.

    Args:
        column: ``fixed_size_binary`` of at least 16 bytes, at once or in portions.
        prefix: Text before the digits.
        length: How many digits to write, up to 22.
        large: Return ``large_string`` instead of ``string``.

    Raises:
        OverflowError: If the text is longer than ``string`` can hold in one array (2 GiB).
    """

    def write(cells: NDArray[np.uint8], text: NDArray[np.uint8]) -> None:
        text[:] = _digits(np.ascontiguousarray(cells[:, :_BYTES]))[:, SIZE - length :]

    return write_fixed_texts(column, length, write, prefix=prefix, large=large)


def _digits(cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
    limbs = list(np.ascontiguousarray(cells.view(">u4").T, np.uint64))
    pairs = np.empty((len(cells), SIZE // 2), np.uint16)
    for end, (lower, upper) in zip((SIZE // 2, SIZE // 2 - 5), _LIMBS, strict=True):
        limbs, low = _divided(limbs[-lower:])
        limbs, high = _divided(limbs[-upper:])
        _write_ten(high.astype(np.uint32), low.astype(np.uint32), pairs[:, end - 5 : end])
    pairs[:, 0] = _TWO_DIGITS[limbs[-1]]
    return pairs.view(np.uint8)


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


def _write_ten(high: NDArray[np.uint32], low: NDArray[np.uint32], pairs: NDArray[np.uint16]) -> None:
    """Write two numbers of five digits each as five pairs of characters."""
    three, last = _split(low, _TWO)
    one, fourth = _split(three, _TWO)
    four, fifth = _split(high, len(ALPHABET))
    first, second = _split(four, _TWO)
    middle = fifth * np.uint32(len(ALPHABET)) + one
    for place, two in enumerate((first, second, middle, fourth, last)):
        pairs[:, place] = _TWO_DIGITS[two]


def _split(numbers: NDArray[np.uint32], divisor: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    quotients = numbers // np.uint32(divisor)
    return quotients, numbers - quotients * np.uint32(divisor)
