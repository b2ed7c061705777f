"""Orders of rows by chance that memory does not hold, the same as those of :mod:`maskgate.methods.orders`.

Words are drawn in the order of the rows, and go into bins by their first bits. Bin after bin is put in order. Where
words are tied, more words decide; how many is known only when all bins were looked at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from maskgate.datasets.moving.strip import Bins
from maskgate.errors import DatasetError
from maskgate.methods.fixed_width import portions, view
from maskgate.methods.orders import order_by_chance, ties

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from maskgate.datasets.moving.strip import Workspace
    from maskgate.methods.chance import Chance
    from maskgate.methods.orders import Word

# About what one row in a tie takes while it is decided.
_TIE_BYTES = 64


class OuterOrder:
    """An order of rows by chance, to which they come in portions.

    Args:
        space: Where rows wait.
        chance: Where the order comes from.
        word: How words are made up.
        bounds: Words at which a bin ends and the next begins, ascending; whole but for their values.
        carried: What rows bring along; None if it is nothing but the values of their words.
    """

    def __init__(
        self, space: Workspace, chance: Chance, word: Word, bounds: NDArray[Any], carried: pa.Schema | None
    ) -> None:
        self._space, self._chance, self._word, self._bounds = space, chance, word, bounds
        words = pa.schema([("word", pa.from_numpy_dtype(np.dtype(word.kind)))])
        self._words = Bins(space, words, len(bounds) + 1)
        self._carried = None if carried is None else Bins(space, carried, len(bounds) + 1)

    def add(
        self,
        values: NDArray[Any],
        groups: NDArray[Any] | None,
        valid: NDArray[np.bool_] | None,
        carried: pa.RecordBatch | None,
    ) -> None:
        """Draw the words of the next rows.

        Args:
            values: The value of each row; anything where rows carry something.
            groups: The group of each row; None if all are one.
            valid: Which rows count; None if all.
            carried: What those bring along.
        """
        words = np.empty(len(values), self._word.little)
        for rows in portions(len(values)):
            self._word.draw(words[rows], self._chance, values[rows], None if groups is None else groups[rows])
        words = words if valid is None else words[valid]
        bins = np.searchsorted(self._bounds, words, side="right")
        self._words.add(bins, pa.record_batch([pa.array(words)], schema=self._words.schema))
        if self._carried is not None:
            self._carried.add(bins, carried)

    def in_order(self) -> Iterator[tuple[NDArray[Any], pa.RecordBatch | None]]:
        """Give rows in order, bin after bin: their words, and what they carry.

        Raises:
            DatasetError: If more of them are tied than memory holds.
        """
        self._words.flush()
        if self._carried is not None:
            self._carried.flush()
        decided, done = self._decided(), 0
        for number in range(len(self._words)):
            words = self._sorted(number)
            places, _ = ties(words, self._word.of_value)
            if len(places):
                words[places] = words[places[decided[done : done + len(places)] - done]]
                done += len(places)
            if self._carried is None:
                yield words, None
            else:
                rows = (words & self._word.of_value).astype(np.int64)
                yield words, self._carried[number].take(pa.array(rows))

    def _decided(self) -> NDArray[np.int64]:
        """Return for each row in a tie, in order, which of them stands there."""
        found, count, before = [], 0, 0
        for number in range(len(self._words)):
            places, runs = ties(self._sorted(number), self._word.of_value)
            if len(places):
                found.append(runs + before)
                before, count = before + int(runs[-1]), count + len(places)
            if count * _TIE_BYTES > self._space.memory:
                raise DatasetError(
                    "there are so many rows that chance cannot tell them apart within the memory limit. Allow more "
                    "with --memory, or mask the data in parts of its own."
                )
        if not found:
            return np.zeros(0, np.int64)
        return order_by_chance(count, self._chance, np.concatenate(found)).all()

    def _sorted(self, number: int) -> NDArray[Any]:
        words = view(self._words[number].column(0), self._word.kind).copy()
        if self._carried is not None:
            # The number of a row in its bin stands in the same order as its number in the table.
            words &= ~self._word.of_value
            words |= np.arange(len(words), dtype=words.dtype)
        words.sort()
        return words


def even_bounds(word: Word, bins: int, group: int = 0) -> NDArray[Any]:
    """Return words that cut those of one group into bins of about one size; there are fewer, if chance has few bits."""
    step = max(1 << word.bits, (1 << word.free) // bins)
    bounds = [(group << word.free) + at * step for at in range(1, bins)]
    return _whole(word, np.array([each for each in bounds if each < (group + 1) << word.free], np.uint64))


def group_bounds(word: Word, sizes: NDArray[np.int64], bins: int) -> NDArray[Any]:
    """Return words that cut groups of these sizes into bins of about one size, large groups by chance."""
    most = max(1, int(sizes.sum()) // bins)
    before = np.cumsum(sizes) - sizes
    starts = np.flatnonzero(np.diff(before // most, prepend=0)).astype(np.uint64) << np.uint64(word.free % 64)
    large = np.flatnonzero(sizes > most)
    cuts = [even_bounds(word, int(sizes[group] // most) + 1, int(group)) for group in large]
    return np.unique(_whole(word, np.concatenate([starts, *cuts])))


def _whole(word: Word, bounds: NDArray[Any]) -> NDArray[Any]:
    whole: NDArray[Any] = bounds.astype(word.kind) & ~word.of_value
    return whole
