"""Parquet files as one stream of batches: a file, a folder of them, or a pattern.

* Every file is opened, and has the schema of the first, before the first row is read.
* A damaged file is named, and its bytes are not quoted.
"""

from __future__ import annotations

import glob
import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from maskgate.datasets.object_store import connect, without_credentials
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SUFFIX = ".parquet"
MOST_ROWS = 131_072
_FEWEST_ROWS = 1024
_BATCH_BYTES = 64 << 20
_STREAM_BYTES = 1 << 20
_OWN_FILES = ("manifest.json",)


@dataclass(frozen=True)
class ParquetFiles:
    """The files of one table.

    Attributes:
        names: Where they are, in order.
        schema: Their schema.
        rows: How many rows they have together.
        batch_rows: How many rows are read at once, so that a batch stays small however wide a row is.
    """

    names: tuple[str, ...]
    schema: pa.Schema
    rows: int
    batch_rows: int
    _filesystem: Any

    @classmethod
    def find(cls, uri: str) -> ParquetFiles:
        """Find the files and check that they belong together.

        Args:
            uri: Path or URI of a Parquet file, of a folder of them, or a pattern such as ``orders-*.parquet``.

        Raises:
            DatasetError: If there is none, one cannot be read, or their schemas differ.
        """
        filesystem, names = _find_remote(uri) if "://" in uri else (None, _find_local(uri))
        schema: pa.Schema | None = None
        rows = size = 0
        for name in names:
            with _opened(filesystem, name) as file:
                found = file.schema_arrow
                if schema is not None:
                    _check_same(schema, found, name, names[0])
                schema = schema or found
                rows += file.metadata.num_rows
                size += sum(file.metadata.row_group(at).total_byte_size for at in range(file.metadata.num_row_groups))
        if schema is None:
            raise DatasetError(f"{uri}: there is no Parquet file here. Name a file, a folder of them, or a pattern.")
        return cls(tuple(names), schema, rows, _batch_rows(size, rows), filesystem)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Read all rows, file after file.

        Args:
            columns: The columns to read; None for all.

        Raises:
            DatasetError: If a file turns out to be damaged.
        """
        for name in self.names:
            rows = 0
            with _opened(self._filesystem, name) as file:
                for batch in _read(file, name, self.batch_rows, columns):
                    rows += batch.num_rows
                    yield batch
                if rows != file.metadata.num_rows:
                    raise DatasetError(f"{name}: it promises {file.metadata.num_rows} rows and has {rows}.")


def _batch_rows(size: int, rows: int) -> int:
    most = _BATCH_BYTES * max(rows, 1) // max(size, 1)
    limited = min(MOST_ROWS, max(_FEWEST_ROWS, most))
    # A power of two, so that a few bytes more or less in a file rarely change how the output is cut.
    return 1 << (limited.bit_length() - 1)


@contextmanager
def _opened(filesystem: Any, name: str) -> Iterator[pq.ParquetFile]:
    with ExitStack() as stack:
        failure = ""
        try:
            source = name if filesystem is None else stack.enter_context(filesystem.open(name, "rb"))
            file = stack.enter_context(
                pq.ParquetFile(source, buffer_size=_STREAM_BYTES, pre_buffer=False, page_checksum_verification=True)
            )
        except FileNotFoundError:
            failure = "there is no such file."
        except PermissionError:
            failure = "it may not be read."
        except (pa.ArrowException, OSError, ValueError, EOFError):
            failure = "it is not a Parquet file, or a damaged one. Write it again, or leave it out."
        if failure:
            raise DatasetError(f"{name}: {failure}")
        yield file


def _read(file: pq.ParquetFile, name: str, rows: int, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
    batches = file.iter_batches(batch_size=rows, columns=None if columns is None else list(columns))
    while True:
        failed = False
        try:
            batch = next(batches, None)
            if batch is not None:
                # Parquet does not promise that text is UTF-8 or that lists stay inside their bounds.
                batch.validate(full=True)
        except (pa.ArrowException, OSError, ValueError):
            failed = True
        if failed:
            # Outside of the handler: the original error may quote what is in the file.
            raise DatasetError(f"{name}: it is damaged, and cannot be read to its end. Write it again.")
        if batch is None:
            return
        yield batch


def _check_same(expected: pa.Schema, found: pa.Schema, name: str, first: str) -> None:
    """Refuse a file that has other columns than the first, in names, order or types."""
    if [(item.name, item.type) for item in found] == [(item.name, item.type) for item in expected]:
        return
    differences = []
    types = {item.name: item.type for item in expected}
    for item in found:
        if item.name not in types:
            differences.append(f'"{item.name}" is not there')
        elif item.type != types[item.name]:
            differences.append(f'"{item.name}" is {types[item.name]} there and {item.type} here')
    differences += [f'"{missing}" is missing here' for missing in types if missing not in found.names]
    reasons = "; ".join(differences) or "the columns stand in another order"
    raise DatasetError(f"{name}: its columns are not those of {first}: {reasons}. Mask them one by one, or convert.")


def _find_local(uri: str) -> list[str]:
    path = Path(uri)
    if path.is_dir():
        return _of_folder(uri, sorted(str(each) for each in path.iterdir()), os.path.isdir)
    if not path.exists() and glob.has_magic(uri):
        return sorted(each for each in glob.glob(uri, recursive=True) if Path(each).is_file())  # noqa: PTH207  an absolute pattern
    return [uri]


def _find_remote(uri: str) -> tuple[Any, list[str]]:
    filesystem, path = connect(uri)
    failure = ""
    try:
        if filesystem.isdir(path):
            names = _of_folder(uri, sorted(filesystem.ls(path, detail=False)), filesystem.isdir)
        elif glob.has_magic(path):
            names = sorted(filesystem.glob(path))
        else:
            names = [path]
    except DatasetError:
        raise
    except Exception as error:  # noqa: BLE001  each filesystem has its own errors, and they may hold credentials
        failure = type(error).__name__
    if failure:
        raise DatasetError(f"{without_credentials(uri)}: it cannot be reached ({failure}).")
    return filesystem, names


def _of_folder(uri: str, entries: Sequence[str], is_folder: Callable[[str], bool]) -> list[str]:
    names = []
    for entry in entries:
        name = entry.rstrip("/").rpartition("/")[2]
        if name.startswith(("_", ".")) or name in _OWN_FILES:
            continue
        if is_folder(entry):
            raise DatasetError(f"{uri}: it has folders inside ({name}). Name one folder, or a pattern.")
        if not name.endswith(SUFFIX):
            raise DatasetError(f"{uri}: {name} is not a {SUFFIX} file. Name the files that belong to the table.")
        names.append(entry)
    return names
