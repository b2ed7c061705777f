"""What only a server does: several gates at once, other tables beside ours, roles, time-outs, passwords."""

from __future__ import annotations

import multiprocessing
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from maskgate.errors import ConfigurationError, DatabaseUnreachable, UsageError
from maskgate.store import Store, tables
from maskgate.store.postgres import take_lock

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "postgresql.md"


@pytest.fixture
def empty(postgres):
    url = postgres.empty_database()
    yield url
    postgres.drop(url)


@pytest.fixture
def store(postgres_url):
    opened = Store.open(postgres_url)
    yield opened
    opened.close()


def setting(name, value=0):
    return tables.settings.insert().values(name=name, value=value)


def open_once(url, barrier, told):
    barrier.wait()
    try:
        Store.open(url).close()
    except Exception as error:  # noqa: BLE001  whatever it is, the test has to hear of it
        told.put(repr(error))
    else:
        told.put("opened")


class TestOpening:
    """The gate makes a schema of its own in a database that may be somebody else's."""

    def test_several_at_once_on_an_empty_database(self, empty):
        context = multiprocessing.get_context("fork")
        barrier, told = context.Barrier(4), context.Queue()
        starting = [context.Process(target=open_once, args=(empty, barrier, told)) for _ in range(4)]
        for each in starting:
            each.start()
        assert [told.get(timeout=60) for _ in starting] == ["opened"] * 4
        for each in starting:
            each.join()

    def test_tables_of_the_host_stay_as_they_are(self, postgres, empty):
        postgres.execute("CREATE TABLE settings (mine int)", empty)
        Store.open(empty).close()
        schemas = postgres.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'settings'", empty)
        assert {row[0] for row in schemas} == {"public", "maskgate"}

    def test_a_schema_of_somebody_else_is_refused(self, postgres, empty):
        postgres.execute("CREATE SCHEMA maskgate CREATE TABLE theirs (id int)", empty)
        with pytest.raises(ConfigurationError, match="schema maskgate holds tables that are not of a gate"):
            Store.open(empty)

    def test_an_account_that_may_not_make_tables(self, postgres, empty):
        name = empty.rpartition("/")[2]
        postgres.execute(f"CREATE ROLE plain_{name} LOGIN PASSWORD 'plain'")
        other = f"postgresql://plain_{name}:plain@{empty.rpartition('@')[2]}"
        with pytest.raises(ConfigurationError, match=r"this account may not\. Start once as their owner"):
            Store.open(other)
        postgres.execute(f"DROP ROLE plain_{name}")


class TestTransactions:
    """Writers wait for each other, and for nobody for ever; readers wait for nobody."""

    def test_what_a_writer_reads_is_what_the_one_before_it_wrote(self, store):
        begun = threading.Event()
        seen = []

        def second():
            begun.set()
            with store.write() as work:
                seen.append(work.execute(select(tables.settings.c.value)).scalar_one())

        waiting = threading.Thread(target=second)
        with store.write() as work:
            waiting.start()
            begun.wait(10)
            work.execute(setting("a", 1))
        waiting.join(10)
        assert seen == [1]

    def test_a_reader_cannot_write(self, store):
        with pytest.raises(Exception, match="read-only"), store.read() as work:
            work.execute(setting("a"))

    def test_a_lock_that_is_not_had_in_time(self, store):
        busy = pytest.raises(DatabaseUnreachable, match="busy with others for too long")
        with store.write(), busy, store.read() as work:
            work.execute(text("SET LOCAL lock_timeout = '10ms'"))
            take_lock(work)


