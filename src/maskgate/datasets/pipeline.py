"""Work on several threads, with the results in order and a limit on the bytes in between.

* Whoever is free takes the next stretch: reading it is part of the work, and is done by one thread at a time.
* What is taken and not yet written stays below a limit of bytes, however wide the rows are; one stretch always fits.
* An error stops everything; the first one in the order of the rows is raised.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maskgate.datasets.feeding import Stretch

T = TypeVar("T")

_SHARE_UNDER_WAY = 4


def in_order(work: Callable[[Stretch], T], feed: Iterator[Stretch], workers: int, memory: int) -> Iterator[T]:
    """Give what comes of the work on each stretch, in the order of the stretches.

    Args:
        work: What to do; on any thread.
        feed: The stretches.
        workers: How many threads work; with one, the caller's own does.
        memory: How many bytes of rows may be held; a quarter of them is under way at once.
    """
    if workers == 1:
        yield from map(work, feed)
        return
    line = _Line(work, feed, memory // _SHARE_UNDER_WAY, workers + 1)
    threads = [threading.Thread(target=line.work_on, name=f"maskgate-mask-{at}", daemon=True) for at in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield from line.results()
    finally:
        line.stop()
        for thread in threads:
            thread.join()


class _Line(Generic[T]):
    def __init__(self, work: Callable[[Stretch], T], feed: Iterator[Stretch], most_bytes: int, most: int) -> None:
        self._work = work
        self._feed = feed
        self._most_bytes = most_bytes
        self._most = most
        self._feeding = threading.Lock()
        self._changed = threading.Condition()
        self._taken = 0
        self._given = 0
        self._sizes: dict[int, int] = {}
        self._done: dict[int, tuple[Any, BaseException | None]] = {}
        self._is_over = False

    def work_on(self) -> None:
        """Take stretches and work on them until there are no more."""
        while (taken := self._take()) is not None:
            number, box = taken[0], [taken[1]]
            del taken
            try:
                # Nobody but the work has the stretch then, and it can let go of the rows when they are masked.
                result: tuple[Any, BaseException | None] = (self._work(box.pop()), None)
            except BaseException as error:  # noqa: BLE001  raised where the results are taken
                result = (None, error)
            self._put(number, result)

    def results(self) -> Iterator[T]:
        """Give results as soon as it is their turn."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._given in self._done or self._ran_dry())
                if self._given not in self._done:
                    return
                result, error = self._done.pop(self._given)
            if error is not None:
                raise error
            yield result
            del result
            with self._changed:
                self._sizes.pop(self._given, None)
                self._given += 1
                self._changed.notify_all()

    def stop(self) -> None:
        """Take no more."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _take(self) -> tuple[int, Stretch] | None:
        with self._feeding:
            with self._changed:
                self._changed.wait_for(self._has_room)
                if self._is_over:
                    return None
                number = self._taken
            try:
                stretch = next(self._feed, None)
            except BaseException as error:  # noqa: BLE001  raised where the results are taken
                self._end(number, error)
                return None
            if stretch is None:
                self._end(number, None)
                return None
            with self._changed:
                self._taken += 1
                self._sizes[number] = stretch.size
            return number, stretch

    def _put(self, number: int, result: tuple[Any, BaseException | None]) -> None:
        with self._changed:
            self._done[number] = result
            self._is_over = self._is_over or result[1] is not None
            self._changed.notify_all()

    def _end(self, number: int, error: BaseException | None) -> None:
        with self._changed:
            self._is_over = True
            if error is not None:
                self._done[number] = (None, error)
                self._taken += 1
            self._changed.notify_all()

    def _has_room(self) -> bool:
        if self._is_over or not self._sizes:
            return True
        return len(self._sizes) < self._most and sum(self._sizes.values()) < self._most_bytes

    def _ran_dry(self) -> bool:
        return self._is_over and self._given >= self._taken
