"""Work on several threads, with the results in order and a limit on the bytes in between.

* Whoever is free takes the next stretch: reading it is part of the work, and is done by one thread at a time. So is
  what follows in order, such as writing.
* The caller's thread works like the others. There are no more threads than workers, which would take the processor,
  and Python's lock, from one another.
* What is taken and not yet given stays below a limit of bytes, however wide the rows are; one stretch always fits.
* An error stops everything; the first one in the order of the rows is raised.
"""

from __future__ import annotations

import threading
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from maskgate.datasets.feeding import Stretch

R = TypeVar("R")
T = TypeVar("T")

_SHARE_UNDER_WAY = 4


@overload
def in_order(work: Callable[[Stretch], R], feed: Iterator[Stretch], workers: int, memory: int) -> Generator[R]: ...


@overload
def in_order(
    work: Callable[[Stretch], R], feed: Iterator[Stretch], workers: int, memory: int, then: Callable[[R], T]
) -> Generator[T]: ...


def in_order(
    work: Callable[[Stretch], Any],
    feed: Iterator[Stretch],
    workers: int,
    memory: int,
    then: Callable[[Any], Any] | None = None,
) -> Generator[Any]:
    """Give what comes of the work on each stretch, in the order of the stretches.

    Args:
        work: What to do; on any thread.
        feed: The stretches.
        workers: How many threads work; one of them is the caller's own.
        memory: How many bytes of rows may be held; a quarter of them is under way at once.
        then: What to do with each result, in order; on any thread, but on one at a time. What it returns is given, and
            is small. If None, the results themselves are given, and wait until the caller asks for the next.
    """
    line = _Line(work, then, feed, memory // _SHARE_UNDER_WAY, workers + 1)
    names = [f"maskgate-mask-{at}" for at in range(1, workers)]
    threads = [threading.Thread(target=line.work_on, name=name, daemon=True) for name in names]
    try:
        yield from line.results(threads)
    finally:
        line.stop()
        for thread in threads:
            if thread.ident is not None:
                thread.join()


class _Outcome(NamedTuple):
    number: int
    result: Any
    error: BaseException | None


class _Line:
    def __init__(
        self,
        work: Callable[[Stretch], Any],
        then: Callable[[Any], Any] | None,
        feed: Iterator[Stretch],
        most_bytes: int,
        most: int,
    ) -> None:
        self._work = work
        self._then = then
        self._feed = feed
        self._most_bytes = most_bytes
        self._most = most
        self._feeding = threading.Lock()
        self._changed = threading.Condition()
        self._taken = 0
        self._sizes: dict[int, int] = {}
        self._done: dict[int, _Outcome] = {}
        self._finished = 0
        self._is_finishing = False
        self._ready: deque[_Outcome] = deque()
        self._is_over = self._has_failed = False

    def work_on(self) -> None:
        """Take stretches and work on them until there are no more."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_over or self._has_room() or self._is_due(by_caller=False))
                if self._is_over:
                    return
            if self._then is None or not self._finish_one():
                self._work_on(self._take())

    def results(self, threads: Sequence[threading.Thread]) -> Iterator[Any]:
        """Give results as soon as it is their turn, and work until then.

        Args:
            threads: Started when the first stretch is read, by the caller's thread: what files are read with stays in
                the memory of a thread that there was before.
        """
        first = self._take()
        for thread in threads if first is not None else ():
            thread.start()
        self._work_on(first)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ready or self._ran_dry() or self._has_room() or self._is_due())
                if not self._ready and self._ran_dry():
                    return
                outcome = self._ready.popleft() if self._ready else None
            if outcome is None:
                if not self._finish_one():
                    self._work_on(self._take())
                continue
            number, result, error = outcome
            if error is not None:
                raise error
            yield result
            del outcome, result
            with self._changed:
                self._sizes.pop(number, None)
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
            done = _Outcome(number, self._work(held.pop()), None)
        except BaseException as error:  # noqa: BLE001  raised when it is its turn
            done = _Outcome(number, None, error)
        with self._changed:
            self._done[number] = done
            self._is_over = self._is_over or done.error is not None
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
                self._end(_Outcome(number, None, error))
                return None
            if not held:
                self._end(None)
                return None
            with self._changed:
                self._taken += 1
                self._sizes[number] = held[0].size
            return number, held

    def _end(self, failure: _Outcome | None) -> None:
        with self._changed:
            self._is_over = True
            if failure is not None:
                self._done[failure.number] = failure
                self._taken += 1
            self._changed.notify_all()

    def _finish_one(self) -> bool:
        """Do with one result what follows, if it is its turn; nothing follows an error."""
        with self._changed:
            if not self._is_due():
                return False
            self._is_finishing = True
            number, result, error = self._done.pop(self._finished)
        if self._then is not None and error is None:
            try:
                result = self._then(result)
            except BaseException as failure:  # noqa: BLE001  raised where the results are given
                result, error = None, failure
        with self._changed:
            self._is_finishing = False
            self._finished += 1
            self._ready.append(_Outcome(number, result, error))
            self._has_failed = error is not None
            self._is_over = self._is_over or self._has_failed
            if self._then is not None:
                self._sizes.pop(number, None)
            self._changed.notify_all()
        return True

    def _has_room(self) -> bool:
        if self._is_over or not self._sizes:
            return not self._is_over
        return len(self._sizes) < self._most and sum(self._sizes.values()) < self._most_bytes

    def _is_due(self, *, by_caller: bool = True) -> bool:
        may = (by_caller or self._then is not None) and not self._is_finishing and not self._has_failed
        return may and self._finished in self._done

    def _ran_dry(self) -> bool:
        return self._is_over and self._finished >= self._taken and not self._is_finishing
