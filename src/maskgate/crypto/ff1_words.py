"""FF1 on halves that are one 64-bit word each.

With a modulus below 2^62 a round draws 64 bits, or 96. Remainders come from quotients that may be a little too small,
and from subtracting the modulus where that leaves something: unsigned numbers wrap, so the lesser of `x` and `x - m`
is the right one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.crypto.ff1_rounds import ROUNDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.crypto.ff1_digits import Strip
    from maskgate.crypto.ff1_rounds import RoundFunction

LARGEST = 1 << 62
_ONE, _HALF = np.uint64(1), np.uint64(32)
_WORDS_OF_64_BITS = 2


class Words:
    """Halves as arrays of 64-bit words."""

    def __init__(self, radix: int, function: RoundFunction) -> None:
        self._function = function
        self._moduli = [np.uint64(radix**function.left), np.uint64(radix**function.right)]
        # Less than what it stands for by more than a double's rounding, and by far too little to matter.
        self._inverses = [2.0**32 / float(modulus) * (1 - 2.0**-40) for modulus in self._moduli]
        self._frames = [function.frame(number)[0] for number in range(ROUNDS)]

    def read(self, strip: Strip, start: int, count: int) -> NDArray[np.uint64]:
        """Return the numbers that digits of each row spell."""
        return strip.read(start, count)

    def write(self, strip: Strip, start: int, count: int, numbers: NDArray[np.uint64]) -> None:
        """Spell a number in each row."""
        strip.write(start, count, numbers)

    def add(self, number: int, numbers: NDArray[np.uint64], by: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return the numbers, with what the round draws from the others added."""
        modulus = self._moduli[number % 2]
        total = self._drawn(number, by)
        total += numbers
        return _lesser(total, np.subtract(total, modulus, out=self._function.room(len(by))[1]))

    def subtract(self, number: int, numbers: NDArray[np.uint64], by: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return the numbers, with what the round draws from the others taken off."""
        modulus = self._moduli[number % 2]
        total = self._drawn(number, by)
        np.subtract(numbers, total, out=total)
        return _lesser(total, np.add(total, modulus, out=self._function.room(len(by))[1]))

    def _drawn(self, number: int, by: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return what the round draws, below the modulus."""
        modulus = self._moduli[number % 2]
        blocks, quotient = self._function.room(len(by))
        upper, lower = self._frames[number]
        blocks[0, :, 0] = upper.byteswap()
        blocks.view(">u8")[0, :, 1] = np.bitwise_xor(by, lower, out=quotient)
        drawn = self._function.draw(blocks)[0].view(">u8")
        rest: NDArray[np.uint64] = drawn[:, 0].astype(np.uint64)
        _reduce(rest, modulus, quotient)
        if self._function.width == _WORDS_OF_64_BITS:
            return rest
        return self._continued(number, rest, drawn[:, 1], quotient)

    def _continued(
        self, number: int, rest: NDArray[np.uint64], drawn: NDArray[np.uint64], quotient: NDArray[np.uint64]
    ) -> NDArray[np.uint64]:
        """Append the next 32 bits to a remainder, and take the remainder again."""
        modulus = self._moduli[number % 2]
        next_bits = drawn.astype(np.uint64)
        next_bits >>= _HALF
        if modulus <= _ONE << _HALF:
            rest <<= _HALF
            rest += next_bits
            return _reduce(rest, modulus, quotient)
        quotient[:] = rest.view(np.int64) * self._inverses[number % 2]
        quotient *= modulus
        rest <<= _HALF
        rest += next_bits
        rest -= quotient
        # The quotient was too small by two at most.
        _lesser(rest, np.subtract(rest, modulus, out=quotient))
        return _lesser(rest, np.subtract(rest, modulus, out=quotient))


def _lesser(numbers: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Leave the lesser of each two, in place."""
    np.minimum(numbers, others, out=numbers)
    return numbers


def _reduce(numbers: NDArray[np.uint64], modulus: np.uint64, quotient: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Leave the remainders, in place."""
    np.floor_divide(numbers, modulus, out=quotient)
    quotient *= modulus
    numbers -= quotient
    return numbers
