"""Masked files in a folder of this machine, or of a volume that it shares."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from maskgate.datasets.finished_target import FinishedTarget
from maskgate.datasets.journal import Journal, damaged
from maskgate.datasets.manifest import NAME
from maskgate.datasets.storage_errors import translated
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ONE = "file"
# What filesystems say that have no links, or do not bring the names in a folder to the disk when asked.
_NOT_POSSIBLE = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EMLINK)


def open_path(path: Path, *, one_file: bool, resume: bool) -> NewTarget | FinishedTarget:
    """Open a new file or folder, or hold what is there to what a resumed run gives.

    Raises:
        DatasetError: If there is something already, or another run writes there.
    """
    return translated(str(path), lambda: _opened(path, one_file=one_file, resume=resume))


def _opened(path: Path, *, one_file: bool, resume: bool) -> NewTarget | FinishedTarget:
    if path.name in {"", ".."}:
        path = path.resolve()
    is_there = path.is_symlink() or path.exists()
    if not is_there or (not one_file and path.is_dir() and not path.is_symlink() and is_empty(path)):
        if is_there:
            _check_replaceable(path)
        return NewTarget.open(path, one_file=one_file, resume=resume)
    if resume and not path.is_symlink() and (path.is_file() if one_file else path.is_dir()):
        return _finished(path, one_file=one_file)
    raise DatasetError(f"{path}: it exists already. Choose another target, or remove it first.")


def _check_replaceable(folder: Path) -> None:
    """Refuse an empty folder that could not be replaced when all is done."""
    if not os.access(folder, os.W_OK):
        raise DatasetError(f"{folder}: nothing may be written into this folder. Choose another target.")
    what = ""
    if folder.is_mount():
        what = "something is mounted there"
    elif os.path.samestat(folder.stat(), Path().stat()):
        what = "it is the working directory"
    elif not os.access(folder.parent, os.W_OK):
        what = "nothing can be written beside it"
    if what:
        raise DatasetError(f"{folder}: the folder cannot be replaced as a whole, since {what}. Name a new one in it.")


def _finished(path: Path, *, one_file: bool) -> FinishedTarget:
    names = frozenset([""] if one_file else _names_in(path))
    return FinishedTarget(str(path), names, lambda name: (path / name).open("rb"), lambda: _tidy(path))


def _names_in(folder: Path) -> Iterator[str]:
    # Without a manifest it is refused, and need not be looked through, however large it is.
    if (folder / NAME).is_file():
        yield from (each.relative_to(folder).as_posix() for each in folder.rglob("*") if not each.is_dir())


def _tidy(path: Path) -> None:
    """Remove what a run that was killed behind its commit has left, unless another one is at work there."""
    work = _work_of(path)
    if work.exists():
        with suppress(DatasetError):
            _remove_work(work, _locked(work, str(path)))


@dataclass
class NewTarget:
    """A file or folder that is not there yet.

    Attributes:
        path: Its place.
        work: The folder beside it that holds the lock, the journal, and in `data` what is written.
        one_file: Whether it is a file.
        journal: What is finished.
    """

    path: Path
    work: Path
    one_file: bool
    journal: Journal | None
    _missing: list[Path]
    _lock: BinaryIO = field(repr=False)

    @classmethod
    def open(cls, path: Path, *, one_file: bool, resume: bool) -> NewTarget:
        """Take the lock; begin anew, or with what a run before has left."""
        missing = [folder for folder in path.parents if not folder.exists()]
        work = _work_of(path)
        lock = translated(str(path), lambda: _locked(work, str(path)))
        if not resume:
            _empty(work)
        journal = Journal(
            _Lines(work / "journal", str(path)), str(path), lambda: _reopened(work / "data" / _ONE, str(path))
        )
        return cls(path, work, one_file, journal, missing, lock)

    def create(self, name: str) -> BinaryIO:
        """Open a new file; the only one, if the target is one file."""
        file = self._place(name)
        # A part that a run before has not finished is in no journal, and is written again.
        return translated(str(self.path), lambda: _create(file, "wb"))

    def reopen(self, name: str) -> BinaryIO:
        """Open a finished file for reading."""
        return self._place(name).open("rb")

    def finish(self) -> None:
        """Give what was written the name it was meant for."""
        data = self.work / "data"
        if self.one_file:
            translated(str(self.path), lambda: _give_name(data / _ONE, self.path))
        else:
            translated(str(self.path), lambda: _sync_folder(data))
            translated(str(self.path), lambda: _take_the_place(data, self.path))
        translated(str(self.path), lambda: _sync_folder(self.path.parent))
        _remove_work(self.work, self._lock)

    def abandon(self) -> None:
        """Remove what was written."""
        _remove_work(self.work, self._lock)
        for folder in self._missing:
            # Not if somebody else has put something there meanwhile.
            with suppress(OSError):
                folder.rmdir()

    def leave(self) -> bool:
        """Leave the work folder, if something in it can be gone on with."""
        if self.journal is None or not (self.journal.parts or self.journal.checkpoint):
            self.abandon()
            return False
        self._lock.close()
        return True

    def _place(self, name: str) -> Path:
        return self.work / "data" / (_ONE if self.one_file else name)


@dataclass
class FolderThatExists:
    """A folder that somebody else has made, and that is empty."""

    path: Path
    journal: Journal | None = None
    written: list[Path] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path) -> FolderThatExists:
        """Look whether it is there and empty."""
        if not path.is_dir():
            raise DatasetError(f"{path}: there is no such folder. Open the staging first.")
        if not is_empty(path):
            raise DatasetError(f"{path}: the folder is not empty. Every run needs a staging of its own.")
        return cls(path)

    def create(self, name: str) -> BinaryIO:
        """Open a new file, which nobody else has made."""
        file = self.path / name
        opened = translated(str(self.path), lambda: _create(file, "xb"))
        self.written.append(file)
        return opened

    def reopen(self, name: str) -> BinaryIO:
        """Open a finished file for reading."""
        return (self.path / name).open("rb")

    def finish(self) -> None:
        """Bring the names to the disk."""
        _sync_folder(self.path)

    def abandon(self) -> None:
        """Remove what was written."""
        for file in reversed(self.written):
            file.unlink(missing_ok=True)
        for folder in {file.parent for file in self.written} - {self.path}:
            shutil.rmtree(folder, ignore_errors=True)

    def leave(self) -> bool:
        """Remove what was written: every run has a staging of its own."""
        self.abandon()
        return False


def is_empty(folder: Path) -> bool:
    """Say whether nothing is in a folder."""
    return next(folder.iterdir(), None) is None


@dataclass(frozen=True)
class _Lines:
    """A journal as lines of a file."""

    file: Path
    shown: str
    anew: ClassVar[str] = "Mask it anew, without --resume."

    def read(self) -> list[dict[str, Any]]:
        """Return all lines; one that was cut off counts for nothing."""
        if not self.file.exists():
            return []
        whole, _, _ = self.file.read_bytes().rpartition(b"\n")
        with self.file.open("rb+") as file:
            file.truncate(len(whole) + 1 if whole else 0)
        try:
            return [json.loads(line) for line in whole.split(b"\n") if whole]
        except (ValueError, RecursionError):
            raise damaged(self.shown, self.anew) from None

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write a line, and wait for the disk."""
        translated(str(self.file), lambda: self._append(json.dumps(entry).encode() + b"\n"))

    def _append(self, line: bytes) -> None:
        with self.file.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def _work_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.maskgate-run")


