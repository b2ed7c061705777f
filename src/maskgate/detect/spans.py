"""Places in a text, as two numpy arrays: where each begins and where it ends, in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Spans:
    """Stretches of bytes, each from its start up to its end, which is not part of it."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def none(cls) -> Spans:
        """Return no spans at all."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))

    @classmethod
    def all_of(cls, parts: Iterable[Spans]) -> Spans:
        """Put the spans of several lists into one, in the order of the lists."""
        known = [*parts, cls.none()]
        return cls(np.concatenate([each.starts for each in known]), np.concatenate([each.ends for each in known]))

    def __len__(self) -> int:
        return len(self.starts)

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Spans:
        """Return some of the spans, chosen by booleans or by their places."""
        return Spans(self.starts[chosen], self.ends[chosen])

    def merged(self) -> Spans:
        """Return the same bytes in as few spans as can be, from left to right, with a gap between any two.

        Example:
            >>> Spans(np.array([7, 0, 3]), np.array([9, 3, 5])).merged()
            Spans(starts=array([0, 7]), ends=array([5, 9]))
        """
        if len(self) == 0:
            return self
        order = np.argsort(self.starts, kind="stable")
        starts, ends = self.starts[order], np.maximum.accumulate(self.ends[order])
        first = np.concatenate([[True], starts[1:] > ends[:-1]])
        last = np.concatenate([first[1:], [True]])
        return Spans(starts[first], ends[last])

    def without(self, others: Spans) -> Spans:
        """Return what of the spans is in none of some others.

        Both are in order, and within each list no two overlap.

        Example:
            >>> Spans(np.array([0, 7]), np.array([5, 9])).without(Spans(np.array([2, 9]), np.array([3, 12])))
            Spans(starts=array([0, 3, 7]), ends=array([2, 5, 9]))
        """
        last = np.searchsorted(others.starts, self.ends, side="left") - 1
        overlaps = last >= 0
        overlaps[overlaps] = others.ends[last[overlaps]] > self.starts[overlaps]
        if not overlaps.any():
            return self
        edges = np.unique(np.concatenate([self.starts, self.ends, others.starts, others.ends]))
        left = edges[:-1]
        kept = self._cover(left) & ~others._cover(left)
        return Spans(left[kept], edges[1:][kept])

    def _cover(self, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        span = np.searchsorted(self.starts, places, side="right") - 1
        covered: NDArray[np.bool_] = span >= 0
        covered[covered] = places[covered] < self.ends[span[covered]]
        return covered

    def bytes_inside(self) -> NDArray[np.int64]:
        """Return the place of every byte inside of the spans.

        Example:
            >>> Spans(np.array([2, 7]), np.array([4, 8])).bytes_inside()
            array([2, 3, 7])
        """
        lengths = self.ends - self.starts
        before = np.cumsum(lengths) - lengths
        return np.repeat(self.starts - before, lengths) + np.arange(int(lengths.sum()), dtype=np.int64)
