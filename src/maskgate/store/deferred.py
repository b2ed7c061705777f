"""Statements of a transaction that nobody waits for, sent together at its end.

A driver waits for the answer to each statement; while one waits, nobody else can write. What is written and not read
again in the same transaction (an entry of the ledger, a row of a decision) is therefore kept back, and goes to
PostgreSQL in one message with the COMMIT.

* It is the same transaction: if one of them fails, nothing was written.
* A change that must find its row fails at the server if it does not, so the COMMIT behind it does nothing.
* Any other statement sends them first, so whatever reads sees them.
* What a savepoint kept back is forgotten with it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from maskgate.store.prepared import as_sqlalchemy_would, prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Engine, Executable

    from maskgate.store.message import Said

_KEPT = "maskgate_deferred"
_FOUND_NOTHING = "22012"  # division by zero
BESIDE = {"maskgate_beside_deferred": True}
"""Execution options of a statement that neither reads nor touches what is ever kept back."""


@dataclass(frozen=True)
class _Kept:
    statement: Executable
    values: Mapping[str, Any]
    or_else: Exception | None


def defer(
    work: Connection,
    statement: Executable,
    values: Mapping[str, Any],
    *,
    or_else: Exception | None = None,
    is_last_word: bool = False,
) -> None:
    """Execute a statement at the end of the transaction, or before whatever else is executed in it.

    Args:
        work: A writing transaction of a store; in any other, it is executed now.
        statement: One that returns nothing.
        values: Its values.
        or_else: What is raised, then, if it finds no row to change.
        is_last_word: Whether it stands for those of the same statement that are still kept back.
    """
    kept = work.info.get(_KEPT)
    given = _Kept(statement, values, or_else)
    if kept is None:
        _execute(work, given)
        return
    if is_last_word:
        kept[:] = [each for each in kept if each.statement is not statement]
    kept.append(given)


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
                _send(work, and_then=transaction.commit)
        finally:
            info.pop(_KEPT, None)


def _send(work: Connection, and_then: Callable[[], None] | None = None) -> None:
    """Execute what is kept back, and something behind it in the same message."""
    kept = work.info.get(_KEPT)
    if not kept:
        return
    work.info[_KEPT] = []
    if work.dialect.name == "postgresql":
        _send_together(work, kept, and_then)
        return
    for each in kept:
        _execute(work, each)
    if and_then is not None:
        and_then()


def _send_together(work: Connection, kept: Sequence[_Kept], and_then: Callable[[], None] | None) -> None:
    from maskgate.store.message import exchange  # noqa: PLC0415  its driver is only where a server is

    driver: Any = work.connection.dbapi_connection
    try:
        said = [_said(work, each) for each in kept]
        exchange(work, said if and_then is None else [*said, ("COMMIT", ())])
    except driver.Error as error:
        raise _meant(error, kept) or as_sqlalchemy_would(work, "what was kept back", error) from None
    if and_then is not None:
        and_then()


def _execute(work: Connection, kept: _Kept) -> None:
    if work.execute(kept.statement, kept.values).rowcount == 0 and kept.or_else is not None:
        raise kept.or_else


def _said(work: Connection, kept: _Kept) -> Said:
    ready = prepared(work, kept.statement, kept.values)
    return ready.sql if kept.or_else is None else _finding(ready.sql), ready.values(kept.values)


def _finding(change: str) -> str:
    """Have the server itself fail where a change finds no row."""
    return f"WITH found AS ({change} RETURNING 1) SELECT 1 / count(*) FROM found"  # noqa: S608  a statement of ours


def _meant(said: Any, kept: Sequence[_Kept]) -> Exception | None:
    """Return what is raised for a change that found nothing; None if that is not what the server says."""
    if getattr(said, "sqlstate", None) != _FOUND_NOTHING:
        return None
    return next((each.or_else for each in kept if each.or_else is not None), None)


def _before_any(work: Connection, _cursor: Any, _statement: str, _values: Any, context: Any, _many: Any) -> None:
    if context is None or not context.execution_options.get("maskgate_beside_deferred"):
        _send(work)


def _before_savepoint(work: Connection, _name: str) -> None:
    _send(work)


def _forget(work: Connection, _name: str, _context: Any) -> None:
    if work.info.get(_KEPT):
        work.info[_KEPT] = []
