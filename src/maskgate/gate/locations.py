"""Where staging roots and destinations may lie: a local folder, or a prefix in an object store.

Only the gate's configuration names locations; nobody does in a request. Even so the list of protocols is closed, and
chained addresses (``zip::s3://…``), which would make one library open what another one found, are refused.
"""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from maskgate.errors import DatasetError, MaskgateError, UsageError
from maskgate.google_store import google_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fsspec import AbstractFileSystem

TABLE = "postgresql"
PROTOCOLS = ("file", "s3", "gs", "az", "abfs", "memory")
_NAME = r"[A-Za-z_][A-Za-z0-9_$]{0,62}"
_TABLE_URI = re.compile(
    rf"(?P<host>[A-Za-z0-9.-]+)(:(?P<port>[0-9]{{1,5}}))?/(?P<database>[A-Za-z0-9_.$-]{{1,63}})"
    rf"\?(table=(?P<schema>{_NAME})\.(?P<table>{_NAME})|schema=(?P<schema_alone>{_NAME}))"
)


# How Azure says that a condition does not hold; its library has no error of its own for that.
_UNMET_ON_AZURE = frozenset({"ConditionNotMet", "BlobAlreadyExists"})


@dataclass(frozen=True)
class Location:
    """A parsed address.

    Attributes:
        protocol: One of :data:`PROTOCOLS`.
        path: Absolute path of a local folder, or bucket and prefix without a slash at the end.
    """

    protocol: str
    path: str

    @property
    def is_local(self) -> bool:
        """Whether this is a folder on a file system that renames atomically."""
        return self.protocol == "file"

    @property
    def is_table(self) -> bool:
        """Whether this is a table of a database, or a schema of tables."""
        return self.protocol == TABLE

    @property
    def uri(self) -> str:
        """The address as people write it: a bare path for a local folder."""
        return self.path if self.is_local else f"{self.protocol}://{self.path}"

    def child(self, name: str) -> str:
        """Return the address of something directly below."""
        return f"{self.uri.rstrip('/')}/{name}"


def parse_location(uri: str) -> Location:
    """Read the address of a staging root or a destination.

    A table of PostgreSQL, which only a destination can be, is ``postgresql://host:port/database?table=schema.name``;
    with ``?schema=name``, each table of a release goes to the table of that schema with its own name.

    Raises:
        UsageError: If it is relative, chained, of an unknown protocol, or carries a login, a query or ``..``.
    """
    if not uri or not uri.isprintable() or uri != uri.strip():
        raise UsageError("the uri is empty, or holds spaces at an end or characters that cannot be seen.")
    if "::" in uri:
        raise UsageError(f"{uri}: chained addresses (`::`) are not allowed. Name one place.")
    protocol, separator, rest = uri.partition("://")
    if protocol == TABLE:
        return _table(rest)
    if not separator:
        protocol, rest = "file", uri
    if protocol not in PROTOCOLS:
        raise UsageError(f"{uri}: no protocol is called `{protocol}`. Use a path, or one of {', '.join(PROTOCOLS)}.")
    if ".." in re.split(r"[/\\]", rest):
        raise UsageError(f"{uri}: `..` is not allowed. Write the address out.")
    if protocol == "file":
        return _local(uri, rest)
    split = urlsplit(f"{protocol}://{rest}")
    if split.query or split.fragment or "@" in split.netloc:
        raise UsageError(f"{protocol}://{split.hostname}: put logins and settings under `options:`, not into the uri.")
    if not split.netloc:
        raise UsageError(f"{uri}: a bucket is missing. Write {protocol}://bucket/prefix.")
    return Location(protocol, rest.rstrip("/"))


def _table(rest: str) -> Location:
    if not _TABLE_URI.fullmatch(rest):
        raise UsageError(
            "a table is written postgresql://host:port/database?table=schema.name (or ?schema=name, for several "
            "tables). User and password stand under `options:`."
        )
    return Location(TABLE, rest)


def table_address(location: Location) -> dict[str, str | None]:
    """Take the address of a table apart: host, port, database, schema and, unless it is a schema alone, table."""
    found = _TABLE_URI.fullmatch(location.path)
    parts = {} if found is None else found.groupdict()
    return {
        "host": parts.get("host"),
        "port": parts.get("port"),
        "database": parts.get("database"),
        "schema": parts.get("schema") or parts.get("schema_alone"),
        "table": parts.get("table"),
    }


def _local(uri: str, path: str) -> Location:
    if not Path(path).is_absolute():
        raise UsageError(f"{uri}: the path is not absolute.")
    return Location("file", str(Path(path)))


def open_filesystem(location: Location, options: Mapping[str, Any]) -> AbstractFileSystem:
    """Open the object store that holds a location.

    Raises:
        UsageError: If the library for the protocol is not installed, or does not take the options.
    """
    import fsspec  # noqa: PLC0415  only who uses an object store pays for it

    # The listing cache would show the gate a folder as it was, not as it is.
    wanted = {"use_listings_cache": False, **options}
    try:
        if location.protocol == "gs":
            return google_store(wanted)
        return fsspec.filesystem(location.protocol, **wanted)
    except ImportError:
        raise UsageError(
            f"{location.uri}: the library for `{location.protocol}` is not installed. "
            f"Install it: pip install 'maskgate[{'az' if location.protocol == 'abfs' else location.protocol}]'."
        ) from None
    except (TypeError, ValueError):
        # The cause may quote an option, and options hold credentials.
        raise UsageError(f"{location.uri}: the storage library does not take these `options:`.") from None


def abandon(target: Any) -> None:
    """Give up an object that is half written, so that neither closing nor forgetting it publishes what came so far."""
    target.discard()
    with suppress(AttributeError):  # what lies in memory only cannot be marked, and is not published by closing
        target.closed = True


@contextmanager
def storage_errors(location: Location) -> Iterator[None]:
    """Translate what a storage library raises; each has errors of its own.

    Raises:
        FileExistsError: If something is there that must not be, however the library says so.
        DatasetError: For everything else that is not ours.
    """
    try:
        yield
    except (MaskgateError, FileExistsError):
        raise
    except Exception as error:  # noqa: BLE001  each storage library has errors of its own
        is_unmet = getattr(error, "error_code", None) in _UNMET_ON_AZURE
        if is_unmet or "pre-condition" in str(error).lower() or "precondition" in str(error).lower():
            raise FileExistsError from None
        # The cause may quote a signed address or a credential.
        raise DatasetError(
            f"{location.uri}: the storage did not do it ({type(error).__name__}). "
            "The operator has to check the address, its `options:` and rights; it can be tried again."
        ) from None
