"""Fakes drawn out of a pool by keyed bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.methods.fake_kinds import DOMAINS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.methods.fake_pools import Pool

# A product of an index of up to 18 bits and 46 drawn ones fits into a word: no entry is likelier than another by more
# than 1 to 2^28.
_KEPT = np.uint64(46)
_DROPPED = np.uint64(18)
_BASE32 = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", np.uint8)
_PAIRS = np.stack([np.repeat(_BASE32, 32), np.tile(_BASE32, 32)], axis=1).copy().view("V2").ravel()
_SUFFIX_PAIRS = 6
_PAIR_BITS = 10
_SUFFIX = 1 + 2 * _SUFFIX_PAIRS
# All of one length.
_DOMAINS = np.frombuffer("".join(f"@{domain}" for domain in DOMAINS).encode(), f"V{1 + len(DOMAINS[0])}")


@dataclass(frozen=True)
class FromPool:
    """Draws entries of a pool."""

    pool: Pool

    @property
    def words(self) -> int:
        """Words of 64 bits that a draw takes."""
        return 1

    def drawn(self, words: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Draw the place of an entry."""
        return _place(words[:, 0], len(self.pool.entries))[np.newaxis]

    def following(self, drawn: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places behind these."""
        following = drawn.copy()
        following[0] = (following[0] + 1) % len(self.pool.entries)
        return following

    def written(self, drawn: NDArray[np.int64]) -> pa.StringArray:
        """Return the entries."""
        return pc.take(self.pool.entries, pa.array(drawn[0]))


@dataclass(frozen=True)
class FromPoolWithSuffix(FromPool):
    """Draws entries of a pool, and 60 bits behind each that tell values apart.

    Attributes:
        pool: A pool of user names.
        with_domain: Whether an e-mail's domain stands behind.
    """

    with_domain: bool

    @property
    def words(self) -> int:
        """Words of 64 bits that a draw takes."""
        return 2

    def drawn(self, words: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Draw the place of an entry, the bits of the suffix and the place of a domain."""
        places = _place(words[:, 0], len(self.pool.entries))
        # The lowest bits of the first word do not count for the place of an entry.
        domains = (words[:, 0] & np.uint64(0xFFFF)) * np.uint64(len(DOMAINS)) >> np.uint64(16)
        return np.stack([places, (words[:, 1] >> np.uint64(4)).astype(np.int64), domains.astype(np.int64)])

    def written(self, drawn: NDArray[np.int64]) -> pa.StringArray:
        """Write entry, suffix and domain."""
        names = super().written(drawn)
        end = _DOMAINS.dtype.itemsize if self.with_domain else 0
        text = np.empty((drawn.shape[1], _SUFFIX + end), np.uint8)
        text[:, 0] = ord(".")
        for pair in range(_SUFFIX_PAIRS):
            digits = (drawn[1] >> pair * _PAIR_BITS) & (len(_PAIRS) - 1)
            text[:, 1 + 2 * pair : 3 + 2 * pair] = _PAIRS[digits].view(np.uint8).reshape(-1, 2)
        if end:
            text[:, _SUFFIX:] = _DOMAINS[drawn[2]].view(np.uint8).reshape(-1, end)
        offsets = np.arange(0, text.size + 1, text.shape[1], dtype=np.int32)
        ends = pa.Array.from_buffers(pa.string(), len(text), [None, pa.py_buffer(offsets), pa.py_buffer(text)])
        return pc.binary_join_element_wise(names, ends, "")


def _place(words: NDArray[np.uint64], size: int) -> NDArray[np.int64]:
    places: NDArray[np.int64] = (((words >> _DROPPED) * np.uint64(size)) >> _KEPT).astype(np.int64)
    return places
