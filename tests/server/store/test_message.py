"""Several statements in one message: what is answered, what fails, and what the server forgets in between."""

from __future__ import annotations

import pytest
from psycopg.errors import DivisionByZero, QueryCanceled
from psycopg.errors import SyntaxError as NoStatement
from sqlalchemy import text

from maskgate.store import Store
from maskgate.store.message import exchange

ECHO = "SELECT $1::text"


@pytest.fixture
def store(postgres_url):
    opened = Store.open(postgres_url)
    yield opened
    opened.close()


def echoed(work, *values):
    return [rows[0][0] for rows in exchange(work, [(ECHO, (value,)) for value in values])]


def rolled_back(store, times):
    """Ask the driver so many times, then the server in a message, and undo it."""
    with store.write() as work:
        for _ in range(times):
            work.execute(text("SELECT 1"))
        assert echoed(work, "in it") == ["in it"]
        raise LookupError


class TestExchange:
    """One message has an answer to each of its statements, in order."""

    def test_values_come_back_as_they_went(self, store):
        with store.write() as work:
            values = [1, None, "a 'quote' and ümlauts", True]
            statement = "SELECT $1::int, $2::text, $3::text, $4::boolean, $5::bytea"
            assert exchange(work, [(statement, (*values, b"\x00\xff"))]) == [[(*values, b"\x00\xff")]]
            assert exchange(work, [("SELECT 1 WHERE false", ()), ("SELECT 2", ())]) == [[], [(2,)]]

    def test_more_than_a_socket_takes_at_once(self, store):
        many = [f"{number:07}" * 20_000 for number in range(100)]
        with store.write() as work:
            assert echoed(work, *many) == many

    def test_the_first_failure_is_told_and_nothing_after_it_is_done(self, store):
        change = "UPDATE settings SET value = $1"
        with pytest.raises(DivisionByZero), store.write() as work:
            exchange(work, [("SELECT 1 / $1::int", (0,)), (change, ("1",)), ("COMMIT", ())])
        with store.write() as work:
            assert echoed(work, "works again") == ["works again"]

    def test_a_statement_that_takes_too_long(self, store):
        late = [("SELECT set_config('statement_timeout', '20ms', true)", ()), ("SELECT pg_sleep(10)", ())]
        with pytest.raises(QueryCanceled), store.write() as work:
            exchange(work, late)
        with store.write() as work:
            assert echoed(work, "works again") == ["works again"]


class TestNames:
    """The server knows statements by names; nothing that the driver does makes it forget them."""

    def test_what_a_savepoint_takes_back_is_no_name(self, store):
        with store.write() as work:
            assert echoed(work, "before") == ["before"]
            for _ in range(8):
                work.execute(text("SELECT 1"))
            work.begin_nested().rollback()
            assert echoed(work, "after") == ["after"]

    def test_nor_is_it_what_a_transaction_does(self, store):
        for times in (0, 8, 8, 0):
            with pytest.raises(LookupError):
                rolled_back(store, times)
        with store.write() as work:
            assert echoed(work, "in the next") == ["in the next"]

    def test_nor_is_it_after_a_rest(self, store, monkeypatch):
        """A connection that was not used for a while is tried first."""
        with store.write() as work:
            assert echoed(work, "before") == ["before"]
            for _ in range(8):
                work.execute(text("SELECT 1"))
        monkeypatch.setattr("maskgate.store.postgres._TRIED_AFTER_SECONDS", 0)
        for _ in range(3):
            with store.write() as work:
                assert echoed(work, "after") == ["after"]

    def test_a_statement_that_is_none_takes_no_name_from_others(self, store):
        with pytest.raises(NoStatement), store.write() as work:
            exchange(work, [(ECHO, ("good",)), ("SELEKT", ())])
        with store.write() as work:
            assert echoed(work, "good") == ["good"]
