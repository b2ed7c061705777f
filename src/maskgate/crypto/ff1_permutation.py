"""The ten Feistel rounds of FF1, forwards and backwards (NIST SP 800-38G, algorithms 7 and 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from maskgate.crypto import ff1_limbs as limbs
from maskgate.crypto import ff1_words as words
from maskgate.crypto.ff1_integers import Integers
from maskgate.crypto.ff1_rounds import ROUNDS, RoundFunction

if TYPE_CHECKING:
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
        function = RoundFunction(key, tweak, radix, length)
        self._left, self._right = function.left, function.right
        self._arithmetic = _arithmetic(radix, function)

    def encrypt_strip(self, strip: Strip) -> None:
        """Encipher every row in place."""
        self._write(strip, *self.encrypt(*self._read(strip)))

    def decrypt_strip(self, strip: Strip) -> None:
        """Decipher every row in place."""
        self._write(strip, *self.decrypt(*self._read(strip)))

    def encrypt(self, left: Any, right: Any) -> tuple[Any, Any]:
        """Encipher values that are numbers already, a half each."""
        for number in range(ROUNDS):
            left, right = right, self._arithmetic.add(number, left, right)
        return left, right

    def decrypt(self, left: Any, right: Any) -> tuple[Any, Any]:
        """Decipher values that are numbers already, a half each."""
        for number in reversed(range(ROUNDS)):
            left, right = self._arithmetic.subtract(number, right, left), left
        return left, right

    def _read(self, strip: Strip) -> tuple[Any, Any]:
        return (
            self._arithmetic.read(strip, 0, self._left),
            self._arithmetic.read(strip, self._left, self._right),
        )

    def _write(self, strip: Strip, left: Any, right: Any) -> None:
        self._arithmetic.write(strip, 0, self._left, left)
        self._arithmetic.write(strip, self._left, self._right, right)


def _arithmetic(radix: int, function: RoundFunction) -> Arithmetic:
    if radix**function.right < words.LARGEST:
        return words.Words(radix, function)
    if limbs.fits(radix, function):
        return limbs.Limbs(radix, function)
    return Integers(radix, function)


def least_length(radix: int, domain: int = LEAST_DOMAIN) -> int:
    """Return how many digits, at least two, make a domain of at least the given size."""
    length = 2
    while radix**length < domain:
        length += 1
    return length
