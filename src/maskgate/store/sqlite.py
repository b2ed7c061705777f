"""SQLite: one file, in WAL mode, for the processes of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from maskgate.store.address import DatabaseAddress

_BUSY_MILLISECONDS = 20_000


def sqlite_engine(address: DatabaseAddress) -> Engine:
    """Make the engine of a file, and the file if there is none; it is its owner's alone."""
    if address.file is not None and not address.file.exists():
        address.file.touch(mode=0o600)
    engine = create_engine(address.url, hide_parameters=True)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


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
