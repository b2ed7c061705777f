"""Where masked files go, so that nobody sees half of them.

* A new file or folder is written under a temporary name beside its place, and renamed when it is whole.
* A staging that exists and is empty, and an object store, are written into; the manifest comes last, and says which
  files count.
* What cannot be finished is taken away again.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeVar

from maskgate.datasets.formats import format_of
from maskgate.datasets.object_store import connect, without_credentials
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Output(Protocol):
    """A place that masked files go to."""

    def create(self, name: str) -> BinaryIO:
        """Open a new file for writing; `name` may have one folder in it."""
        ...

    def finish(self) -> None:
        """Show everything that was written."""
        ...

    def abandon(self) -> None:
        """Take away everything that was written."""
        ...


def open_output(target: str, *, existing: bool = False) -> Output:
    """Open the place that a target names.

    Args:
        target: A path or URI; with the suffix of a format it is one file, otherwise a folder.
        existing: Write into a folder that is there and empty, such as a staging.

    Raises:
        DatasetError: If there is something already.
    """
    if "://" in target:
        return _open_objects(target)
    if existing:
        return _FolderThatExists.open(Path(target))
    path = Path(target)
    if path.is_symlink() or (path.exists() and not (path.is_dir() and not is_one_file(target) and _is_empty(path))):
        raise DatasetError(f"{target}: it exists already. Choose another target, or remove it first.")
    return _New(path)


def is_one_file(target: str) -> bool:
    """Say whether a target names one file rather than a folder of parts."""
    return format_of(target) is not None


def _is_empty(folder: Path) -> bool:
    return next(folder.iterdir(), None) is None


@dataclass
class _New:
    """A file or folder that is not there yet."""

    path: Path
    temporary: Path = field(init=False)
    missing: list[Path] = field(init=False)

    def __post_init__(self) -> None:
        self.missing = [folder for folder in self.path.parents if not folder.exists()]
        self.temporary = self.path.with_name(f".{self.path.name}.maskgate-{secrets.token_hex(8)}")

    def create(self, name: str) -> BinaryIO:
        """Open a new file; the only one, if the target is one file."""
        file = self.temporary if is_one_file(self.path.name) else self.temporary / name
        return _translate(str(self.path), lambda: _create(file))

    def finish(self) -> None:
        """Rename what was written to the name it was meant for."""
        if is_one_file(self.path.name):
            # Unlike a rename, a link never replaces what somebody else has put there meanwhile.
            _translate(str(self.path), lambda: os.link(self.temporary, self.path))
            self.temporary.unlink()
        else:
            _translate(str(self.path), lambda: self.temporary.rename(self.path))
        _sync_folder(self.path.parent)

    def abandon(self) -> None:
        """Remove what was written."""
        if self.temporary.is_dir():
            shutil.rmtree(self.temporary, ignore_errors=True)
        else:
            self.temporary.unlink(missing_ok=True)
        for folder in self.missing:
            # Not if somebody else has put something there meanwhile.
            with suppress(OSError):
                folder.rmdir()


@dataclass
class _FolderThatExists:
    """A folder that somebody else has made, and that is empty."""

    path: Path
    written: list[Path] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path) -> _FolderThatExists:
        if not path.is_dir():
            raise DatasetError(f"{path}: there is no such folder. Open the staging first.")
        if not _is_empty(path):
            raise DatasetError(f"{path}: the folder is not empty. Every run needs a staging of its own.")
        return cls(path)

    def create(self, name: str) -> BinaryIO:
        file = self.path / name
        opened = _translate(str(self.path), lambda: _create(file))
        self.written.append(file)
        return opened

    def finish(self) -> None:
        _sync_folder(self.path)

    def abandon(self) -> None:
        for file in reversed(self.written):
            file.unlink(missing_ok=True)
        for folder in {file.parent for file in self.written} - {self.path}:
            shutil.rmtree(folder, ignore_errors=True)


def _open_objects(target: str) -> Output:
    shown = without_credentials(target)
    filesystem, path = connect(target)
    if _translate(shown, lambda: filesystem.find(path)):
        raise DatasetError(f"{shown}: something is there already. Choose another target, or remove it first.")
    return _Objects(shown, filesystem, path)


@dataclass
class _Objects:
    """A prefix in an object store, without a rename that one could trust."""

    shown: str
    filesystem: Any
    path: str
    written: list[str] = field(default_factory=list)

    def create(self, name: str) -> BinaryIO:
        key = self.path if is_one_file(self.path) else f"{self.path.rstrip('/')}/{name}"
        self.written.append(key)
        opened: BinaryIO = _translate(self.shown, lambda: self.filesystem.open(key, "wb"))
        return opened

    def finish(self) -> None:
        self.written.clear()

    def abandon(self) -> None:
        for key in reversed(self.written):
            _translate(self.shown, partial(self._remove, key))

    def _remove(self, key: str) -> None:
        if self.filesystem.exists(key):
            self.filesystem.rm_file(key)


def _create(file: Path) -> BinaryIO:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.open("xb")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _translate(place: str, act: Callable[[], T]) -> T:
    failure = ""
    try:
        return act()
    except FileExistsError:
        failure = "it exists already. Choose another target, or remove it first."
    except Exception as error:  # noqa: BLE001  each filesystem has its own errors, and they may hold credentials
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        failure = f"it cannot be written: {reason}."
    raise DatasetError(f"{place}: {failure}")
