"""Tables of Delta Lake as sources: one version, and the files that belong to it.

A folder of Delta Lake also holds files of earlier versions, with rows that were deleted since; so its log is read, and
never the folder. Paths of its files can hold values of partition columns, and are in no message.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from maskgate.datasets.files import InputFile, without_partition_values
from maskgate.datasets.formats import Piece, format_of
from maskgate.datasets.formats.format import check_options
from maskgate.datasets.object_store import connect, without_credentials
from maskgate.datasets.source import InputState, Source
from maskgate.datasets.storage_errors import reason_of
from maskgate.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

T = TypeVar("T")

_LOG = "_delta_log"
_VERSION = re.compile(r"(?P<place>.+)@v(?P<version>\d+)")
_ROW_SIZE = 256
_LOOKERS = 8


def split_version(uri: str) -> tuple[str, int | None]:
    """Take the version from the end of a path or URI.

    Example:
        >>> split_version("s3://lake/customers@v12")
        ('s3://lake/customers', 12)
    """
    found = _VERSION.fullmatch(uri)
    return (uri, None) if found is None else (found["place"], int(found["version"]))


def is_delta(uri: str, storage: Mapping[str, Any] | None = None) -> bool:
    """Say whether a path or URI names a table of Delta Lake."""
    place = split_version(uri)[0].rstrip("/")
    if "://" not in place:
        with suppress(OSError, ValueError):  # such as a name that is too long
            return (Path(place) / _LOG).is_dir()
        return False
    if format_of(place) is not None:
        # A file, and nobody need be asked.
        return False
    filesystem, path = connect(place, storage)
    return _has_log(place, path, filesystem)


def check_found(uri: str, files: Sequence[InputFile]) -> None:
    """Refuse files of a table of Delta Lake that a pattern or a folder has brought; some hold deleted rows.

    Raises:
        DatasetError: If any are.
    """
    folders = {_without_partitions(file.name): file.filesystem for file in files}
    with ThreadPoolExecutor(_LOOKERS) as pool:
        has_log = pool.map(lambda each: _has_log(uri, *each), folders.items())
    if any(has_log):
        shown = without_partition_values(f"{without_credentials(uri).rstrip('/')}/")
        raise DatasetError(
            f"{shown.rstrip('/')}: these are files of a table of Delta Lake, and some belong to earlier "
            f"versions. Name its folder, which is the one with {_LOG} in it, and no format but delta."
        )


def _without_partitions(name: str) -> str:
    """Return the folder of a file, or the one around its partitions."""
    *steps, _ = name.split("/")
    while steps and "=" in steps[-1]:
        steps.pop()
    return "/".join(steps)


def _has_log(uri: str, folder: str, filesystem: Any) -> bool:
    failure = ""
    try:
        log = f"{folder}/{_LOG}" if folder else _LOG
        return Path(log).is_dir() if filesystem is None else bool(filesystem.exists(log))
    except Exception as error:  # noqa: BLE001  each filesystem has its own errors, and they may hold credentials
        failure = reason_of(error)
    raise DatasetError(f"{without_credentials(uri)}: it cannot be reached ({failure}).")


def open_delta(uri: str, options: Mapping[str, Any] | None = None) -> Source:
    """Open a version of a table.

    Args:
        uri: Path or URI, with ``@v12`` behind it for version 12; without, the newest version counts.
        options: ``version`` instead of that, and ``storage`` with options of the object store.

    Raises:
        UsageError: If there is another option.
        DatasetError: If there is no such version, or it cannot be read.
    """
    given = dict(options or {})
    place, version = split_version(uri)
    version = version if "version" not in given else _number(given.pop("version"))
    storage = given.pop("storage", None)
    check_options("a table of Delta Lake", given, ("version",))
    shown = without_credentials(place)
    table = _translated(shown, lambda: _opened(shown, place, version, storage))
    _check_features(shown, table)
    dataset = _translated(shown, table.to_pyarrow_dataset)
    named = f"{shown}@v{table.version()}"
    fragments = list(dataset.get_fragments())
    schema = pa.schema([(item.name, item.type) for item in dataset.schema])

    def read(piece: Piece, rows: int, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        wanted = schema.names if columns is None else list(columns)
        fragment = fragments[piece.start]
        batches = _read(
            piece.shown,
            lambda: fragment.to_batches(schema=schema, columns=wanted, batch_size=rows, use_threads=False),
        )
        while (batch := _read(piece.shown, lambda: next(batches, None))) is not None:
            yield batch

    pieces = tuple(
        Piece(InputFile(named), at, at + 1, shown=f"{named}, file {_shown_path(fragment.path)}", row_size=_ROW_SIZE)
        for at, fragment in enumerate(fragments)
    )
    # A version of a table never changes.
    state = InputState(named, None, str(table.metadata().id), f"version {table.version()}")
    return Source(
        schema, pieces, read, uri=named, inputs=(state,), states=lambda: [(state.name, state.size, state.stamp)]
    )


def _opened(shown: str, place: str, version: int | None, storage: Mapping[str, str] | None) -> Any:
    try:
        from deltalake import DeltaTable  # noqa: PLC0415  only for those who have Delta Lake
    except ImportError:
        raise DatasetError(f"{shown}: Delta Lake needs a package: pip install 'maskgate[delta]'.") from None
    return DeltaTable(place, version=version, storage_options=None if storage is None else dict(storage))


def _check_features(shown: str, table: Any) -> None:
    """Refuse what its reader would take for something else, or does not know.

    With column mapping a file calls columns otherwise than the table does, so that a rule would meet another column.
    """
    mode = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    features = table.protocol().reader_features or []
    problem = ""
    if mode != "none" or "columnMapping" in features:
        problem = "its files call columns otherwise than the table does (column mapping). Write a copy without it"
    elif "deletionVectors" in features:
        problem = (
            "its rows can be deleted by deletion vectors. Turn them off, and have what they delete removed "
            "(ALTER TABLE … DROP FEATURE deletionVectors)"
        )
    if problem:
        raise DatasetError(f"{shown}: {problem}; such tables are not read here.")


def _shown_path(path: str) -> str:
    """Return the path of a file in a table, without the values of partitions."""
    return without_partition_values(path.strip("/"))


def _number(value: Any) -> int:
    if not str(value).isdecimal():
        raise UsageError("the version of a table of Delta Lake is a whole number.")
    return int(value)


def _read(shown: str, read: Callable[[], T]) -> T:
    """Read from a file of the table."""
    failure = ""
    try:
        return read()
    except Exception as error:  # noqa: BLE001  its errors quote paths, which can hold values of partitions
        failure = type(error).__name__
    raise DatasetError(
        f"{shown}: it is gone, damaged or cannot be read ({failure}). Restore it, or name another version."
    )


def _translated(shown: str, read: Callable[[], T]) -> T:
    failure = ""
    try:
        return read()
    except DatasetError:
        raise
    except Exception as error:  # noqa: BLE001  its errors quote paths, which can hold values of partitions
        failure = type(error).__name__
    raise DatasetError(
        f"{shown}: this version of the table cannot be read ({failure}). Is it there, and without features that only "
        "its own engine reads?"
    )
