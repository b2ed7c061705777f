"""The database behind ledger and gate.

* A writing transaction takes the write lock when it begins (``BEGIN IMMEDIATE``), so what it reads stays true.
* Nothing is written outside :meth:`Store.write`; an exception inside it leaves nothing behind.
* SQLite in WAL mode serves one machine. Every statement is SQLAlchemy's, so that PostgreSQL can take its place.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL

from maskgate.store.migrate import upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

Work = Connection

_BUSY_MILLISECONDS = 20_000


class Store:
    """An opened database.

    Args:
        engine: Made by :meth:`open`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a SQLite file, making it if there is none, and bring its tables up to date."""
        if not path.exists():
            path.touch(mode=0o600)
        engine = create_engine(URL.create("sqlite", database=str(path)))
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        store = cls(engine)
        with store.write() as work:
            upgrade(work)
        return store

    @contextmanager
    def write(self) -> Iterator[Work]:
        """Do several things or none, alone with the database."""
        with self._engine.connect().execution_options(maskgate_writes=True) as work, work.begin():
            yield work

    @contextmanager
    def read(self) -> Iterator[Work]:
        """See one consistent state of the database, beside others who write."""
        with self._engine.connect() as work, work.begin():
            yield work

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def _prepare(connection: Any, _record: Any) -> None:
    # The driver must not open transactions of its own; `_begin` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin(work: Connection) -> None:
    writes = work.get_execution_options().get("maskgate_writes", False)
    work.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
