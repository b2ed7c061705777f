"""FF1 on halves that are longer than a word: in limbs, each a few digits of every row.

A limb is below 2^28, the words that a round reads and draws are below 2^32, so that fifteen products of the two can be
added up in 64 bits before anything is carried. The modulus is a power of the radix, so what lies beyond the highest
limb is dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.crypto.ff1_rounds import ROUNDS, bytes_of_half

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.crypto.ff1_digits import Strip
    from maskgate.crypto.ff1_rounds import RoundFunction

_LIMB, _WORD, _SUM = 1 << 28, 1 << 32, 1 << 64
# Products grow by the square of the length. Measured: from here on, Python's integers are faster whatever the rows are,
# and before it where a length has fewer rows.
_MOST_TERMS, _ROWS_OF_A_TERM = 64, 4
_WORD_MASK, _WORD_SHIFT = np.uint64(_WORD - 1), np.uint64(32)


def fits(radix: int, function: RoundFunction) -> bool:
    """Say whether all products of a half can be added up before anything is carried, and are not too many."""
    terms = terms_of(radix, function)
    base: int = radix ** digits_of_limb(radix)
    return terms <= _MOST_TERMS and (terms + 1) * base * _WORD <= _SUM


def pays(radix: int, function: RoundFunction, rows: int) -> bool:
    """Say whether limbs are faster than Python's integers for so many rows."""
    return rows >= _ROWS_OF_A_TERM * terms_of(radix, function)


def terms_of(radix: int, function: RoundFunction) -> int:
    """Return how many products make one limb or word of a half, which has as many again."""
    return max(function.width, -(-function.right // digits_of_limb(radix)))


def digits_of_limb(radix: int) -> int:
    """Return how many digits a limb holds."""
    digits = 1
    while radix ** (digits + 1) <= _LIMB:
        digits += 1
    return digits


class Limbs:
    """Halves as arrays of limbs, the lowest first."""

    def __init__(self, radix: int, function: RoundFunction) -> None:
        self._function = function
        self._digits = digits_of_limb(radix)
        self._base = base = radix**self._digits
        halves = function.left, function.right
        # The highest limb may have fewer digits than the others.
        self._highest = [radix ** ((digits - 1) % self._digits + 1) for digits in halves]
        words = -(-bytes_of_half(radix, function.right) // 4)
        limbs = [-(-digits // self._digits) for digits in halves]
        self._words_of_limbs = [_matrix([base**place for place in range(count)], _WORD, words) for count in limbs]
        self._limbs_of_words = [
            _matrix([_WORD**place % radix**digits for place in range(function.width)], base, count)
            for digits, count in zip(halves, limbs, strict=True)
        ]
        self._frames = [function.frame(number) for number in range(ROUNDS)]

    def read(self, strip: Strip, start: int, count: int) -> NDArray[np.uint64]:
        """Return the numbers that digits of each row spell."""
        return np.stack([strip.read(low, size) for low, size in self._places(start, count)])

    def write(self, strip: Strip, start: int, count: int, numbers: NDArray[np.uint64]) -> None:
        """Spell a number in each row."""
        for limb, (low, size) in zip(numbers, self._places(start, count), strict=True):
            strip.write(low, size, limb)

    def add(self, number: int, numbers: NDArray[np.uint64], by: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return the numbers, with what the round draws from the others added."""
        words = self._drawn(number, by)
        total: NDArray[np.uint64] = np.einsum("lw,wr->lr", self._limbs_of_words[number % 2], words)
        total += numbers
        for place in range(len(total) - 1):
            total[place + 1] += _split_off(total[place], self._base)
        _split_off(total[-1], self._highest[number % 2])
        return total

    def subtract(self, number: int, numbers: NDArray[np.uint64], by: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return the numbers, with what the round draws from the others taken off."""
        return self._complement(number, self.add(number, self._complement(number, numbers), by))

    def _complement(self, number: int, numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return what is missing to the largest number; adding to it is subtracting from the number."""
        largest = np.full((len(numbers), 1), self._base - 1, np.uint64)
        largest[-1] = self._highest[number % 2] - 1
        return largest - numbers

    def _drawn(self, number: int, by: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return what the round draws, in words, the lowest first."""
        blocks, _ = self._function.room(by.shape[1])
        pairs = self._pairs(number, by)
        for place, constant in enumerate(self._frames[number].ravel()[::-1]):
            target = blocks[len(blocks) - 1 - place // 2].view(">u8")[:, 1 - place % 2]
            target[:] = constant ^ pairs[place] if place < len(pairs) else constant
        drawn = self._function.draw(blocks).view(">u4")
        words = np.empty((self._function.width, by.shape[1]), np.uint64)
        for place, word in enumerate(words[::-1]):
            word[:] = drawn[place // 4, :, place % 4]
        return words

    def _pairs(self, number: int, numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return numbers in words of 64 bits, the lowest first."""
        # The half that is read is not the one that is changed.
        words: NDArray[np.uint64] = np.einsum("wl,lr->wr", self._words_of_limbs[1 - number % 2], numbers)
        for place in range(len(words) - 1):
            words[place + 1] += words[place] >> _WORD_SHIFT
            words[place] &= _WORD_MASK
        pairs = words[::2]
        pairs[: len(words) // 2] |= words[1::2] << _WORD_SHIFT
        return pairs

    def _places(self, start: int, count: int) -> list[tuple[int, int]]:
        """Return where the digits of each limb begin, and how many they are, the lowest limb first."""
        ends = range(start + count, start, -self._digits)
        return [(max(start, end - self._digits), min(self._digits, end - start)) for end in ends]


def _split_off(numbers: NDArray[np.uint64], base: int) -> NDArray[np.uint64]:
    """Leave what is below the base, in place, and return the rest."""
    above = numbers // np.uint64(base)
    numbers -= above * np.uint64(base)
    return above


def _matrix(numbers: list[int], base: int, rows: int) -> NDArray[np.uint64]:
    """Return numbers in a base, a column each, the lowest digit first."""
    columns = [_taken_apart(number, base) for number in numbers]
    return np.array([column + [0] * (rows - len(column)) for column in columns], np.uint64).T.copy()


def _taken_apart(number: int, base: int) -> list[int]:
    """Return the number in a base, the lowest digit first."""
    parts = []
    while number:
        number, part = divmod(number, base)
        parts.append(part)
    return parts
