from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from maskgate.datasets import steady_memory
from maskgate.datasets.steady_memory import Steady

on_glibc = pytest.mark.skipif(
    sys.platform != "linux" or steady_memory._giver() is None, reason="memory is given back by glibc on Linux alone"
)
_MB = 1 << 20
# In a process of its own, in which nobody else has taken memory before.
_GROWING = """
import pyarrow as pa
from maskgate.datasets.steady_memory import Steady, resident
steady = Steady(iter(range(100)))
for _ in range(10):
    next(steady)
pieces = [pa.allocate_buffer(64 << 10, memory_pool=pa.system_memory_pool()) for _ in range(2048)]
for each in pieces:
    memoryview(each).cast("B")[:] = bytes(64 << 10)
kept = pieces[::64]
del pieces, each
before = resident()
next(steady)
print(before - resident())
"""


class TestSteady:
    """What comes out is what went in; a run that grows beyond its beginning gives back what it does not use."""

    def test_all_items_come_in_their_order(self):
        assert list(Steady(iter(range(100)))) == list(range(100))

    def test_nothing_is_kept_of_an_item(self):
        class Item:
            pass

        given = (Item() for _ in range(3))
        steady = Steady(given)
        next(steady)
        gc.collect()
        assert not [each for each in gc.get_objects() if type(each) is Item]

    @on_glibc
    def test_memory_that_is_free_goes_back_when_there_is_more_than_at_the_beginning(self):
        done = subprocess.run([sys.executable, "-c", _GROWING], check=True, capture_output=True, text=True)
        assert int(done.stdout) > 64 * _MB

    @pytest.fixture
    def growing(self, monkeypatch):
        """What a run asks for when it has so much memory before each item, if as much as it is told is in use."""

        def asked(sizes, in_use):
            now = [0]
            given_back = []
            monkeypatch.setattr(steady_memory, "resident", lambda: now[0])

            def give_back(_):
                given_back.append(now[0])
                now[0] = min(now[0], in_use)

            monkeypatch.setattr(steady_memory, "_giver", lambda: give_back)
            steady = Steady(iter(sizes))
            for size in sizes:
                now[0] = size
                next(steady)
            return given_back

        return asked

    def test_what_is_in_use_stays_and_is_not_asked_for_again(self, growing):
        assert growing([100 * _MB] * 10 + [200 * _MB] * 100, in_use=200 * _MB) == [200 * _MB]

    def test_much_more_is_given_back_at_once_and_little_more_now_and_then(self, growing):
        assert growing([100 * _MB] * 10 + [107 * _MB, 108 * _MB], in_use=90 * _MB) == [107 * _MB, 108 * _MB]
        assert growing([100 * _MB] * 10 + [102 * _MB] * 90, in_use=90 * _MB) == [102 * _MB] * 3

    def test_what_a_run_takes_at_its_beginning_is_no_growth(self, growing):
        assert growing([each * _MB for each in range(100, 900, 100)] + [800 * _MB] * 90, in_use=90 * _MB) == []

    def test_where_memory_cannot_be_given_back_items_come_all_the_same(self, monkeypatch):
        monkeypatch.setattr(steady_memory, "_giver", lambda: None)
        assert list(Steady(iter("abc"))) == ["a", "b", "c"]
