"""The database behind ledger and gate: a SQLite file, or the schema of a PostgreSQL database.

* A writing transaction is alone with the database from when it begins, so what it reads stays true.
* A reading transaction sees one state, and neither waits for writers nor holds them up.
* Nothing is written outside :meth:`Store.write`; an exception inside it leaves nothing behind.
* No statement's values and no password are in an error.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection

from maskgate.clock import SystemClock
from maskgate.errors import DatabaseUnreachable
from maskgate.store import postgres
from maskgate.store.address import DatabaseAddress
from maskgate.store.clock import DatabaseClock
from maskgate.store.deferred import one_transaction, watch
from maskgate.store.failures import translated
from maskgate.store.migrate import must_be_ours, upgrade
from maskgate.store.postgres import postgres_engine
from maskgate.store.sqlite import sqlite_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Engine

    from maskgate.clock import Clock
    from maskgate.store.prepared import Asked, Rows

Work = Connection

_LONGEST_WAIT = 20.0


class Store:
    """An opened database.

    Args:
        engine: Made by :meth:`open`.
        address: Where it is.
    """

    def __init__(self, engine: Engine, address: DatabaseAddress) -> None:
        self._engine = engine
        self._address = address
        self._writing = threading.Lock()
        watch(engine)
        self._server_clock = DatabaseClock(engine) if address.is_server else None

    @classmethod
    def open(cls, where: str | Path) -> Self:
        """Open a database, making what is not there, and bring its tables up to date.

        Several processes may do so at once: one makes the tables, the others wait.

        Args:
            where: A SQLite file, or a URL such as ``postgresql://gate@db.example/airflow``.

        Raises:
            ConfigurationError: If the address cannot be used, or a later version of Maskgate has made the tables.
            DatabaseUnreachable: If the database does not answer.
        """
        address = DatabaseAddress.of(where)
        store = cls(postgres_engine(address) if address.is_server else sqlite_engine(address), address)
        try:
            store._bring_up_to_date()
        except BaseException:
            store.close()
            raise
        return store

    def __str__(self) -> str:
        return str(self._address)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for a server."""
        return self._address.file

    @property
    def is_shared(self) -> bool:
        """Whether other gates, with homes of their own, may work with it."""
        return self._address.is_server

    def clock(self) -> Clock:
        """Return the clock that everybody who shares this database goes by; for a file, the machine's."""
        return self._server_clock or SystemClock()

    @contextmanager
    def write(self) -> Iterator[Work]:
        """Do several things or none, alone with the database."""
        with self.write_knowing() as (work, _):
            yield work

    @contextmanager
    def write_knowing(self, *asked: Asked) -> Iterator[tuple[Work, list[Rows]]]:
        """Do several things or none, alone with the database, and know what is read as soon as one is alone.

        A server is asked for it in the message that waits for the lock, so nobody else waits for the answer's way.
        """
        with (
            translated(self._address),
            self._turn(),
            self._connection() as work,
            one_transaction(work),
            self._alone(work, asked) as found,
        ):
            yield work, found

    @contextmanager
    def read(self) -> Iterator[Work]:
        """See one consistent state of the database, beside others who write."""
        with translated(self._address), self._connection(writes=False) as work, work.begin(), self._beside(work):
            yield work

    @contextmanager
    def look(self, *asked: Asked) -> Iterator[list[Rows]]:
        """Know several things of one state of the database, which a server is asked for in one message."""
        clock = self._server_clock
        if clock is None:
            with self.read() as work:
                yield [[*work.execute(each.statement, each.values).mappings()] for each in asked]
            return
        with translated(self._address), self._engine.connect() as work:
            moment, found = postgres.look(work, asked)
        with clock.within(None, moment):
            yield found

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _bring_up_to_date(self) -> None:
        with self.read() as work:
            is_ready = must_be_ours(work, str(self))
        if not is_ready:
            with self.write() as work:
                upgrade(work, str(self))

    def _connection(self, *, writes: bool = True) -> Work:
        options: dict[str, Any] = {"maskgate_writes": writes}
        if self._address.is_server and not writes:
            options |= postgres.ONE_STATE
        return self._engine.connect().execution_options(**options)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let one thread of this process write; the others wait here, without a connection that readers may need."""
        if not self._writing.acquire(timeout=_LONGEST_WAIT):
            raise DatabaseUnreachable(f"{self} was busy with others for too long. Nothing was changed; try again.")
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def _alone(self, work: Work, asked: Sequence[Asked]) -> Iterator[list[Rows]]:
        clock = self._server_clock
        if clock is None:
            yield [[*work.execute(each.statement, each.values).mappings()] for each in asked]
        else:
            moment, found = postgres.take_lock(work, asked)
            with clock.within(work, moment):
                yield found

    def _beside(self, work: Work) -> AbstractContextManager[None]:
        clock = self._server_clock
        return nullcontext() if clock is None else clock.within(work)
