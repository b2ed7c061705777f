"""FF1 on halves of any length, as Python integers, a row at a time.

For long halves, and lengths that few rows have: the ciphers run over all rows together, arithmetic over each row alone.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from maskgate.crypto.ff1_rounds import BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.crypto.ff1_digits import Strip
    from maskgate.crypto.ff1_rounds import RoundFunction


class Integers:
    """Halves as lists of Python integers."""

    def __init__(self, radix: int, function: RoundFunction) -> None:
        self._function = function
        self._moduli = radix**function.left, radix**function.right
        self._radix = radix
        self._digits = _digits_below(radix, 63)

    def read(self, strip: Strip, start: int, count: int) -> list[int]:
        """Return the number that digits of each row spell."""
        first = count % self._digits or min(count, self._digits)
        edges = [start, *range(start + first, start + count + 1, self._digits)]
        pieces = [strip.read(low, high - low).tolist() for low, high in pairwise(edges)]
        base = self._radix**self._digits
        return [_joined(each, base) for each in zip(*pieces, strict=True)]

    def write(self, strip: Strip, start: int, count: int, numbers: list[int]) -> None:
        """Spell a number in each row."""
        pieces = -(-count // self._digits)
        powers = _powers(self._radix**self._digits, pieces)
        columns = np.array([_split(number, pieces, powers) for number in numbers], np.uint64)
        end = start + count
        for column in columns.T[::-1]:
            low = max(start, end - self._digits)
            strip.write(low, end - low, np.ascontiguousarray(column))
            end = low

    def add(self, number: int, numbers: list[int], by: list[int]) -> list[int]:
        """Return the numbers, with what the round draws from the others added."""
        modulus = self._moduli[number % 2]
        return [(each + drawn) % modulus for each, drawn in zip(numbers, self._drawn(number, by), strict=True)]

    def subtract(self, number: int, numbers: list[int], by: list[int]) -> list[int]:
        """Return the numbers, with what the round draws from the others taken off."""
        modulus = self._moduli[number % 2]
        return [(each - drawn) % modulus for each, drawn in zip(numbers, self._drawn(number, by), strict=True)]

    def _drawn(self, number: int, by: list[int]) -> list[int]:
        size = self._function.blocks * BLOCK
        self._function.room(len(by))
        halves = np.frombuffer(b"".join([each.to_bytes(size, "big") for each in by]), np.uint64)
        frame = self._function.frame(number).astype(">u8").view(np.uint64)
        blocks: NDArray[np.uint64] = halves.reshape(len(by), -1, 2).swapaxes(0, 1) ^ frame[:, None]
        drawn = np.ascontiguousarray(self._function.draw(np.ascontiguousarray(blocks)).swapaxes(0, 1))
        raw, stride, width = drawn.tobytes(), drawn[0].nbytes, 4 * self._function.width
        return [int.from_bytes(raw[at : at + width], "big") for at in range(0, len(raw), stride)]


def _digits_below(radix: int, bits: int) -> int:
    digits = 1
    while radix ** (digits + 1) <= 1 << bits:
        digits += 1
    return digits


def _joined(pieces: tuple[int, ...], base: int) -> int:
    """Join numbers in a base, the highest first, in halves, so that few of the products are long."""
    row = list(pieces)
    while len(row) > 1:
        if len(row) % 2:
            row.insert(0, 0)
        row = [high * base + low for high, low in zip(row[::2], row[1::2], strict=True)]
        base *= base
    return row[0]


def _powers(base: int, pieces: int) -> list[int]:
    powers = [base]
    while 1 << len(powers) < pieces:
        powers.append(powers[-1] * powers[-1])
    return powers


def _split(number: int, pieces: int, powers: list[int]) -> list[int]:
    """Take a number apart in a base, the highest first; the inverse of joining."""
    row = [number]
    for power in reversed(powers):
        row = [part for each in row for part in divmod(each, power)]
    return row[len(row) - pieces :]
