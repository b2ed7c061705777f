"""The round function of FF1, for many values of one length at once (NIST SP 800-38G, algorithm 7, steps 3 to 6).

A round authenticates the tweak, its own number and one half of the value by AES-CBC-MAC. All but the last block or two
are the same for every value of a length: they are chained once, and each round is one AES-ECB call over all values for
each block that is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDS = 10
BLOCK = 16


class RoundFunction:
    """The pseudorandom function of all rounds, for values of one length under one key and tweak.

    Attributes:
        left: Digits of the left half.
        right: Digits of the right half; one more than the left one if the length is odd.
        width: 32-bit words of the number that a round gives.
        blocks: Blocks of 16 bytes that differ from value to value.
    """

    def __init__(self, key: bytes, tweak: bytes, radix: int, length: int) -> None:
        aes = AES(key)
        self._encryptor = Cipher(aes, ECB()).encryptor()  # noqa: S305  the block cipher itself is wanted
        self.left = length // 2
        self.right = length - self.left
        size = bytes_of_half(radix, self.right)
        self.width = (size + 3) // 4 + 1
        before = _first_block(radix, length, len(tweak)) + tweak + bytes((-len(tweak) - size - 1) % BLOCK)
        same = len(before) // BLOCK * BLOCK
        self._last = before[same:]
        self._chained = Cipher(aes, CBC(bytes(BLOCK))).encryptor().update(before[:same])[-BLOCK:]
        self.blocks = (len(self._last) + 1 + size) // BLOCK
        self._size = size
        self._make_room(0)

    def frame(self, number: int) -> NDArray[np.uint64]:
        """Return the blocks of a round with a half that is zero, the chained ones added; two words a block."""
        blocks = bytearray(self._last + bytes([number]) + bytes(self._size))
        blocks[:BLOCK] = bytes(left ^ right for left, right in zip(blocks, self._chained, strict=False))
        return np.frombuffer(bytes(blocks), ">u8").astype(np.uint64).reshape(-1, 2)

    def room(self, rows: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return memory to use again and again: for the blocks of a round, and for a word a row.

        It is as large as rows came so far, so that many lengths of few rows need little of it.
        """
        if rows > len(self._spare):
            self._make_room(rows)
        return self._blocks[:, :rows], self._spare[:rows]

    def _make_room(self, rows: int) -> None:
        self._blocks = np.empty((self.blocks, rows, 2), np.uint64)
        self._spare = np.empty(rows, np.uint64)
        self._output = np.empty(rows * BLOCK + BLOCK - 1, np.uint8)
        self._drawn = np.empty((-(-self.width // 4), rows, 2), np.uint64)

    def draw(self, blocks: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Encipher the blocks of a round, and stretch the result as far as it is wanted.

        Args:
            blocks: For each block and row two words, big-endian as they lie in memory; no more rows than there is
                room for.

        Returns:
            The same way, what the round drew; overwritten by the next call.
        """
        rows = blocks.shape[1]
        drawn = self._drawn[:, :rows]
        chain = self._encrypted(blocks[0])
        for block in blocks[1:]:
            chain = self._encrypted(block ^ chain)
        drawn[0] = chain
        for index in range(1, len(drawn)):
            counter = np.frombuffer(index.to_bytes(BLOCK, "big"), np.uint64)
            drawn[index] = self._encrypted(drawn[0] ^ counter)
        return drawn

    def _encrypted(self, blocks: NDArray[np.uint64]) -> NDArray[np.uint64]:
        self._encryptor.update_into(blocks.data.cast("B"), self._output.data[: blocks.nbytes + BLOCK - 1])
        return self._output[: blocks.nbytes].view(np.uint64).reshape(-1, 2)


def bytes_of_half(radix: int, digits: int) -> int:
    """Return the bytes that hold every number of so many digits."""
    largest: int = radix**digits - 1
    return (largest.bit_length() + 7) // 8


def _first_block(radix: int, length: int, tweak_length: int) -> bytes:
    rounds = bytes([1, 2, 1]) + radix.to_bytes(3, "big") + bytes([ROUNDS, length // 2 % 256])
    return rounds + length.to_bytes(4, "big") + tweak_length.to_bytes(4, "big")
