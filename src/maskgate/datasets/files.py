"""Files that are read: found by a path, a folder, a pattern or a URI, and opened so that nothing leaks.

* A file is known by its name, its size and a stamp that changes when somebody writes it again.
* What a filesystem says of a failure is never passed on: it may hold credentials.
"""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from maskgate.datasets.object_store import connect, without_credentials
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_OWN_FILES = ("manifest.json",)
_STAMPS = ("ETag", "etag", "generation", "mtime", "LastModified", "last_modified", "updated", "created")


@dataclass(frozen=True)
class InputFile:
    """One file of a table.

    Attributes:
        name: Where it is; what messages call it.
        size: Its bytes; None if nobody has looked.
        stamp: Changes when the file is written again: a time, or what an object store calls its version.
        filesystem: What opens it; None for this machine's own.
    """

    name: str
    size: int | None = None
    stamp: str = ""
    filesystem: Any = field(default=None, repr=False, compare=False)

    def open(self) -> BinaryIO:
        """Open the file for reading.

        Raises:
            DatasetError: If there is none, or it may not be read.
        """
        failure = ""
        try:
            if self.filesystem is None:
                return Path(self.name).open("rb")
            return cast("BinaryIO", self.filesystem.open(self.name, "rb"))
        except FileNotFoundError:
            failure = "there is no such file."
        except PermissionError:
            failure = "it may not be read."
        except Exception as error:  # noqa: BLE001  each filesystem has its own errors, and they may hold credentials
            failure = f"it cannot be read ({type(error).__name__})."
        raise DatasetError(f"{self.name}: {failure}")

    @property
    def suffixed(self) -> str:
        """The last part of its name."""
        return self.name.rstrip("/").rpartition("/")[2]


def find_files(uri: str, is_wanted: Callable[[str], bool], storage: Mapping[str, Any] | None = None) -> list[InputFile]:
    """Find the files that a path or URI names, in order of their names.

    Args:
        uri: A file, a folder of files, or a pattern such as ``orders-*.parquet``.
        is_wanted: Says by its name whether a file in a folder can be read; one that cannot is refused, not left out.
        storage: Options of the object store.

    Raises:
        DatasetError: If the place cannot be reached, or holds something that is not wanted.
    """
    if "://" in uri:
        return _find_remote(uri, is_wanted, storage)
    return [_local(name) for name in _find_local(uri, is_wanted)]


def _local(name: str) -> InputFile:
    try:
        found = Path(name).stat()
    except OSError:
        return InputFile(name)
    return InputFile(name, found.st_size, f"{found.st_mtime_ns}")


def _remote(filesystem: Any, found: Mapping[str, Any]) -> InputFile:
    stamp = next((str(found[key]) for key in _STAMPS if found.get(key)), "")
    return InputFile(str(found["name"]), found.get("size"), stamp, filesystem)


def _find_local(uri: str, is_wanted: Callable[[str], bool]) -> list[str]:
    path = Path(uri)
    if path.is_dir():
        return _of_folder(uri, sorted(str(each) for each in path.iterdir()), os.path.isdir, is_wanted)
    if not path.exists() and glob.has_magic(uri):
        return sorted(each for each in glob.glob(uri, recursive=True) if Path(each).is_file())  # noqa: PTH207  an absolute pattern
    return [uri]


def _find_remote(uri: str, is_wanted: Callable[[str], bool], storage: Mapping[str, Any] | None) -> list[InputFile]:
    filesystem, path = connect(uri, storage)
    failure = ""
    try:
        if glob.has_magic(path):
            details = filesystem.glob(path, detail=True).values()
        elif filesystem.isdir(path):
            listed = {each["name"]: each for each in filesystem.ls(path, detail=True)}
            details = [listed[name] for name in _of_folder(uri, sorted(listed), filesystem.isdir, is_wanted)]
        elif filesystem.exists(path):
            details = [filesystem.info(path)]
        else:
            details = [{"name": path}]
        return [_remote(filesystem, each) for each in sorted(details, key=lambda each: str(each["name"]))]
    except DatasetError:
        raise
    except Exception as error:  # noqa: BLE001  each filesystem has its own errors, and they may hold credentials
        failure = type(error).__name__
    raise DatasetError(f"{without_credentials(uri)}: it cannot be reached ({failure}).")


def _of_folder(
    uri: str, entries: Sequence[str], is_folder: Callable[[str], bool], is_wanted: Callable[[str], bool]
) -> list[str]:
    names = []
    for entry in entries:
        name = entry.rstrip("/").rpartition("/")[2]
        if name.startswith(("_", ".")) or name in _OWN_FILES:
            continue
        if is_folder(entry):
            raise DatasetError(f"{uri}: it has folders inside ({name}). Name one folder, or a pattern.")
        if not is_wanted(name):
            raise DatasetError(f"{uri}: {name} is no file of a known format. Name the files that belong to the table.")
        names.append(entry)
    return names
