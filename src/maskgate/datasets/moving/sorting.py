"""Orders of rows by chance that memory does not hold, the same as those of :mod:`maskgate.methods.orders`.

Words are drawn in the order of the rows, and go into bins by their first bits. Bin after bin is put in order. Where
words are tied, more words decide; how many is known only when all bins were looked at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from maskgate.datasets.moving.strip import Bins, Strip
from maskgate.methods.fixed_width import portions, view
from maskgate.methods.orders import Word, order_by_chance, ties

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from maskgate.datasets.moving.strip import Workspace
    from maskgate.methods.chance import Chance

# About what one row in a tie takes while it is decided in memory.
_TIE_BYTES, _SHARE_HELD = 64, 4
_TIED = pa.schema([("run", pa.int64())])
_SHARE_BITS = 20


@dataclass(frozen=True)
class Ordered:
    """Some rows in order.

    Attributes:
        words: Their words.
        groups: The group or run of each.
        carried: What they bring along; None if it is nothing but the values of their words.
    """

    words: NDArray[Any]
    groups: NDArray[np.integer[Any]]
    carried: pa.RecordBatch | None


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
        self._words = Bins(space, self._schema(), self._count())
        self._carried = None if carried is None else Bins(space, carried, self._count())

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
        bins, batch = self._in_bins(words, groups)
        self._words.add(bins, batch)
        if self._carried is not None:
            self._carried.add(bins, carried)

    def in_order(self) -> Iterator[Ordered]:
        """Give rows in order, bin after bin."""
        self._words.flush()
        if self._carried is not None:
            self._carried.flush()
        decided, done = self._decided(), 0
        for number in range(len(self._words)):
            words, groups, places, _ = self._sorted(number)
            if len(places):
                words[places] = words[places[decided(slice(done, done + len(places))) - done]]
                done += len(places)
            carried = None
            if self._carried is not None:
                rows = (words & self._word.of_value).astype(np.int64)
                carried = self._carried[number].take(pa.array(rows))
            yield Ordered(words, groups, carried)

    def _schema(self) -> pa.Schema:
        return pa.schema([("word", pa.from_numpy_dtype(np.dtype(self._word.kind)))])

    def _count(self) -> int:
        return len(self._bounds) + 1

    def _in_bins(self, words: NDArray[Any], _groups: NDArray[Any] | None) -> tuple[NDArray[Any], pa.RecordBatch]:
        """Return for each row the number of its bin, and what goes there."""
        return np.searchsorted(self._bounds, words, side="right"), pa.record_batch([pa.array(words)], self._schema())

    def _decided(self) -> Callable[[slice], NDArray[np.int64]]:
        """Let chance decide once more between rows in a tie; return, in order, which of them stands where."""
        tied, before = Strip(self._space.spill, _TIED), 0
        for number in range(len(self._words)):
            _, _, _, runs = self._sorted(number)
            if len(runs):
                tied.append(pa.record_batch([pa.array(runs + before)], _TIED))
                before += int(runs[-1])
        tied.flush()
        if tied.rows * _TIE_BYTES <= self._space.memory // _SHARE_HELD:
            runs = view(tied.all().column(0), np.int64)
            return order_by_chance(len(runs), self._chance, runs).all().__getitem__
        return _decided_outside(self._space, self._chance, tied, before)

    def _sorted(self, number: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
        """Return the words of a bin in order, their groups, and which are tied, in runs."""
        words = self._read(self._words[number])
        words.sort()
        is_grouped = self._word.free < words.itemsize * 8
        groups = words >> np.uint64(self._word.free) if is_grouped else np.zeros(len(words), np.int64)
        return words, groups, *ties(words, self._word.of_value)

    def _read(self, batch: pa.RecordBatch) -> NDArray[Any]:
        words = view(batch.column(0), self._word.kind).copy()
        if self._carried is not None:
            # The number of a row in its bin stands in the same order as its number in the table.
            words &= ~self._word.of_value
            words |= np.arange(len(words), dtype=words.dtype)
        return words


class OuterRuns(OuterOrder):
    """An order by chance within each of some runs, whose rows come one behind the other.

    Args:
        space: Where rows wait.
        chance: Where the order comes from.
        word: How words are made up; nothing in them says which run it is.
        sizes: How many rows each run has.
        carried: What rows bring along.
        bins: About how many bins there are.
    """

    def __init__(
        self, space: Workspace, chance: Chance, word: Word, sizes: NDArray[np.int64], carried: pa.Schema, *, bins: int
    ) -> None:
        most = max(1, int(sizes.sum()) // bins)
        # A large run has bins of its own; small ones fill one together.
        self._bins_of = -(-sizes // most)
        shared = (np.cumsum(sizes) - sizes) // most
        begins = np.ones(len(sizes), np.bool_)
        begins[1:] = (self._bins_of[1:] > 1) | (self._bins_of[:-1] > 1) | (shared[1:] != shared[:-1])
        own = np.where(begins, self._bins_of, 0)
        self._first = np.cumsum(own) - np.where(begins, own, 1)
        super().__init__(space, chance, word, np.zeros(0, word.kind), carried)

    def _schema(self) -> pa.Schema:
        return super()._schema().append(pa.field("run", pa.int64()))

    def _count(self) -> int:
        return int(self._first[-1] + self._bins_of[-1]) if len(self._first) else 1

    def _in_bins(self, words: NDArray[Any], groups: NDArray[Any] | None) -> tuple[NDArray[Any], pa.RecordBatch]:
        assert groups is not None
        width = self._word.little.itemsize * 8 - _SHARE_BITS
        share = ((words & ~self._word.of_value) >> self._word.kind(width)).astype(np.int64)
        bins = self._first[groups] + (share * self._bins_of[groups] >> _SHARE_BITS)
        return bins, pa.record_batch([pa.array(words), pa.array(groups)], self._schema())

    def _sorted(self, number: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
        batch = self._words[number]
        words, runs = self._read(batch), view(batch.column(1), np.int64)
        starts = np.flatnonzero(np.diff(runs, prepend=-1))
        for start, stop in pairwise([*starts.tolist(), len(words)]):
            words[start:stop].sort()
        return words, runs, *ties(words, self._word.of_value, starts)


def _decided_outside(space: Workspace, chance: Chance, tied: Strip, runs: int) -> Callable[[slice], NDArray[np.int64]]:
    """Let chance decide between rows in ties that are too many for memory.

    Args:
        space: Where they wait.
        chance: What decides.
        tied: For each row, in order, which run of rows it is tied with, from 1 up.
        runs: How many runs there are.
    """
    word = Word.of(tied.rows, (tied.rows - 1).bit_length(), runs)
    bounds = _run_bounds(word, tied, space.bins_for(tied.rows, 8 * tied.rows))
    places = pa.schema([("place", pa.int64())])
    order, at = OuterOrder(space, chance, word, bounds, places), 0
    for batch in tied.batches():
        carried = pa.record_batch([pa.array(np.arange(at, at + batch.num_rows))], places)
        order.add(np.zeros(batch.num_rows, np.uint8), view(batch.column(0), np.int64), None, carried)
        at += batch.num_rows
    decided = Strip(space.spill, places)
    for rows in order.in_order():
        assert rows.carried is not None
        decided.append(rows.carried)
    decided.flush()
    return lambda rows: view(decided.read(rows.start, rows.stop).column(0), np.int64)


def _run_bounds(word: Word, tied: Strip, bins: int) -> NDArray[Any]:
    """Return words that cut runs into bins of about one size, given the run of each row in order."""
    most, cuts, left = max(1, tied.rows // bins), [np.zeros(0, np.uint64)], 0
    for batch in tied.batches():
        numbers = view(batch.column(0), np.int64)
        firsts = np.flatnonzero(np.diff(numbers, prepend=0))
        # A run that goes on from batch to batch is cut in each of them.
        sizes = np.diff(firsts, append=len(numbers))
        for run, size in zip(numbers[firsts[sizes > most]].tolist(), sizes[sizes > most].tolist(), strict=True):
            cuts.append(even_bounds(word, size // most + 1, run).astype(np.uint64))
        ends = np.flatnonzero(np.diff((left + np.arange(len(numbers))) // most, prepend=left // most))
        cuts.append(numbers[ends].astype(np.uint64) << np.uint64(word.free))
        left += len(numbers)
    return np.unique(_whole(word, np.concatenate(cuts)))


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
