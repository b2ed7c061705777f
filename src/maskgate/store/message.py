"""Several statements in one message to PostgreSQL, in the words of its own library.

The driver's pipeline hands over each statement by itself and looks for answers each time, which costs more than what
the server does. Here all of them are written first, sent at once, and their answers read together; the server knows
each statement by a name from its first use on. (The driver gives no names of its own on these connections: it has the
server forget all names, ours too, whenever it takes something back.)
"""

from __future__ import annotations

import select
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from psycopg import Error, OperationalError
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, PipelineStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from psycopg.pq.abc import PGconn, PGresult
    from sqlalchemy import Connection

Said = tuple[str, "Sequence[Any]"]
"""A statement with ``$1`` for its first value, and its values."""

_NAMES = "maskgate_statement_names"
_GONE = "the server closed the connection unexpectedly"


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
        if new := {sql: None for sql, _ in said if sql not in names}:
            _name(library, new, names)
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
    """Have the server know statements by names, for as long as the connection lasts."""
    given = {sql: f"maskgate_{sha256(sql.encode()).hexdigest()[:32]}".encode() for sql in statements}
    library.enter_pipeline_mode()
    for sql, name in given.items():
        library.send_prepare(name, sql.encode())
    for sql, answer in zip(given, list(_answers(library)), strict=True):
        _good(answer)
        names[sql] = given[sql]


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
