"""Connections to databases, so that no credential is shown.

A database is named as a key is: ``env:WAREHOUSE_URL`` is the environment variable that holds its URL, ``file:PATH`` a
file. What a driver says of a failure may quote a cell, a query or a password, and so only its kind and SQLSTATE are
passed on.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from maskgate.datasets.object_store import without_credentials
from maskgate.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

# What a state says that a person can mend.
_STATES = {
    "25006": "a query must only read",
    "3D000": "there is no such database",
    "3F000": "there is no such schema",
    "28P01": "the password is wrong",
    "42501": "this account may not do that",
    "42601": "it is no SQL that the database understands",
    "42703": "there is no such column",
    "42P01": "there is no such table",
    "53100": "its disk is full",
    "57014": "it was cancelled",
}
_POSTGRESQL = re.compile(r"postgres(?:ql)?(?:\+\w+)?://")


def database_url(reference: str) -> str:
    """Return the URL that a reference stands for.

    Raises:
        UsageError: If there is none.
    """
    scheme, _, name = reference.partition(":")
    url = ""
    if scheme == "env":
        url = os.environ.get(name, "")
        if not url:
            raise UsageError(f"the environment variable {name} is not set. Set it to the URL of the database.")
    elif scheme == "file":
        with suppress(OSError, UnicodeDecodeError):
            url = Path(name).read_text(encoding="utf-8").strip()
        if not url:
            raise UsageError(f"{name}: there is no URL of a database in it, or it cannot be read.")
    elif "://" in reference:
        url = reference
    if "://" not in url:
        raise UsageError(
            "a database is named by env:NAME or file:PATH, which hold its URL, such as postgresql://host/database."
        )
    return url


def names_database(text: str) -> bool:
    """Say whether a text names a database, and so no file."""
    return is_postgresql(text) or (text.startswith(("env:", "file:")) and "://" not in text)


def shown(url: str) -> str:
    """Return a URL as it may be shown: without user, password and parameters."""
    return without_credentials(_POSTGRESQL.sub("postgresql://", url))


def is_postgresql(url: str) -> bool:
    """Say whether a URL is one of PostgreSQL, which is read and written over ADBC."""
    return _POSTGRESQL.match(url) is not None


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """Open a connection to PostgreSQL, and give it back; what is not committed is undone.

    Raises:
        DatasetError: If the package is missing, or the database cannot be reached.
    """
    place = shown(url)
    try:
        from adbc_driver_postgresql import dbapi  # noqa: PLC0415  only for those who have a database
    except ImportError:
        raise _without_package(place) from None
    connection = asked(place, lambda: dbapi.connect(_POSTGRESQL.sub("postgresql://", url)))
    try:
        yield connection
    finally:
        for close in (connection.rollback, connection.close):
            # The connection may be lost already, and what matters of it is done.
            with suppress(Exception):
                close()


def engine_for(url: str) -> Any:
    """Return SQLAlchemy's engine for any other database.

    Raises:
        DatasetError: If a package is missing, or SQLAlchemy does not know the database.
    """
    place = shown(url)
    try:
        import sqlalchemy as sa  # noqa: PLC0415  only for those who have a database
    except ImportError:
        raise _without_package(place) from None
    return asked(place, lambda: sa.create_engine(url))


def name_taken(place: str, namespace: str | None, name: str) -> DatasetError:
    """Return what is said when a new table would get the name of one that is there."""
    table = f"{namespace}.{name}" if namespace else name
    return DatasetError(f"{place}: there is a table {table} already. Choose another name, or drop it first.")


def asked(place: str, ask: Callable[[], T]) -> T:
    """Ask the database, and say of a failure its kind alone.

    Raises:
        DatasetError: If it fails.
    """
    failure = ""
    try:
        return ask()
    except (DatasetError, UsageError):
        raise
    except Exception as error:  # noqa: BLE001  drivers have their own errors, and they quote cells and queries
        state = getattr(error, "sqlstate", None)
        failure = type(error).__name__ + (f", SQLSTATE {state}" if state else "")
        if state in _STATES:
            failure += f": {_STATES[state]}"
        elif isinstance(error, ModuleNotFoundError) or type(error).__name__ == "NoSuchModuleError":
            failure += ": its driver is not installed"
    raise DatasetError(f"{place}: the database refused, or cannot be reached ({failure}).")


def _without_package(place: str) -> DatasetError:
    return DatasetError(f"{place}: databases need packages: pip install 'maskgate[sql]'.")
