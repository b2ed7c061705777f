"""What a transaction keeps back to its end: in order, seen by whatever reads, and nothing if any of it fails."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError

from maskgate.errors import Conflict
from maskgate.store import Asked, Store, defer, tables
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

        for _ in range(8):  # the driver sends a statement in another way once it knows it
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

    def test_the_last_word_stands_for_those_before_it(self, store):
        change = tables.settings.update().values(value=bindparam("value"))
        with store.write() as work:
            work.execute(_INSERT, {"name": "a", "value": 0})
            for value in (1, 2, 3):
                defer(work, change, {"value": value}, is_last_word=True)
        with store.read() as work:
            assert work.execute(select(tables.settings.c.value)).scalar_one() == 3

    def test_a_change_that_finds_nothing_undoes_all_of_it(self, store):
        """What it raises is what was said beforehand; neither what came before it nor what came after is there."""
        change = tables.settings.update().where(tables.settings.c.name == bindparam("which")).values(value=1)

        def fail():
            with store.write() as work:
                keep(work, "before")
                defer(work, change, {"which": "gone"}, or_else=Conflict("somebody else was first"))
                keep(work, "after")

        with pytest.raises(Conflict, match="somebody else"):
            fail()
        assert names(store) == []
        with store.write() as work:
            keep(work, "gone")
            defer(work, change, {"which": "gone"}, or_else=Conflict("somebody else was first"))
        assert names(store) == ["gone"]

    def test_another_failure_stays_what_it_is(self, store):
        change = tables.settings.update().where(tables.settings.c.name == bindparam("which")).values(value=1)

        def fail():
            with store.write() as work:
                keep(work, "a")
                defer(work, change, {"which": "a"}, or_else=Conflict("somebody else was first"))
                keep(work, "a")

        with pytest.raises(IntegrityError):
            fail()
        assert names(store) == []


class TestKnowing:
    """What a transaction needs first is read as soon as it is alone."""

    def test_rows_are_what_sqlalchemy_makes_of_them(self, store):
        now = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
        with store.write() as work:
            work.execute(
                tables.findings.insert(), {"key": "k", "kind": "odd", "about": {"a": [1, None]}, "found_at": now}
            )
        chosen = select(tables.findings).where(tables.findings.c.key == bindparam("which"))
        with store.write_knowing(Asked(chosen, {"which": "k"}), Asked(chosen, {"which": "none"})) as (work, found):
            assert [dict(row) for row in work.execute(chosen, {"which": "k"}).mappings()] == [*map(dict, found[0])]
            assert found[1] == []
        assert found[0][0]["found_at"] == now
        assert found[0][0]["about"] == {"a": [1, None]}

    def test_it_is_read_after_the_wait(self, store, database):
        """What another has committed while one waited for the turn is seen."""
        other, begun = Store.open(database), threading.Event()
        chosen = select(tables.settings.c.name)

        def write():
            begun.wait(10)
            with other.write_knowing(Asked(chosen)) as (_, found):
                return [row["name"] for row in found[0]]

        with ThreadPoolExecutor(1) as pool:
            later = pool.submit(write)
            with store.write() as work:
                begun.set()
                time.sleep(0.2)
                keep(work, "first")
            assert later.result(20) == ["first"]
        other.close()

    def test_a_look_is_of_one_moment_and_leaves_nothing_open(self, store):
        chosen = select(tables.settings).where(tables.settings.c.name == bindparam("which"))
        with store.write() as work:
            keep(work, "a")
        with store.look(Asked(chosen, {"which": "a"}), Asked(chosen, {"which": "none"})) as found:
            first = store.clock().now()
            assert [[dict(row) for row in rows] for rows in found] == [[{"name": "a", "value": 0}], []]
            if store.is_shared:  # a file's clock is the machine's, and goes on
                assert store.clock().now() == first
        with store.write() as work:
            keep(work, "b")
        assert store.clock().now() > first
        assert names(store) == ["a", "b"]
