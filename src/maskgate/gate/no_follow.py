"""Opening files in a folder that somebody hostile may write to.

A path is looked up again each time it is used, and may have become a link in between. So nothing here takes a path
below the first folder: each step opens one name in a folder that is already open.

* No symbolic link is followed, anywhere below the root.
* Only regular files with one name are opened: no hard links, FIFOs, sockets or devices.
* A file that is there is never written over.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO must not wait for somebody to write to it.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class UnsafeFileError(OSError):
    """A name that is not a plain file or folder; the message says what it is."""


@contextmanager
def root_folder(path: str) -> Iterator[int]:
    """Open a folder that the operator named, which may itself be reached through links."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def folder(parent: int, *names: str) -> Iterator[int]:
    """Open the folder that is reached from `parent` by these names, one after the other.

    Raises:
        UnsafeFileError: If one of them is a link or no folder.
        FileNotFoundError: If one of them is not there.
    """
    opened = os.dup(parent)
    try:
        for name in names:
            below = _open_folder(opened, name)
            os.close(opened)
            opened = below
        yield opened
    finally:
        os.close(opened)


def _open_folder(parent: int, name: str) -> int:
    try:
        return os.open(_one_name(name), _FOLDER, dir_fd=parent)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise UnsafeFileError("is a link, or no folder") from None
        raise


def open_plain(parent: int, name: str) -> int:
    """Open a plain file for reading and return its descriptor.

    Raises:
        UnsafeFileError: If it is a link, has a second name, or is no regular file.
        FileNotFoundError: If it is not there.
    """
    what = kind(parent, name)
    if what is not None:
        raise UnsafeFileError(what)
    try:
        descriptor = os.open(name, _READ, dir_fd=parent)
    except FileNotFoundError:
        raise
    except OSError:
        # It changed between the look and the opening; O_NOFOLLOW has the last word.
        raise UnsafeFileError("is not a plain file") from None
    what = _kind_of(os.fstat(descriptor))
    if what is not None:
        os.close(descriptor)
        raise UnsafeFileError(what)
    return descriptor


def create(parent: int, name: str, mode: int) -> int:
    """Make a new file and return its descriptor, open for writing.

    Raises:
        FileExistsError: If the name is taken, be it by a link that leads nowhere.
    """
    return os.open(_one_name(name), _CREATE, mode, dir_fd=parent)


def kind(parent: int, name: str) -> str | None:
    """Say what makes a name no plain file, or None if it is one.

    Raises:
        FileNotFoundError: If it is not there.
    """
    return _kind_of(os.stat(_one_name(name), dir_fd=parent, follow_symlinks=False))


def is_folder(parent: int, name: str) -> bool:
    """Whether a name is a folder, and not a link to one."""
    return stat.S_ISDIR(os.stat(_one_name(name), dir_fd=parent, follow_symlinks=False).st_mode)


def _kind_of(status: os.stat_result) -> str | None:
    if stat.S_ISLNK(status.st_mode):
        return "is a link"
    if stat.S_ISDIR(status.st_mode):
        return "is a folder"
    if not stat.S_ISREG(status.st_mode):
        return "is no regular file"
    if status.st_nlink > 1:
        return "is a hard link: it has a second name elsewhere"
    return None


def entries(opened: int) -> list[str]:
    """List the names in an open folder."""
    return sorted(os.listdir(opened))


def remove_tree(parent: int, name: str) -> None:
    """Remove a folder with all that is in it, following no link; being gone already is fine."""
    try:
        if not is_folder(parent, name):
            os.unlink(name, dir_fd=parent)
            return
        with folder(parent, name) as inside:
            for entry in entries(inside):
                remove_tree(inside, entry)
        os.rmdir(name, dir_fd=parent)
    except FileNotFoundError:
        return


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`, also where the system takes it in pieces."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _one_name(name: str) -> str:
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise UnsafeFileError("is not a single name")
    return name
