"""PostgreSQL: one schema, `maskgate`, in a database that may be the host's own.

* Writing transactions are alone: each takes one advisory lock when it begins, and the database gives it back at its
  end, whichever that is. Isolation is READ COMMITTED, so that every statement after the lock sees what was committed
  before it; a snapshot taken before the wait would not.
* Reading transactions see one state (REPEATABLE READ, read only), and wait for nobody.
* Nothing waits for ever: not for the lock, not for a statement, not for a writer that has fallen asleep.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DisconnectionError

from maskgate.errors import ConfigurationError, Problem, UsageError
from maskgate.store.prepared import as_sqlalchemy_would, prepared

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from maskgate.store.address import DatabaseAddress
    from maskgate.store.prepared import Asked, Rows

SCHEMA = "maskgate"
_CONNECTIONS = 10
_WAIT_SECONDS = 20
_CONNECT_SECONDS = 10
_TRIED_AFTER_SECONDS = 5
# Temporary tables are looked for last, so that none can stand in for a table of ours.
_PREPARE = (
    f"SELECT set_config('search_path', '{SCHEMA}, pg_temp', false),"
    f" set_config('lock_timeout', '{_WAIT_SECONDS}s', false),"
    " set_config('statement_timeout', '60s', false),"
    " set_config('timezone', 'UTC', false)"
)
# The number is the lock's name. The time is read when the lock is had, so commits and times have the same order.
_TAKE_LOCK = (
    "WITH taken AS MATERIALIZED (SELECT pg_advisory_xact_lock(7310585002911541041),"
    " set_config('idle_in_transaction_session_timeout', '60s', true))"
    " SELECT clock_timestamp() FROM taken"
)
_BEGIN, _BEGIN_TO_READ, _COMMIT = "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "COMMIT"
_TIME = "SELECT clock_timestamp()"
_NOW = text(_TIME)
ONE_STATE: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def postgres_engine(address: DatabaseAddress) -> Engine:
    """Make the engine of a database.

    Raises:
        UsageError: If the driver is not installed.
    """
    try:
        engine = create_engine(
            address.url,
            hide_parameters=True,
            pool_size=_CONNECTIONS,
            max_overflow=_CONNECTIONS,
            pool_timeout=_WAIT_SECONDS,
            pool_use_lifo=True,  # the server knows more statements by name where it was asked before
            connect_args={
                "connect_timeout": _CONNECT_SECONDS,
                "application_name": "maskgate",
                "prepare_threshold": None,  # see message.py
            },
        )
    except ModuleNotFoundError as error:
        raise UsageError(
            f"PostgreSQL needs the driver: pip install 'psycopg[binary]' ({error.name} is missing)"
        ) from None
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _must_be_alive)
    return engine


def take_lock(work: Connection, asked: Sequence[Asked] = ()) -> tuple[datetime, list[Rows]]:
    """Wait until this transaction is the only writing one.

    Args:
        work: A transaction that has done nothing yet.
        asked: What to read as soon as that is so.

    Returns:
        When that was, and what was read.
    """
    _, ((moment,),), *found = _said_together(work, [_BEGIN, _TAKE_LOCK], asked)
    return moment, found


def look(work: Connection, asked: Sequence[Asked]) -> tuple[datetime, list[Rows]]:
    """Read several things of one state of the database, and what time it is, in one message.

    Args:
        work: A connection on which no transaction has begun; none has afterwards.
        asked: What to read.
    """
    _, ((moment,),), *found, _ = _said_together(work, [_BEGIN_TO_READ, _TIME], asked, [_COMMIT])
    return moment, found


def _said_together(
    work: Connection, first: Sequence[str], asked: Sequence[Asked], last: Sequence[str] = ()
) -> list[Any]:
    """Send statements without values, something to read between them, in one message; return what is answered."""
    from maskgate.store.message import exchange  # noqa: PLC0415  its driver is only where a server is

    driver: Any = work.connection.dbapi_connection
    ready = [prepared(work, each.statement, each.values) for each in asked]
    said = [(each.sql, each.values(known.values)) for each, known in zip(ready, asked, strict=True)]
    try:
        answers: list[Any] = exchange(work, [*((sql, ()) for sql in first), *said, *((sql, ()) for sql in last)])
    except driver.Error as error:
        raise as_sqlalchemy_would(work, "what was asked together", error) from None
    for place, each in enumerate(ready, start=len(first)):
        answers[place] = each.rows(answers[place])
    return answers


def now(work: Connection) -> datetime:
    """Ask the server what time it is."""
    return _moment(work.execute(_NOW).scalar_one())


def make_schema(work: Connection, name: str) -> None:
    """Make the schema, unless it is there.

    Args:
        work: A writing transaction.
        name: What to call the database.

    Raises:
        ConfigurationError: If the schema of this name holds something else.
    """
    found = work.execute(
        text(
            "SELECT count(c.oid) AS tables, count(*) FILTER (WHERE c.relname = 'maskgate_version') AS versions"
            " FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r'"
            " WHERE n.nspname = :schema GROUP BY n.oid"
        ),
        {"schema": SCHEMA},
    ).first()
    if found is None:
        work.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    elif found.tables and not found.versions:
        raise ConfigurationError(
            name,
            (Problem(f"its schema {SCHEMA} holds tables that are not of a gate. Name another database."),),
        )


def _prepare(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(_PREPARE)
    cursor.close()
    connection.commit()


def _note_use(_connection: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _must_be_alive(connection: Any, record: Any, _proxy: Any) -> None:
    """Try a connection that has not been used for a while: the server may have been restarted since.

    Raises:
        DisconnectionError: If it is dead; the pool then takes another.
    """
    if time.monotonic() - record.info.get("used", math.inf) < _TRIED_AFTER_SECONDS:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except connection.OperationalError:
        raise DisconnectionError from None


def _moment(value: Any) -> datetime:
    moment: datetime = value
    return moment
