from __future__ import annotations

import threading
import time
from contextlib import closing

import pyarrow as pa
import pytest

from maskgate.datasets.feeding import Stretch
from maskgate.datasets.pipeline import in_order

LARGE = 1 << 30
WORKERS = [1, 2, 3]


def feed(count, taken=None):
    for at in range(count):
        if taken is not None:
            taken.append(at)
        yield Stretch(at, ((pa.record_batch({"n": [at] * 100}), None),))


def start_of(stretch):
    return stretch.start


def threads_of_ours():
    return [each for each in threading.enumerate() if each.name.startswith("maskgate-mask")]


class OddError(Exception):
    pass


def failing_at(place):
    def work(stretch):
        time.sleep(0.002 * (stretch.start % 3))
        if stretch.start == place:
            raise OddError(place)
        return stretch.start

    return work


@pytest.mark.parametrize("workers", WORKERS)
class TestInOrder:
    """What comes of the work is given in order, whoever does it; nobody works on when it has ended."""

    def test_results_come_in_the_order_of_the_stretches(self, workers):
        assert list(in_order(failing_at(None), feed(50), workers, LARGE)) == list(range(50))
        assert threads_of_ours() == []

    def test_nothing_at_all(self, workers):
        assert list(in_order(start_of, feed(0), workers, LARGE, list.append)) == []

    def test_what_follows_is_done_in_order_and_by_one_at_a_time(self, workers):
        followed, alone = [], threading.Lock()

        def then(start):
            assert alone.acquire(blocking=False)
            followed.append(start)
            time.sleep(0.001)
            alone.release()
            return -start

        assert list(in_order(failing_at(None), feed(50), workers, LARGE, then)) == [-start for start in range(50)]
        assert followed == list(range(50))

    def test_after_an_error_nothing_follows(self, workers):
        followed, given = [], []
        with pytest.raises(OddError):
            given.extend(in_order(failing_at(7), feed(50), workers, LARGE, followed.append))
        assert followed == list(range(7))
        assert threads_of_ours() == []

    def test_the_first_error_in_the_order_of_the_rows_is_raised(self, workers):
        slow = threading.Event()

        def work(stretch):
            if stretch.start == 4 and workers > 1:
                slow.wait(10)
            if stretch.start == 5:
                slow.set()
            if stretch.start in (4, 5):
                raise OddError(stretch.start)

        with pytest.raises(OddError) as caught:
            list(in_order(work, feed(50), workers, LARGE))
        assert caught.value.args == (4,)

    def test_an_error_of_what_follows_ends_it(self, workers):
        followed = []

        def then(start):
            followed.append(start)
            if start == 3:
                raise OddError(start)

        with pytest.raises(OddError):
            list(in_order(start_of, feed(50), workers, LARGE, then))
        assert followed == [0, 1, 2, 3]

    def test_an_error_of_the_feed_comes_behind_the_rows_before_it(self, workers):
        def broken():
            yield from feed(5)
            raise OddError("feed")

        results = in_order(start_of, broken(), workers, LARGE)
        assert [next(results) for _ in range(5)] == list(range(5))
        with pytest.raises(OddError, match="feed"):
            next(results)

    def test_nobody_works_or_follows_when_the_caller_has_stopped(self, workers):
        followed = []
        with closing(in_order(failing_at(None), feed(500), workers, LARGE, followed.append)) as results:
            next(results)
        assert threads_of_ours() == []
        before = len(followed)
        time.sleep(0.02)
        assert len(followed) == before < 500

    def test_no_more_is_under_way_than_there_is_memory_for(self, workers):
        taken, ahead = [], []
        size = next(feed(1)).size
        for at, _ in enumerate(in_order(start_of, feed(60, taken), workers, 4 * 2 * size)):
            ahead.append(len(taken) - at)
        assert max(ahead) <= 3

    def test_one_stretch_always_fits(self, workers):
        assert list(in_order(start_of, feed(20), workers, 0)) == list(range(20))
