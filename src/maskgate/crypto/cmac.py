"""AES-CMAC of every cell of a column at once (NIST SP 800-38B, RFC 4493).

CMAC chains one AES call per 16 bytes, so a single value cannot be sped up; a column can. All cells advance together:
step *i* encrypts block *i* of every cell that is that long in one AES-ECB call. A cell that needs more than
`_LONGEST` blocks is digested by itself, where OpenSSL's own chaining is the faster one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.cmac import CMAC

from maskgate.crypto.cells import Cells, chunk_by_chunk, validity_buffer

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 16
# So many rows and bytes at a time stay in the processor's cache, and bound the memory whatever the lengths.
_ROWS = 16_384
_BYTES = 4_194_304
_LONGEST = 64


def digest(column: pa.Array | pa.ChunkedArray, key: bytes) -> Any:
    """Compute the AES-CMAC of every cell.

    Args:
        column: Strings (their UTF-8 bytes) or bytes, in any layout.
        key: 16, 24 or 32 bytes.

    Returns:
        ``fixed_size_binary(16)``, chunked if the column is; null where the column is null.

    Raises:
        ValueError: If the key has another length.
        TypeError: If the column holds neither strings nor bytes.
    """
    if len(key) not in (16, 24, 32):
        raise ValueError(f"an AES key has 16, 24 or 32 bytes, not {len(key)}")
    machine = _Machine(key)
    return chunk_by_chunk(column, machine.digest, pa.binary(BLOCK))


class _Machine:
    """AES under one key, with the two subkeys of CMAC as a table by the length of the last block."""

    def __init__(self, key: bytes) -> None:
        self._aes = AES(key)
        self._encryptor = Cipher(self._aes, ECB()).encryptor()  # noqa: S305  the block cipher itself is wanted
        first = _double(self._encryptor.update(bytes(BLOCK)))
        second = _double(first)
        final = np.zeros((BLOCK + 1, BLOCK), np.uint8)
        final[:BLOCK] = np.frombuffer(second, np.uint8)
        final[np.arange(BLOCK), np.arange(BLOCK)] ^= 0x80
        final[BLOCK] = np.frombuffer(first, np.uint8)
        kept = np.tri(BLOCK + 1, BLOCK, -1, np.uint8) * np.uint8(0xFF)
        # Of a last block with r bytes: which bytes count, and what is added to them.
        self._kept, self._final = _as_words(kept), _as_words(final)
        self._output = np.empty(_ROWS * BLOCK + BLOCK - 1, np.uint8)

    def digest(self, column: pa.Array) -> pa.Array:
        cells = Cells.of(column)
        state = np.zeros((len(cells), 2), np.uint64)
        blocks = np.maximum((cells.lengths + BLOCK - 1) // BLOCK, 1)
        for rows in cells.portions(_ROWS, _BYTES):
            self._digest_portion(cells, blocks, rows, state)
        for row in np.flatnonzero(blocks > _LONGEST):
            start = cells.starts[row]
            state[row] = self._digest_alone(cells.data[start : start + cells.lengths[row]])
        if cells.valid is not None:
            state[~cells.valid] = 0
        buffers = [validity_buffer(cells.valid), pa.py_buffer(state)]
        return pa.Array.from_buffers(pa.binary(BLOCK), len(cells), buffers)

    def _digest_portion(self, cells: Cells, blocks: NDArray[np.int64], rows: slice, state: NDArray[np.uint64]) -> None:
        counts = blocks[rows]
        order = np.flatnonzero(counts <= _LONGEST)
        if len(order) == 0:
            return
        counts = counts[order].astype(np.uint8)
        if counts.min() != counts.max():
            # Longest first, so that the cells which still have blocks are always the first ones.
            sorting = np.argsort(_LONGEST - counts, kind="stable")
            order, counts = order[sorting], counts[sorting]
        starts, lengths = cells.starts[rows][order], cells.lengths[rows][order]
        lowest = int(starts.min())
        windows = _windows(cells.data[lowest : int((starts + lengths).max())])
        starts -= lowest
        chain = np.zeros((len(order), 2), np.uint64)
        at_least = np.cumsum(np.bincount(counts, minlength=_LONGEST + 2)[::-1])[::-1].tolist()
        for index in range(int(counts[0])):
            going, beyond = at_least[index + 1], at_least[index + 2]
            taken = windows[starts[:going] + index * BLOCK].view(np.uint64).reshape(-1, 2)
            rest = lengths[beyond:going] - index * BLOCK
            taken[beyond:] &= self._kept[rest]
            taken[beyond:] ^= self._final[rest]
            taken ^= chain[:going]
            self._encrypt(taken, chain[:going])
        state[rows][order] = chain

    def _encrypt(self, blocks: NDArray[np.uint64], into: NDArray[np.uint64]) -> None:
        size = blocks.nbytes
        self._encryptor.update_into(blocks.data.cast("B"), self._output.data[: size + BLOCK - 1])
        into[:] = self._output[:size].view(np.uint64).reshape(-1, 2)

    def _digest_alone(self, cell: NDArray[np.uint8]) -> NDArray[np.uint64]:
        mac = CMAC(self._aes)
        mac.update(cell.tobytes())
        return np.frombuffer(mac.finalize(), np.uint64)


def _windows(data: NDArray[np.uint8]) -> NDArray[np.void]:
    """View every 16 bytes in a row of the data, those that run over its end too."""
    padded = np.zeros(len(data) + BLOCK, np.uint8)
    padded[: len(data)] = data
    return np.ndarray((len(data) + 1,), "V16", padded, strides=(1,))


def _as_words(table: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(table).view(np.uint64).reshape(-1, 2)


def _double(block: bytes) -> bytes:
    """Multiply by x in GF(2^128), as SP 800-38B makes its subkeys."""
    number = int.from_bytes(block, "big") << 1
    if number >> 128:
        number = (number & ((1 << 128) - 1)) ^ 0x87
    return number.to_bytes(BLOCK, "big")
