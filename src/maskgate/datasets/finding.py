"""Finds the files that a path, a folder, a pattern or a URI names.

* A folder holds files of one table: what is neither that nor hidden is refused, not left out.
* Folders inside are read if all of them are hive partitions, ``name=value``.
* Where a run has left its manifest, that says which files there are.
"""

from __future__ import annotations

import glob
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskgate.datasets.files import InputFile, without_partition_values
from maskgate.datasets.listed_files import check_complete, check_listed
from maskgate.datasets.manifest import NAME as MANIFEST
from maskgate.datasets.object_store import connect, without_credentials
from maskgate.datasets.storage_errors import reason_of
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_OWN_FILES = (MANIFEST,)
_STAMPS = ("ETag", "etag", "generation", "mtime", "LastModified", "last_modified", "updated", "created")


def find_files(uri: str, is_wanted: Callable[[str], bool], storage: Mapping[str, Any] | None = None) -> list[InputFile]:
    """Find the files, in order of their names.

    Args:
        uri: A file, a folder of files, or a pattern such as ``orders-*.parquet``.
        is_wanted: Says by its name whether a file in a folder can be read.
        storage: Options of the object store.

    Raises:
        DatasetError: If the place cannot be reached, or holds something that is not wanted.
    """
    if "://" in uri:
        return _find_remote(uri, is_wanted, storage)
    found_here = _looked_at(uri)
    if found_here is not None and stat.S_ISDIR(found_here.st_mode):
        names = [each for each in sorted(_walk(uri)) if _is_of_table(uri, each.removeprefix(uri), is_wanted)]
        files = [_local(name, name.removeprefix(uri)) for name in names]
        manifest = Path(uri) / MANIFEST
        if manifest.is_file():
            sizes = {each.name.removeprefix(uri).strip("/"): each.size for each in files}
            check_listed(uri, sizes, manifest.read_bytes)
        return files
    if found_here is None and glob.has_magic(uri):
        found = sorted(each for each in glob.glob(uri, recursive=True) if Path(each).is_file())  # noqa: PTH207  an absolute pattern
        return [_local(name, _behind(uri, name)) for name in found]
    return [_local(uri, "")]


def _walk(folder: str) -> Iterator[str]:
    for path, is_folder in _listed(folder):
        if not is_folder:
            yield path
        elif not _is_hidden(Path(path).name):
            yield from _walk(path)


def _listed(folder: str) -> list[tuple[str, bool]]:
    """Return what is in a folder, and whether it is one itself."""
    try:
        with os.scandir(folder) as entries:
            return [(entry.path, entry.is_dir()) for entry in entries]
    except OSError as error:
        failure = reason_of(error)
    raise DatasetError(f"{without_partition_values(f'{folder}/')}: it cannot be read: {failure}.")


def _local(name: str, inside: str) -> InputFile:
    partition, found = _partition(inside), _looked_at(name)
    if found is None:
        return InputFile(name, partition=partition)
    # Who sets the first of these times back after a change cannot set the second.
    return InputFile(name, found.st_size, f"{found.st_mtime_ns} {found.st_ctime_ns}", partition=partition)


def _looked_at(name: str) -> os.stat_result | None:
    """Return what the system says of a path; None if there is nothing, or cannot be."""
    with suppress(OSError, ValueError):
        return Path(name).stat()
    return None


def _find_remote(uri: str, is_wanted: Callable[[str], bool], storage: Mapping[str, Any] | None) -> list[InputFile]:
    filesystem, path = connect(uri, storage)
    failure = ""
    try:
        if glob.has_magic(path):
            details = [each for each in filesystem.glob(path, detail=True).values() if each["type"] == "file"]
            inside = [_behind(path, each["name"]) for each in details]
        elif filesystem.isdir(path):
            # One question for all folders inside.
            listed = {_within(path, each["name"]): each for each in filesystem.find(path, detail=True).values()}
            details = [each for name, each in listed.items() if _is_of_table(uri, name, is_wanted)]
            inside = [_within(path, each["name"]) for each in details]
            places = {name.strip("/"): each for name, each in listed.items()}
            check_complete(without_credentials(uri), places)
            if MANIFEST in places:
                sizes = {name.strip("/"): each.get("size") for name, each in zip(inside, details, strict=True)}
                check_listed(
                    without_credentials(uri), sizes, lambda: filesystem.cat_file(str(places[MANIFEST]["name"]))
                )
        else:
            details, inside = [filesystem.info(path) if filesystem.exists(path) else {"name": path}], [""]
        found = [_remote(filesystem, each, place) for each, place in zip(details, inside, strict=True)]
        return sorted(found, key=lambda file: file.name)
    except DatasetError:
        raise
    except Exception as error:  # noqa: BLE001  each filesystem has its own errors, and they may hold credentials
        failure = reason_of(error)
    raise DatasetError(f"{without_credentials(uri)}: it cannot be reached ({failure}).")


def _remote(filesystem: Any, found: Mapping[str, Any], inside: str) -> InputFile:
    stamp = next((str(found[key]) for key in _STAMPS if found.get(key)), "")
    return InputFile(str(found["name"]), found.get("size"), stamp, filesystem, _partition(inside))


def _is_of_table(uri: str, inside: str, is_wanted: Callable[[str], bool]) -> bool:
    *folders, name = inside.strip("/").split("/")
    if any(map(_is_hidden, [*folders, name])) or name in _OWN_FILES:
        return False
    other = next((folder for folder in folders if "=" not in folder), None)
    if other is not None:
        raise DatasetError(
            f"{without_credentials(uri)}: it has folders inside ({other}) that are no partitions. "
            "Name one folder, or a pattern."
        )
    if not is_wanted(name):
        raise DatasetError(
            f"{without_credentials(uri)}: {name} is no file of a known format. Name the files that belong to the table."
        )
    return True


def _is_hidden(name: str) -> bool:
    return name.startswith(("_", "."))


def _within(folder: str, name: str) -> str:
    """Return what stands in a name behind its folder."""
    return name.strip("/").removeprefix(folder.strip("/"))


def _behind(pattern: str, name: str) -> str:
    """Return the part of a name that a pattern has left open."""
    steps = pattern.strip("/").split("/")
    fixed = next(at for at, step in enumerate(steps) if glob.has_magic(step))
    return "/".join(name.strip("/").split("/")[fixed:])


def _partition(inside: str) -> tuple[tuple[str, str], ...]:
    folders = inside.strip("/").split("/")[:-1]
    return tuple((name, value) for name, mark, value in (each.partition("=") for each in folders) if mark)