def _give_name(file: Path, path: Path) -> None:
    """Give a finished file its name, unless somebody else has taken it meanwhile."""
    try:
        # Unlike a rename, a link never replaces anything.
        os.link(file, path)
    except OSError as error:
        if error.errno not in _NOT_POSSIBLE:
            raise
        if path.is_symlink() or path.exists():
            raise FileExistsError from None
        file.rename(path)


def _take_the_place(data: Path, path: Path) -> None:
    """Rename a folder, over an empty one that may be there: who may look into that one may look into this."""
    if path.is_dir():
        before = path.stat()
        with suppress(PermissionError):
            os.chown(data, before.st_uid, before.st_gid)
        data.chmod(stat.S_IMODE(before.st_mode))
    data.rename(path)


def _remove_work(work: Path, lock: BinaryIO) -> None:
    # The lock goes last, so that nobody begins in a folder that is about to go.
    _empty(work)
    shutil.rmtree(work, ignore_errors=True)
    lock.close()


def _locked(work: Path, shown: str) -> BinaryIO:
    if (work.parent.is_symlink() or work.parent.exists()) and not work.parent.is_dir():
        raise DatasetError(f"{shown}: it cannot be written: {work.parent} is no folder.")
    work.parent.mkdir(parents=True, exist_ok=True)
    work.mkdir(mode=0o700, exist_ok=True)
    lock = (work / "lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The run before may have taken the folder away between the two lines above.
        is_ours = (work / "lock").exists() and os.path.samestat(os.fstat(lock.fileno()), (work / "lock").stat())
    except (BlockingIOError, FileNotFoundError):
        is_ours = False
    except OSError:
        lock.close()
        raise
    if not is_ours:
        lock.close()
        raise DatasetError(f"{shown}: another run is writing there. Wait for it, or choose another target.")
    return lock


def _empty(work: Path) -> None:
    for each in work.iterdir():
        if each.name == "lock":
            continue
        if each.is_dir():
            shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink(missing_ok=True)


def _create(file: Path, mode: str) -> BinaryIO:
    file.parent.mkdir(parents=True, exist_ok=True)
    # Masked rows still belong to whoever masked them.
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | (os.O_EXCL if "x" in mode else os.O_TRUNC), 0o666), "wb")


def _reopened(file: Path, shown: str) -> BinaryIO:
    """Open an unfinished file, to read it and to write behind what is read."""
    return translated(shown, lambda: file.open("r+b"))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_POSSIBLE:
            raise
    finally:
        os.close(descriptor)
