"""Times several ways of doing one thing, fairly: on one core, taking turns, the best of some rounds."""

from __future__ import annotations

import gc
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROUNDS = 7
# A slow way is not repeated for longer than this, once it has run.
MOST_SECONDS = 6.0


@dataclass(frozen=True)
class Way:
    """One way of doing the work.

    Attributes:
        name: What the table calls it.
        rows: How many rows `work` handles; slow ways get fewer, and are compared by rows a second.
        work: Does it once.
    """

    name: str
    rows: int
    work: Callable[[], object]


@dataclass(frozen=True)
class Result:
    """How one way did beside another.

    Attributes:
        work: What was done.
        rate: Rows a second.
        beside: The other way.
        other: Its rows a second.
        least: How many times the rows a second of the other there must be; None if `most` says what must be.
        most: How many times as long as the other it may take.
    """

    work: str
    rate: float
    beside: str
    other: float
    least: float | None = None
    most: float | None = None

    @property
    def ratio(self) -> float:
        """Times as fast, where there is a `least`; times as long, where there is a `most`."""
        return self.rate / self.other if self.most is None else self.other / self.rate


def on_one_core() -> None:
    """Keep this process, Arrow's kernels included, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)


def race(ways: Iterable[Way], rounds: int = ROUNDS) -> dict[str, float]:
    """Let the ways take turns.

    Returns:
        The best rows a second of each, by name.
    """
    ways = list(ways)
    best = {way.name: 0.0 for way in ways}
    spent = dict.fromkeys(best, 0.0)
    for _ in range(rounds):
        for way in ways:
            if spent[way.name] < MOST_SECONDS:
                taken = seconds(way.work)
                spent[way.name] += taken
                best[way.name] = max(best[way.name], way.rows / taken)
    return best


def seconds(work: Callable[[], object]) -> float:
    """Return how long the work keeps a processor busy, without the collector in between.

    Not how long it takes: on a machine that others use, the slower of two ways would wait more often.
    """
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        work()
        return time.process_time() - start
    finally:
        gc.enable()