class TestFailures:
    """A failure says what to do, and shows neither the password nor what was to be written."""

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://gate:very-secret@127.0.0.1:1/gate",
            "mysql://gate:very-secret@127.0.0.1/gate",
            "postgresql://gate:very-secret@127.0.0.1",
            "postgresql://gate:very-secret@127.0.0.1:port/gate",
            "very-secret",
            "sqlite:///:memory:",
        ],
    )
    def test_an_address_that_leads_nowhere(self, url):
        with pytest.raises((ConfigurationError, DatabaseUnreachable)) as caught:
            Store.open(url)
        assert "very-secret" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"

    def test_a_wrong_password(self, postgres_url):
        wrong = postgres_url.replace("maskgate:", "maskgate:very-secret")
        with pytest.raises(DatabaseUnreachable, match="cannot be reached, or does not let the gate in") as caught:
            Store.open(wrong)
        assert "very-secret" not in str(caught.value)

    def test_a_server_that_ends_a_connection(self, store, postgres_url):
        name = postgres_url.rpartition("/")[2]
        end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        broken = pytest.raises(DatabaseUnreachable, match="broke the connection off")
        with broken, store.write() as work:
            for statement in (text(end), setting("a")):
                work.execute(statement)
        with store.write() as work:
            work.execute(setting("a"))

    @pytest.mark.parametrize("odd", ["a zero \0 byte", "x" * 61], ids=["a zero byte", "a name that is too long"])
    def test_a_text_that_cannot_be_kept(self, store, odd):
        with pytest.raises(UsageError, match="longer than can be kept") as caught, store.write() as work:
            work.execute(setting(odd))
        assert odd not in str(caught.value)

    def test_a_password_is_in_no_repr(self, store, postgres_url):
        password = postgres_url.split(":")[2].partition("@")[0]
        assert password not in f"{store} {store!r} {store._address!r} {store._engine!r}"
        assert (
            str(store)
            == f"the PostgreSQL database {postgres_url.rpartition('/')[2]} at maskgate@127.0.0.1:"
            + (postgres_url.rpartition(":")[2].partition("/")[0])
        )


class TestClock:
    """One clock for all who share a database: the database's own."""

    def test_it_is_the_servers(self, store):
        assert abs(store.clock().now() - datetime.now(UTC)) < timedelta(minutes=1)
        assert store.clock().now().tzinfo is not None

    def test_a_transaction_happens_at_one_moment(self, store):
        for transaction in (store.write, store.read):
            with transaction() as work:
                moment = store.clock().now()
                work.execute(text("SELECT pg_sleep(0.002)"))
                assert store.clock().now() == moment
        assert store.clock().now() > moment

    def test_times_have_the_order_of_commits(self, store):
        moments = []

        def write():
            for _ in range(20):
                with store.write():
                    moments.append(store.clock().now())

        threads = [threading.Thread(target=write) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert len(set(moments)) == 80
        assert moments == sorted(moments)


class TestApplicationRole:
    """The gate's account needs no right to change an entry, nor to make tables; see docs/postgresql.md."""

    def test_it_appends_and_changes_nothing(self, postgres, postgres_url):
        Store.open(postgres_url).close()
        role = f"app_{postgres_url.rpartition('_')[2]}"
        grants = GUIDE.read_text(encoding="utf-8").partition("```sql\n")[2].partition("```")[0]
        for statement in grants.replace("maskgate_app", role).replace("'…'", "'app'").split(";"):
            if statement.strip():
                postgres.execute(statement, postgres_url)
        store = Store.open(f"postgresql://{role}:app@{postgres_url.rpartition('@')[2]}")
        entry = {"seq": 0, "at": store.clock().now(), "type": "t", "body": b"{}", "leaf_hash": b""}
        with store.write() as work:
            work.execute(tables.ledger.insert().values(entry))
            work.execute(setting("a"))
        for refused in ("UPDATE ledger SET type = 'x'", "DELETE FROM ledger", "TRUNCATE ledger", "DROP TABLE ledger"):
            with pytest.raises(Exception, match=r"permission denied|must be owner"), store.write() as work:
                work.execute(text(refused))
        store.close()
        postgres.execute(f"DROP OWNED BY {role}", postgres_url)
        postgres.execute(f"DROP ROLE {role}")
