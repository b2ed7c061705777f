"""AES in counter mode over the cells of a column, as RFC 5297 counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CTR

from maskgate.crypto.blocks import BLOCK, LONGEST, BlockCipher, as_blocks, blocks_at, in_blocks, longest_first, windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

# RFC 5297 clears the top bits of these halves of the first counter's second word, so that counting never carries over.
_UNCARRIED = np.frombuffer(b"\x7f\xff\xff\xff\x7f\xff\xff\xff", np.uint64)[0]


@dataclass(frozen=True)
class Spans:
    """Cells within some bytes.

    Attributes:
        data: Holds the cells, and at least one more block behind the last.
        starts: Where each cell begins.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]


class CounterMode:
    """Counter mode under one key; the same call encrypts and decrypts.

    Raises:
        ValueError: If the key has not 16, 24 or 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = BlockCipher(key)

    def apply(self, source: Spans, lengths: NDArray[np.int64], tags: NDArray[np.uint64], target: Spans) -> None:
        """Encrypt or decrypt up to `ROWS` cells.

        Args:
            source: Where the cells are.
            lengths: Bytes of each cell.
            tags: The synthetic initialization vector of each cell, as two words.
            target: Where they go, in the order in which they stand there. Up to 15 bytes behind each cell are
                overwritten too; whoever calls leaves room for a tag there and writes it afterwards.
        """
        counters = tags.copy()
        counters[:, 1] &= _UNCARRIED
        blocks = in_blocks(lengths)
        together = blocks <= LONGEST
        alone = np.flatnonzero(~together)
        rows = slice(None) if len(alone) == 0 else np.flatnonzero(together)
        self._apply_together(source, rows, blocks[rows], counters[rows], target)
        for row in alone:
            cell = source.data[source.starts[row] : source.starts[row] + lengths[row]]
            stream = Cipher(self._cipher.aes, CTR(counters[row].tobytes())).encryptor()
            done = np.frombuffer(stream.update(cell.tobytes()), np.uint8)
            target.data[target.starts[row] : target.starts[row] + lengths[row]] = done

    def _apply_together(
        self,
        source: Spans,
        rows: slice | NDArray[np.intp],
        blocks: NDArray[np.int64],
        counters: NDArray[np.uint64],
        target: Spans,
    ) -> None:
        order, going = longest_first(blocks)
        taken_from, put_at = source.starts[rows][order], target.starts[rows][order]
        here, there = windows(source.data), windows(target.data)
        stream = blocks_at(as_blocks(counters), order)
        lower = stream[:, 1].view(">u8").astype(np.uint64)
        for index, count in enumerate(going):
            if index:
                stream[:count, 1] = (lower[:count] + np.uint64(index)).astype(">u8").view(np.uint64)
            worked = blocks_at(here, taken_from[:count] + index * BLOCK)
            worked ^= self._cipher.encrypt(stream[:count])
            there[put_at[:count] + index * BLOCK] = as_blocks(worked)
