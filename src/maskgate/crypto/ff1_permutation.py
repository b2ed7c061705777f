"""The ten Feistel rounds of FF1, forwards and backwards (NIST SP 800-38G, algorithms 7 and 8)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from maskgate.crypto import ff1_limbs as limbs
from maskgate.crypto import ff1_words as words
from maskgate.crypto.ff1_integers import Integers
from maskgate.crypto.ff1_rounds import ROUNDS, RoundFunction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from maskgate.crypto.ff1_digits import Strip

LEAST_DOMAIN = 100


class Arithmetic(Protocol):
    """Halves of many values as numbers, whatever they are kept in."""

    def read(self, strip: Strip, start: int, count: int) -> Any:
        """Return the numbers that digits of each row spell."""

    def write(self, strip: Strip, start: int, count: int, numbers: Any) -> None:
        """Spell a number in each row."""

    def add(self, number: int, numbers: Any, by: Any) -> Any:
        """Return the numbers, with what the round draws from the others added."""

    def subtract(self, number: int, numbers: Any, by: Any) -> Any:
        """Return the numbers, with what the round draws from the others taken off."""


class Permutation:
    """FF1 under one key, tweak and radix, for values of every length."""

    def __init__(self, key: bytes, tweak: bytes, radix: int) -> None:
        self._key, self._tweak, self._radix = key, tweak, radix
        self._of_length: dict[int, PermutationOfLength] = {}

    def of_length(self, length: int) -> PermutationOfLength:
        """Return the permutation of values of one length, which is made once."""
        if length not in self._of_length:
            self._of_length[length] = PermutationOfLength(self._key, self._tweak, self._radix, length)
        return self._of_length[length]

    def encrypt(self, strip: Strip) -> None:
        """Encipher every row in place."""
        self.of_length(strip.length).encrypt_strip(strip)

    def decrypt(self, strip: Strip) -> None:
        """Decipher every row in place."""
        self.of_length(strip.length).decrypt_strip(strip)


class PermutationOfLength:
    """FF1 under one key and tweak, for values of one radix and length."""

    def __init__(self, key: bytes, tweak: bytes, radix: int, length: int) -> None:
        self._radix, self._function = radix, RoundFunction(key, tweak, radix, length)

    def encrypt_strip(self, strip: Strip) -> None:
        """Encipher every row in place."""
        arithmetic = self._arithmetic(strip.rows)
        self._write(strip, arithmetic, *_encrypted(arithmetic, *self._read(strip, arithmetic)))

    def decrypt_strip(self, strip: Strip) -> None:
        """Decipher every row in place."""
        arithmetic = self._arithmetic(strip.rows)
        self._write(strip, arithmetic, *_decrypted(arithmetic, *self._read(strip, arithmetic)))

    def encrypt(self, left: NDArray[np.uint64], right: NDArray[np.uint64]) -> tuple[Any, Any]:
        """Encipher values that are numbers already, a word for each half."""
        return _encrypted(self._words, left, right)

    def decrypt(self, left: NDArray[np.uint64], right: NDArray[np.uint64]) -> tuple[Any, Any]:
        """Decipher values that are numbers already, a word for each half."""
        return _decrypted(self._words, left, right)

    def _arithmetic(self, rows: int) -> Arithmetic:
        """Choose the fastest arithmetic that is right for halves of this length and so many rows."""
        if self._radix**self._function.right < words.LARGEST:
            return self._words
        if limbs.pays(self._radix, self._function, rows) and limbs.fits(self._radix, self._function):
            return self._limbs
        return self._integers

    @cached_property
    def _words(self) -> Arithmetic:
        return words.Words(self._radix, self._function)

    @cached_property
    def _limbs(self) -> Arithmetic:
        return limbs.Limbs(self._radix, self._function)

    @cached_property
    def _integers(self) -> Arithmetic:
        return Integers(self._radix, self._function)

    def _read(self, strip: Strip, arithmetic: Arithmetic) -> tuple[Any, Any]:
        left, right = self._function.left, self._function.right
        return arithmetic.read(strip, 0, left), arithmetic.read(strip, left, right)

    def _write(self, strip: Strip, arithmetic: Arithmetic, left: Any, right: Any) -> None:
        arithmetic.write(strip, 0, self._function.left, left)
        arithmetic.write(strip, self._function.left, self._function.right, right)


def _encrypted(arithmetic: Arithmetic, left: Any, right: Any) -> tuple[Any, Any]:
    for number in range(ROUNDS):
        left, right = right, arithmetic.add(number, left, right)
    return left, right


def _decrypted(arithmetic: Arithmetic, left: Any, right: Any) -> tuple[Any, Any]:
    for number in reversed(range(ROUNDS)):
        left, right = arithmetic.subtract(number, right, left), left
    return left, right


def least_length(radix: int, domain: int = LEAST_DOMAIN) -> int:
    """Return how many digits, at least two, make a domain of at least the given size."""
    length = 2
    while radix**length < domain:
        length += 1
    return length
