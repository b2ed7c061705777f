"""What a transaction keeps back to its end: in order, seen by whatever reads, and nothing if any of it fails."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from maskgate.store import defer, tables
from maskgate.testing.new_store import open_store

_INSERT = tables.settings.insert()


@pytest.fixture
def store(database):
    opened = open_store(database)
    yield opened
    opened.close()


def names(store):
    with store.read() as work:
        return work.execute(select(tables.settings.c.name).order_by(tables.settings.c.name)).scalars().all()


def keep(work, *settings):
    for name in settings:
        defer(work, _INSERT, {"name": name, "value": 0})


class TestDeferred:
    """It is the same transaction; only nobody waits for the answers."""

    def test_it_is_written_at_the_end(self, store):
        with store.write() as work:
            keep(work, "a", "b")
        assert names(store) == ["a", "b"]

    def test_whatever_reads_in_between_sees_it(self, store):
        with store.write() as work:
            keep(work, "a")
            assert work.execute(select(tables.settings.c.name)).scalars().all() == ["a"]
            keep(work, "b")
        assert names(store) == ["a", "b"]

    def test_an_exception_leaves_nothing_for_later(self, store):
        def fail():
            with store.write() as work:
                keep(work, "a")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        with store.write() as work:
            keep(work, "b")
        assert names(store) == ["b"]

    def test_if_one_fails_nothing_was_written(self, store):
        def fail():
            with store.write() as work:
                work.execute(_INSERT, {"name": "first", "value": 0})
                keep(work, "a", "a", "b")

        with pytest.raises(IntegrityError):
            fail()
        assert names(store) == []
        with store.write() as work:
            keep(work, "a")
        assert names(store) == ["a"]

    def test_what_a_savepoint_kept_back_is_forgotten_with_it(self, store):
        with store.write() as work:
            keep(work, "before")
            savepoint = work.begin_nested()
            keep(work, "inside")
            savepoint.rollback()
            keep(work, "after")
        assert names(store) == ["after", "before"]

    def test_what_a_released_savepoint_kept_back_stays(self, store):
        with store.write() as work, work.begin_nested():
            keep(work, "inside")
        assert names(store) == ["inside"]
