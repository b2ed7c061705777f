"""AES-CMAC of every cell of a column at once (NIST SP 800-38B, RFC 4493).

All cells advance together: step *i* encrypts block *i* of every cell that is that long in one AES-ECB call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.cmac import CMAC

from maskgate.crypto.blocks import (
    BLOCK,
    BYTES,
    LONGEST,
    ROWS,
    BlockCipher,
    as_blocks,
    blocks_at,
    double,
    in_blocks,
    longest_first,
    padded,
    windows,
)
from maskgate.crypto.cells import Cells, chunk_by_chunk, validity_buffer
from maskgate.crypto.hidden import hidden
from maskgate.crypto.room import room

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["BLOCK", "CellCmac", "digest", "digest_blocks", "digester"]


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

    Example:
        >>> digest(pa.array([""]), bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"))[0].as_py().hex()
        'bb1d6929e95937287fa37d129b756746'
    """
    key = hidden(key)
    return chunk_by_chunk(column, digester(key), pa.binary(BLOCK))


def digester(key: bytes) -> Callable[[pa.Array], pa.Array]:
    """Return :func:`digest` under a key, for one array after the other.

    Raises:
        ValueError: If the key has another length.
    """
    machine = CellCmac(hidden(key))
    return lambda column: _digest(column, machine)


def digest_blocks(blocks: NDArray[np.uint64], key: bytes) -> NDArray[np.uint64]:
    """Compute the AES-CMAC of cells that are one block each.

    Args:
        blocks: Two words a cell, as :func:`digest` gives them.
        key: 16, 24 or 32 bytes.

    Returns:
        Two words a cell.

    Raises:
        ValueError: If the key has another length.
    """
    machine = CellCmac(hidden(key))
    digests = np.empty(blocks.shape, np.uint64)
    for start in range(0, len(blocks), ROWS):
        digests[start : start + ROWS] = machine.digest_blocks(blocks[start : start + ROWS])
    return digests


def _digest(column: pa.Array, machine: CellCmac) -> pa.Array:
    cells = Cells.of(column)
    state = room(2 * len(cells), np.uint64).reshape(-1, 2)
    for rows in cells.portions(ROWS, BYTES):
        starts, lengths = cells.starts[rows], cells.lengths[rows]
        lowest = int(starts.min())
        data = padded(cells.data[lowest : int((starts + lengths).max())])
        state[rows] = machine.digest(data, starts - lowest, lengths)
    if cells.valid is not None:
        state[~cells.valid] = 0
    return pa.Array.from_buffers(pa.binary(BLOCK), len(cells), [validity_buffer(cells.valid), pa.py_buffer(state)])


# Which bytes of a last block with r bytes count.
_KEPT = as_blocks(np.tri(BLOCK + 1, BLOCK, -1, np.uint8) * np.uint8(0xFF))


class CellCmac:
    """CMAC under one key, with its two subkeys as a table by the length of the last block."""

    def __init__(self, key: bytes) -> None:
        self._cipher = BlockCipher(key)
        first = double(self._cipher.encrypt_one(bytes(BLOCK)))
        second = double(first)
        final = np.zeros((BLOCK + 1, BLOCK), np.uint8)
        final[:BLOCK] = np.frombuffer(second, np.uint8)
        final[np.arange(BLOCK), np.arange(BLOCK)] ^= 0x80
        final[BLOCK] = np.frombuffer(first, np.uint8)
        # What is added to a last block with r bytes.
        self._final = as_blocks(final)

    def digest(
        self, data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> NDArray[np.uint64]:
        """Compute the CMAC of up to `ROWS` cells.

        Args:
            data: Holds the cells, and at least one more block behind the last.
            starts: Where each cell begins.
            lengths: Bytes of each cell.

        Returns:
            Two words a cell.
        """
        state = np.zeros((len(starts), 2), np.uint64)
        blocks = np.maximum(in_blocks(lengths), 1)
        together = blocks <= LONGEST
        if together.all():
            self._digest_together(data, starts, lengths, blocks, state)
            return state
        part = np.zeros((int(together.sum()), 2), np.uint64)
        self._digest_together(data, starts[together], lengths[together], blocks[together], part)
        state[together] = part
        for row in np.flatnonzero(~together):
            state[row] = self.digest_one(data[starts[row] : starts[row] + lengths[row]].tobytes())
        return state

    def _digest_together(
        self,
        data: NDArray[np.uint8],
        starts: NDArray[np.int64],
        lengths: NDArray[np.int64],
        blocks: NDArray[np.int64],
        state: NDArray[np.uint64],
    ) -> None:
        order, going = longest_first(blocks)
        starts, lengths = starts[order], lengths[order]
        every_window = windows(data)
        chain = np.zeros_like(state)
        for index, count in enumerate(going):
            beyond = going[index + 1] if index + 1 < len(going) else 0
            taken = blocks_at(every_window, starts[:count] + index * BLOCK)
            rest = lengths[beyond:count] - index * BLOCK
            taken[beyond:] &= blocks_at(_KEPT, rest)
            taken[beyond:] ^= blocks_at(self._final, rest)
            taken ^= chain[:count]
            chain[:count] = self._cipher.encrypt(taken)
        state[order] = chain

    def digest_blocks(self, blocks: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Compute the CMAC of up to `ROWS` cells of one block; the result is overwritten by the next call."""
        return self._cipher.encrypt(blocks ^ self._final[BLOCK:].view(np.uint64))

    def digest_one(self, cell: bytes) -> NDArray[np.uint64]:
        """Compute the CMAC of some bytes, as two words."""
        mac = CMAC(self._cipher.aes)
        mac.update(cell)
        return np.frombuffer(mac.finalize(), np.uint64)
