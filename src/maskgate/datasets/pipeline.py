"""Work on several threads, with the results in order and a limit on the bytes in between.

* Whoever is free takes the next stretch: reading it is part of the work, and is done by one thread at a time.
* The caller's thread works like the others, and gives results as soon as it is their turn. There are no more threads
  than workers, which would take the processor, and Python's lock, from one another.
* What is taken and not yet given stays below a limit of bytes, however wide the rows are; one stretch always fits.
* An error stops everything; the first one in the order of the rows is raised.
"""

from __future__ import annotations

import threading
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from maskgate.datasets.feeding import Stretch

T = TypeVar("T")

_SHARE_UNDER_WAY = 4


def in_order(work: Callable[[Stretch], T], feed: Iterator[Stretch], workers: int, memory: int) -> Iterator[T]:
    """Give what comes of the work on each stretch, in the order of the stretches.

    Args:
        work: What to do; on any thread.
        feed: The stretches.
        workers: How many threads work; one of them is the caller's own.
        memory: How many bytes of rows may be held; a quarter of them is under way at once.
    """
    line = _Line(work, feed, memory // _SHARE_UNDER_WAY, workers + 1)
    names = [f"maskgate-mask-{at}" for at in range(1, workers)]
    threads = [threading.Thread(target=line.work_on, name=name, daemon=True) for name in names]
    try:
        yield from line.results(threads)
    finally:
        line.stop()
        for thread in threads:
            if thread.ident is not None:
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
        while self._wait_for_room():
            self._work_on(self._take())

    def results(self, threads: Sequence[threading.Thread]) -> Iterator[T]:
        """Give results as soon as it is their turn, and work until then.

        Args:
            threads: Started when the first stretch is read, by the caller's thread: what files are read with stays in
                the memory of a thread that there was before.
        """
        first = self._take()
        for thread in threads if first is not None else ():
            thread.start()
        self._work_on(first)
        del first
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_due() or self._ran_dry() or self._has_room())
                if not self._is_due() and self._ran_dry():
                    return
                due = self._done.pop(self._given, None)
            if due is None:
                self._work_on(self._take())
                continue
            result, error = due
            if error is not None:
                raise error
            yield result
            del due, result
            with self._changed:
                self._sizes.pop(self._given, None)
                self._given += 1
                self._changed.notify_all()

    def stop(self) -> None:
        """Take no more."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _work_on(self, taken: tuple[int, list[Stretch]] | None) -> None:
        """Work on a stretch that was taken, if one was."""
        if taken is None:
            return
        number, held = taken
        try:
            # Nobody but the work has the stretch then, and it can let go of the rows when they are masked.
            result: tuple[Any, BaseException | None] = (self._work(held.pop()), None)
        except BaseException as error:  # noqa: BLE001  raised when it is its turn
            result = (None, error)
        with self._changed:
            self._done[number] = result
            self._is_over = self._is_over or result[1] is not None
            self._changed.notify_all()

    def _take(self) -> tuple[int, list[Stretch]] | None:
        # Whoever reads does not wait for room meanwhile: the caller makes it, and may be the next to read.
        with self._feeding:
            with self._changed:
                if not self._has_room():
                    return None
                number = self._taken
            try:
                held = list(islice(self._feed, 1))
            except BaseException as error:  # noqa: BLE001  raised when it is its turn
                self._end(number, error)
                return None
            if not held:
                self._end(number, None)
                return None
            with self._changed:
                self._taken += 1
                self._sizes[number] = held[0].size
            return number, held

    def _end(self, number: int, error: BaseException | None) -> None:
        with self._changed:
            self._is_over = True
            if error is not None:
                self._done[number] = (None, error)
                self._taken += 1
            self._changed.notify_all()

    def _wait_for_room(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or self._has_room())
            return not self._is_over

    def _has_room(self) -> bool:
        if self._is_over or not self._sizes:
            return not self._is_over
        return len(self._sizes) < self._most and sum(self._sizes.values()) < self._most_bytes

    def _is_due(self) -> bool:
        return self._given in self._done

    def _ran_dry(self) -> bool:
        return self._is_over and self._given >= self._taken
