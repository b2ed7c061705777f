"""Where the database is, in a form that can be shown.

A password may stand in the address; it is in no message, repr or log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from maskgate.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from typing import Self

_VARIABLE = "MASKGATE_DATABASE_URL"
_POSTGRES = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
_SQLITE = frozenset({"sqlite", "sqlite+pysqlite"})


@dataclass(frozen=True)
class DatabaseAddress:
    """A SQLite file, or a database of a PostgreSQL server.

    Attributes:
        url: How SQLAlchemy reaches it; it may hold a password.
        file: The SQLite file; None for a server.
    """

    url: URL = field(repr=False)
    file: Path | None = None

    @classmethod
    def of(cls, where: str | Path) -> Self:
        """Read an address: a path is a SQLite file, a text is a URL.

        Raises:
            ConfigurationError: If it is neither of a SQLite file nor of a PostgreSQL database.

        Example:
            >>> str(DatabaseAddress.of("postgresql://gate:secret@db.example/airflow"))
            'the PostgreSQL database airflow at gate@db.example'
        """
        if isinstance(where, Path):
            return cls(URL.create("sqlite", database=str(where)), where)
        url = _url(where)
        if url.drivername in _POSTGRES:
            if not url.database:
                raise _problem("it names no database. Write postgresql://USER@HOST/DATABASE")
            return cls(url.set(drivername="postgresql+psycopg"))
        if url.drivername not in _SQLITE:
            raise _problem("it is of no database that the gate knows. Use postgresql:// or sqlite:///FILE")
        if not url.database or url.database == ":memory:" or url.query:
            raise _problem("it names no SQLite file. Write sqlite:///FILE")
        return cls(URL.create("sqlite", database=url.database), Path(url.database))

    @property
    def is_server(self) -> bool:
        """Whether several gates can share it."""
        return self.file is None

    def __str__(self) -> str:
        if self.file is not None:
            return f"the SQLite file {self.file}"
        user = f"{self.url.username}@" if self.url.username else ""
        port = f":{self.url.port}" if self.url.port else ""
        return f"the PostgreSQL database {self.url.database} at {user}{self.url.host or 'this machine'}{port}"


def _url(text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError):  # its message would quote the password
        raise _problem("it is no address. Write postgresql://USER@HOST/DATABASE") from None


def _problem(message: str) -> ConfigurationError:
    return ConfigurationError(_VARIABLE, (Problem(message),))
