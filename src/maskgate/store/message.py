"""Several statements in one message to PostgreSQL, in the words of its own library.

The driver's pipeline hands over each statement by itself and looks for answers each time, which costs more than what
the server does. Here all of them are written first, sent at once, and their answers read together; the server knows
each statement by a name from its first use on.
"""

from __future__ import annotations

import re
import select
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from psycopg import Error, OperationalError
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, PipelineStatus, TransactionStatus
from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from psycopg.pq.abc import PGconn, PGresult
    from sqlalchemy import Connection, Engine

Said = tuple[str, "Sequence[Any]"]
"""A statement with ``$1`` for its first value, and its values."""

_NAMES = "maskgate_statement_names"
_WHICH = b"SELECT name FROM pg_prepared_statements WHERE name LIKE 'maskgate%'"
# After these the driver has the server forget the statements that it knows by name, these here among them.
_FORGETS = re.compile(r"\s*(ROLLBACK|DROP|ALTER)\b", re.IGNORECASE)
_GONE = "the server closed the connection unexpectedly"


def watch(engine: Engine) -> None:
    """Notice when the server forgets statements on an engine's connections."""
    event.listen(engine, "rollback", _before_rollback)
    event.listen(engine, "before_cursor_execute", _before_any)


def exchange(work: Connection, said: Sequence[Said]) -> list[list[tuple[Any, ...]]]:
    """Send statements in one message, and read what is answered to each.

    Args:
        work: A connection with which nothing else is going on.
        said: The statements. A COMMIT among them is passed over, like all that follows, if one before it fails.

    Returns:
        The rows of each.

    Raises:
        psycopg.Error: The first failure.
    """
    driver: Any = work.connection.dbapi_connection
    library: PGconn = driver.pgconn
    adapter: Any = Transformer(driver)
    written = [(sql, adapter.dump_sequence(values, _as_text(len(values))) if values else None) for sql, values in said]
    names = work.info.setdefault(_NAMES, {})
    try:
        if not names.keys() >= {sql for sql, _ in said}:
            _name(library, dict.fromkeys(sql for sql, _ in said), names)
        library.enter_pipeline_mode()
        for sql, values in written:
            library.send_query_prepared(names[sql], values)
        answers = list(_answers(library))
    except BaseException as error:
        if library.pipeline_status != PipelineStatus.OFF:
            _give_up(work, error)
        raise
    return [_rows(adapter, _good(answer)) for answer in answers]


def _name(library: PGconn, statements: Iterable[str], names: dict[str, bytes]) -> None:
    """Have the server know statements by names."""
    library.enter_pipeline_mode()
    library.send_query_params(_WHICH, None)
    (known,) = map(_good, list(_answers(library)))
    there = {known.get_value(row, 0) for row in range(known.ntuples)}
    given = {sql: f"maskgate_{sha256(sql.encode()).hexdigest()[:32]}".encode() for sql in statements}
    library.enter_pipeline_mode()
    for sql, name in given.items():
        if name not in there:
            library.send_prepare(name, sql.encode())
    for answer in list(_answers(library)):
        _good(answer)
    names |= given


def _before_rollback(work: Connection) -> None:
    if not (work.closed or work.invalidated):
        driver: Any = work.connection.dbapi_connection
        # Where no transaction has begun, the driver says nothing to the server.
        if driver.info.transaction_status != TransactionStatus.IDLE:
            _forget(work)


def _forget(work: Connection) -> None:
    work.info.pop(_NAMES, None)


def _before_any(work: Connection, _cursor: Any, statement: str, _values: Any, _context: Any, _many: Any) -> None:
    if _FORGETS.match(statement):
        _forget(work)


def _give_up(work: Connection, error: BaseException) -> None:
    """Close a connection of which nobody knows what it would answer next."""
    driver: Any = work.connection.dbapi_connection
    driver.close()
    if not isinstance(error, Error):
        work.invalidate(error)  # of the driver's own errors, whoever asked makes what SQLAlchemy would


def _answers(library: PGconn) -> Iterator[PGresult]:
    """Send what was written, yield the answer to each statement, and leave the library's pipeline mode."""
    library.pipeline_sync()
    waiting = select.poll()
    waiting.register(library.socket, select.POLLIN | select.POLLOUT)
    while library.flush():
        waiting.poll()
        library.consume_input()  # a server that cannot write does not read either
    waiting.modify(library.socket, select.POLLIN)
    while True:
        while library.is_busy():
            waiting.poll()
            library.consume_input()
        answer = library.get_result()
        if answer is None:
            if library.status == ConnStatus.BAD:
                raise OperationalError(_GONE)
        elif answer.status == ExecStatus.PIPELINE_SYNC:
            library.exit_pipeline_mode()
            return
        else:
            yield answer


def _good(answer: PGresult) -> PGresult:
    if answer.status in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
        return answer
    raise error_from_result(answer)


def _rows(adapter: Any, answer: PGresult) -> list[tuple[Any, ...]]:
    if not answer.ntuples:
        return []
    adapter.set_pgresult(answer)
    return list(adapter.load_rows(0, answer.ntuples, tuple))


@lru_cache(100)
def _as_text(number: int) -> tuple[PyFormat, ...]:
    # As text, so that the server alone says what a value's type is.
    return (PyFormat.TEXT,) * number
