"""Statements of a transaction that nobody waits for, sent together at its end.

A driver waits for the answer to each statement; while one waits, nobody else can write. What is written and not read
again in the same transaction (an entry of the ledger, a row of a decision) is therefore kept back, and goes to
PostgreSQL in one message with the COMMIT.

* It is the same transaction: if one of them fails, nothing was written.
* Any other statement sends them first, so whatever reads sees them.
* What a savepoint kept back is forgotten with it.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine, Executable

_KEPT = "maskgate_deferred"
BESIDE = {"maskgate_beside_deferred": True}
"""Execution options of a statement that neither reads nor touches what is ever kept back."""


def defer(work: Connection, statement: Executable, values: Mapping[str, Any]) -> None:
    """Execute a statement at the end of the transaction, or before whatever else is executed in it.

    Args:
        work: A writing transaction of a store; in any other, it is executed now.
        statement: One that returns nothing and whose count of rows nobody asks for.
        values: Its values.
    """
    kept = work.info.get(_KEPT)
    if kept is None:
        work.execute(statement, values)
    else:
        kept.append((statement, values))


def watch(engine: Engine) -> None:
    """Keep the order of statements on an engine's connections."""
    event.listen(engine, "before_cursor_execute", _before_any)
    event.listen(engine, "savepoint", _before_savepoint)
    event.listen(engine, "rollback_savepoint", _forget)


@contextmanager
def one_transaction(work: Connection) -> Iterator[None]:
    """Do everything or nothing, with what is kept back sent at the end."""
    with work.begin() as transaction:
        info = work.info
        info[_KEPT] = []
        try:
            yield
            if info[_KEPT]:
                with _together(work):
                    _send(work)
                    transaction.commit()
        finally:
            info.pop(_KEPT, None)


def _send(work: Connection) -> None:
    kept = work.info.get(_KEPT)
    if kept:
        work.info[_KEPT] = []
        for statement, values in kept:
            work.execute(statement, values)


def _together(work: Connection) -> AbstractContextManager[Any]:
    driver: Any = work.connection.dbapi_connection
    return driver.pipeline() if work.dialect.name == "postgresql" else nullcontext()


def _before_any(work: Connection, _cursor: Any, _statement: str, _values: Any, context: Any, _many: Any) -> None:
    if context is None or not context.execution_options.get("maskgate_beside_deferred"):
        _send(work)


def _before_savepoint(work: Connection, _name: str) -> None:
    _send(work)


def _forget(work: Connection, _name: str, _context: Any) -> None:
    if work.info.get(_KEPT):
        work.info[_KEPT] = []
