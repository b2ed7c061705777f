"""AES over columns of blocks: one call a block index for all cells, whatever their lengths.

A single value cannot be made faster, since each block of it waits for the one before; a column can. Its cells go
longest first, so that the cells which still have a block are always the first ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 16
# So many rows and bytes at a time stay in the processor's cache, and bound the memory whatever the lengths. With fewer,
# threads would have to wait for one another's turn with Python's lock more often.
ROWS = 32_768
BYTES = 4_194_304
# A cell of more blocks is worked on by itself, where OpenSSL's own chaining is the faster one.
LONGEST = 64


class BlockCipher:
    """AES under one key, for up to `ROWS` blocks at once.

    Raises:
        ValueError: If the key has not 16, 24 or 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) not in (16, 24, 32):
            raise ValueError(f"an AES key has 16, 24 or 32 bytes, not {len(key)}")
        self.aes = AES(key)
        self._encryptor = Cipher(self.aes, ECB()).encryptor()  # noqa: S305  the block cipher itself is wanted
        self._output = np.empty(ROWS * BLOCK + BLOCK - 1, np.uint8)

    def encrypt(self, blocks: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Encrypt blocks of two words each; the result is overwritten by the next call."""
        size = blocks.nbytes
        self._encryptor.update_into(blocks.data.cast("B"), self._output.data[: size + BLOCK - 1])
        return self._output[:size].view(np.uint64).reshape(-1, 2)

    def encrypt_one(self, block: bytes) -> bytes:
        """Encrypt one block."""
        return self._encryptor.update(block)


def padded(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Copy bytes and put one block of zeros behind them, so that a window may run over their end."""
    copy = np.zeros(len(data) + BLOCK, np.uint8)
    copy[: len(data)] = data
    return copy


def windows(data: NDArray[np.uint8], width: int = BLOCK) -> NDArray[np.void]:
    """View every `width` bytes in a row of some bytes as one item, without a copy."""
    return np.ndarray((len(data) - width + 1,), f"V{width}", data, strides=(1,))


def blocks_at(blocks: NDArray[np.void], places: NDArray[np.int64] | slice) -> NDArray[np.uint64]:
    """Copy the blocks at some places of a table or of :func:`windows`, each as two words."""
    return blocks[places].view(np.uint64).reshape(-1, 2)


def as_blocks(words: NDArray[np.generic]) -> NDArray[np.void]:
    """View rows of 16 bytes or two words as one item each, which is copied twice as fast as a row."""
    return np.ascontiguousarray(words).view(f"V{BLOCK}").reshape(-1)


def in_blocks(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many blocks cells of these lengths begin."""
    return (lengths + (BLOCK - 1)) // BLOCK


def longest_first(blocks: NDArray[np.int64]) -> tuple[NDArray[np.intp] | slice, list[int]]:
    """Order cells by their number of blocks, of which none may have more than `LONGEST`.

    Returns:
        The order, and at *i* how many cells have a block *i*.
    """
    counts = blocks.astype(np.uint8)
    if len(counts) and counts.min() == counts.max():
        return slice(None), [len(counts)] * int(counts[0])
    going = np.cumsum(np.bincount(counts, minlength=1)[::-1])[::-1]
    return np.argsort(LONGEST - counts, kind="stable"), going[1:].tolist()


def double(block: bytes) -> bytes:
    """Multiply by x in GF(2^128), as SP 800-38B and RFC 5297 make their subkeys."""
    number = int.from_bytes(block, "big") << 1
    if number >> 128:
        number = (number & ((1 << 128) - 1)) ^ 0x87
    return number.to_bytes(BLOCK, "big")
