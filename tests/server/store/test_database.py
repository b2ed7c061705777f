"""SQLite and PostgreSQL alike: whole transactions, one writer at a time, one history of migrations."""

from __future__ import annotations

import multiprocessing
import stat
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from maskgate.errors import ConfigurationError, DatabaseUnreachable
from maskgate.store import Store, tables
from maskgate.store.migrate import VERSION_TABLE, downgrade, known_versions, upgrade
from maskgate.store.tables import METADATA
from maskgate.testing.still_clock import StillClock


@pytest.fixture
def store(database):
    opened = Store.open(database)
    yield opened
    opened.close()


def setting(name, value=0):
    return tables.settings.insert().values(name=name, value=value)


def count(where, name, times):
    store = Store.open(where)
    for _ in range(times):
        with store.write() as work:
            before = work.execute(select(tables.settings.c.value).where(tables.settings.c.name == name)).scalar_one()
            work.execute(tables.settings.update().values(value=before + 1))


def write_once(store, name):
    with store.write() as work:
        work.execute(setting(name))


class TestTransactions:
    """Several things are done, or none; and what a writer reads stays true until it is done."""

    def test_an_exception_leaves_nothing(self, store):
        def fail():
            with store.write() as work:
                work.execute(setting("a"))
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        with store.read() as work:
            assert work.execute(select(tables.settings)).all() == []

    def test_writers_in_several_processes_wait_for_each_other(self, store, database):
        with store.write() as work:
            work.execute(setting("counter"))
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=count, args=(database, "counter", 20)) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        with store.read() as work:
            assert work.execute(select(tables.settings.c.value)).scalar_one() == 60

    def test_a_reader_sees_one_state_beside_a_writer(self, store):
        with store.read() as reading:
            assert reading.execute(select(tables.settings)).all() == []
            with store.write() as work:
                work.execute(setting("a"))
            assert reading.execute(select(tables.settings)).all() == []

    def test_many_that_wait_to_write_leave_readers_alone(self, store):
        threads = [threading.Thread(target=write_once, args=(store, f"s{number}")) for number in range(40)]
        with store.write() as work:
            for each in threads:
                each.start()
            with store.read() as reading:
                assert reading.execute(select(tables.settings)).all() == []
            work.execute(setting("first"))
        for each in threads:
            each.join()
        with store.read() as reading:
            assert len(reading.execute(select(tables.settings)).all()) == 41

    def test_a_turn_that_does_not_come_in_time(self, store, monkeypatch):
        monkeypatch.setattr("maskgate.store.database._LONGEST_WAIT", 0.01)
        busy = pytest.raises(DatabaseUnreachable, match="busy with others for too long")
        with store.write(), busy, store.write():
            pass

    def test_rows_cannot_point_nowhere(self, store):
        moment = StillClock().now()
        with pytest.raises(IntegrityError), store.write() as work:
            work.execute(tables.refusals.insert().values(request="req_none", at=moment, message=""))

    def test_times_come_back_as_they_were(self, store):
        moment = StillClock().now()
        with store.write() as work:
            row = {"hash": "0", "name": "t", "role": "pipeline", "created_at": moment}
            work.execute(tables.tokens.insert().values(row))
            assert work.execute(select(tables.tokens.c.created_at)).scalar_one() == moment


class TestRecord:
    """The ledger only grows; a SQLite file is its owner's alone."""

    def test_nobody_else_may_read_it(self, tmp_path):
        Store.open(tmp_path / "gate.db").close()
        assert stat.S_IMODE((tmp_path / "gate.db").stat().st_mode) == 0o600

    @pytest.mark.parametrize("statement", ["UPDATE ledger SET type = 'x'", "DELETE FROM ledger"])
    def test_an_entry_is_not_changed_by_a_slip(self, store, statement):
        with store.write() as work:
            work.execute(tables.ledger.insert().values(entry()))
        with pytest.raises(DBAPIError, match="append-only"), store.write() as work:
            work.execute(text(statement))

    def test_nor_are_all_of_them_taken_away_at_once(self, postgres_url):
        store = Store.open(postgres_url)
        with pytest.raises(DBAPIError, match="append-only"), store.write() as work:
            work.execute(text("TRUNCATE ledger"))
        store.close()


class TestMigrations:
    """The history makes exactly the tables that the code knows, and takes all of them away again."""

    def test_the_history_ends_at_the_tables(self, store):
        assert differences(store) == []

    def test_there_and_back_again(self, store):
        with store.write() as work:
            downgrade(work)
            assert set(inspect(work).get_table_names()) == {VERSION_TABLE}
            upgrade(work, "the database")
        assert differences(store) == []

    def test_opening_again_keeps_what_is_there(self, store, database):
        with store.write() as work:
            work.execute(setting("kept", [1, "two", None]))
        store.close()
        again = Store.open(database)
        with again.read() as work:
            assert work.execute(select(tables.settings.c.value)).scalar_one() == [1, "two", None]
        again.close()

    def test_tables_of_a_later_version_are_refused(self, store, database):
        with store.write() as work:
            work.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
        store.close()
        with pytest.raises(ConfigurationError, match="later than this Maskgate"):
            Store.open(database)


def entry():
    return {"seq": 0, "at": StillClock().now(), "type": "t", "body": b"{}", "leaf_hash": b"\x00\xff"}


def differences(store):
    with store.read() as work:
        context = MigrationContext.configure(work, opts={"version_table": VERSION_TABLE, "compare_type": True})
        return compare_metadata(context, METADATA)


def test_versions_are_those_of_the_migrations():
    """A start that has nothing to migrate finds that out without Alembic."""
    config = Config()
    config.set_main_option("script_location", "maskgate.store:migrations")
    scripts = [each.revision for each in ScriptDirectory.from_config(config).walk_revisions()]
    assert known_versions() == scripts[::-1]
