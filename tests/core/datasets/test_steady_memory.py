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
steady = Steady(iter(range(100)), 1)
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
        assert list(Steady(iter(range(100)), 2)) == list(range(100))

    def test_nothing_is_kept_of_an_item(self):
        class Item:
            pass

        given = (Item() for _ in range(3))
        steady = Steady(given, 1)
        next(steady)
        gc.collect()
        assert not [each for each in gc.get_objects() if type(each) is Item]

    @on_glibc
    def test_memory_that_is_free_goes_back_when_there_is_more_than_at_the_beginning(self):
        done = subprocess.run([sys.executable, "-c", _GROWING], check=True, capture_output=True, text=True)
        assert int(done.stdout) > 64 * _MB

    @on_glibc
    def test_what_is_in_use_stays_and_is_not_asked_for_again(self, monkeypatch):
        asked = []
        monkeypatch.setattr(steady_memory, "_giver", lambda: asked.append)
        steady = Steady(iter(range(100)), 1)
        for _ in range(10):
            next(steady)
        used = bytearray(b"x") * (128 * _MB)
        for _ in range(50):
            next(steady)
        assert len(asked) == 1
        assert len(used) == 128 * _MB

    def test_where_memory_cannot_be_given_back_items_come_all_the_same(self, monkeypatch):
        monkeypatch.setattr(steady_memory, "_giver", lambda: None)
        assert list(Steady(iter("abc"), 1)) == ["a", "b", "c"]
