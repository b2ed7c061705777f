"""Fakes drawn out of a pool by keyed bits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.blocks import windows
from maskgate.crypto.cells import Cells, edges_of
from maskgate.crypto.room import room
from maskgate.methods.fake_kinds import DOMAINS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.methods.fake_pools import Pool

# A product of an index of up to 18 bits and 46 drawn ones fits into a word: no entry is likelier than another by more
# than 1 to 2^28.
_KEPT = np.uint64(46)
_DROPPED = np.uint64(18)
_BASE32 = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", np.uint8)
_PAIRS = np.stack([np.repeat(_BASE32, 32), np.tile(_BASE32, 32)], axis=1).copy().view("<u2").ravel()
_SUFFIX_PAIRS = 6
_WORD = 8
_PAIR_BITS = 10
_PAIRS_A_WORD = 4
# All of one length.
_DOMAINS = np.frombuffer("".join(f"@{domain}" for domain in DOMAINS).encode(), f"V{1 + len(DOMAINS[0])}")
# What stands behind a name: a dot, two words of characters, and the domain of an e-mail.
_SUFFIX = np.dtype([("dot", "u1"), ("first", "<u8"), ("rest", "<u4")])
_SUFFIX_AND_DOMAIN = np.dtype([*_SUFFIX.descr, ("domain", _DOMAINS.dtype)])


@dataclass(frozen=True)
class FromPool:
    """Draws entries of a pool."""

    pool: Pool

    @property
    def words(self) -> int:
        """Words of 64 bits that a draw takes."""
        return 1

    @cached_property
    def is_ascii(self) -> bool:
        """Whether all entries are ASCII; none has a blank at its ends."""
        return pc.all(pc.string_is_ascii(self.pool.entries)).as_py() is not False

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
        names, lengths = self._names
        ends = self._ends(drawn)
        edges = edges_of(lengths.take(drawn[0]) + ends.itemsize)
        text = room(edges[-1] + names.itemsize, np.uint8)
        # Each name is written with what fills it up; over that go the next name, and then the ends.
        windows(text, names.itemsize)[edges[:-1]] = names.take(drawn[0])
        windows(text, ends.itemsize)[edges[1:] - ends.itemsize] = ends.view(f"V{ends.itemsize}")
        buffers = [None, pa.py_buffer(edges.astype(np.int32)), pa.py_buffer(text[: edges[-1]])]
        return pa.Array.from_buffers(pa.string(), len(ends), buffers)

    @cached_property
    def _names(self) -> tuple[NDArray[np.void], NDArray[np.int64]]:
        """All entries filled up to one size, and how long each is."""
        cells = Cells.of(self.pool.entries)
        width = -(-int(cells.lengths.max()) // _WORD) * _WORD
        names = np.zeros((len(cells), width), np.uint8)
        names[np.arange(width) < cells.lengths[:, np.newaxis]] = cells.joined()
        return names.view(f"V{width}").ravel(), cells.lengths

    def _ends(self, drawn: NDArray[np.int64]) -> NDArray[np.void]:
        ends = np.empty(drawn.shape[1], _SUFFIX_AND_DOMAIN if self.with_domain else _SUFFIX)
        ends["dot"] = ord(".")
        for name, pairs in (("first", range(_PAIRS_A_WORD)), ("rest", range(_PAIRS_A_WORD, _SUFFIX_PAIRS))):
            word = np.zeros(len(ends), ends.dtype[name])
            for place, pair in enumerate(pairs):
                digits = (drawn[1] >> pair * _PAIR_BITS) & (len(_PAIRS) - 1)
                word |= _PAIRS.take(digits).astype(word.dtype) << word.dtype.type(16 * place)
            ends[name] = word
        if self.with_domain:
            ends["domain"] = _DOMAINS.take(drawn[2])
        return ends


def _place(words: NDArray[np.uint64], size: int) -> NDArray[np.int64]:
    places: NDArray[np.int64] = (((words >> _DROPPED) * np.uint64(size)) >> _KEPT).astype(np.int64)
    return places
