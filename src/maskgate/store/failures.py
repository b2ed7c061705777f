"""What a database's failures mean to whoever asked; anything else is a mistake of ours, and stays one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from maskgate.errors import DatabaseUnreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maskgate.store.address import DatabaseAddress

# SQLSTATE of PostgreSQL: the wait for a lock, or a statement, took too long; the server is going down.
_TOO_LONG = frozenset({"55P03", "57014", "25P03"})
_GOING_DOWN = frozenset({"57P01", "57P02", "57P03", "53300"})


@contextmanager
def translated(address: DatabaseAddress) -> Iterator[None]:
    """Say what the database's own errors mean, without what they quote.

    Raises:
        DatabaseUnreachable: If the database is not there, or was too long busy with others.
        UsageError: If a text cannot be kept, such as one with a zero byte in it.
    """
    try:
        yield
    except PoolTimeout:
        raise DatabaseUnreachable(f"{address} has had no connection free for too long. Try again.") from None
    except DataError:
        raise UsageError("a text is longer than can be kept, or holds a character that cannot. Shorten it.") from None
    except DBAPIError as error:
        reason = _reason(error)
        if reason is None:
            raise
        raise DatabaseUnreachable(f"{address} {reason}. Nothing was changed; try again.") from None


def _reason(error: DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None)
    if state in _TOO_LONG or "database is locked" in str(error.orig):
        return "was busy with others for too long"
    if error.connection_invalidated or state in _GOING_DOWN:
        return "broke the connection off"
    refused = isinstance(error, OperationalError | InterfaceError) and error.statement is None
    if refused and _is_of_server(error):
        return "cannot be reached, or does not let the gate in"
    return None


def _is_of_server(error: DBAPIError) -> bool:
    return type(error.orig).__module__.partition(".")[0] == "psycopg"
