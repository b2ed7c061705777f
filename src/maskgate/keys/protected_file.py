"""Reads files that hold keys or tokens: regular ones, closed to others, and not endless."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

LOOSEST_MODE = 0o640
"""A key or a token: its owner may write it, its group may read it."""

LOOSEST_WRAPPED_MODE = 0o664
"""A wrapped key is no secret, and lies in repositories; but not everybody may put another in its place."""

_LARGEST_FILE = 65_536


@dataclass(frozen=True)
class Read:
    """The text of a file, or the problem with it."""

    text: str = field(default="", repr=False)
    problem: str = ""


def read_protected(name: str, base: Path | None = None, *, loosest: int = LOOSEST_MODE) -> Read:
    """Read a small file, unless others could have read or changed it.

    Args:
        name: Its path, which problems repeat.
        base: The folder that a relative path starts from; the working folder if None.
        loosest: The permissions that it may have at most.
    """
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open((base or Path()) / name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return Read(problem=f"the file {name} cannot be read: {error.strerror}")
    except ValueError:
        return Read(problem="what stands after the colon can be no path")
    try:
        return read_descriptor(descriptor, name, loosest=loosest)
    finally:
        os.close(descriptor)


def read_descriptor(descriptor: int, name: str, *, loosest: int = LOOSEST_MODE) -> Read:
    """Read a file that is open already; see `read_protected`."""
    status = os.fstat(descriptor)
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISREG(status.st_mode):
        return Read(problem=f"{name} is not a regular file")
    if mode & ~loosest:
        return Read(
            problem=f"the file {name} has mode {mode:04o}, so that others may read or change it. "
            f"It must be {loosest:04o} or stricter: chmod 0600 {name}"
        )
    if status.st_size > _LARGEST_FILE:
        return Read(problem=f"the file {name} is larger than {_LARGEST_FILE} bytes")
    try:
        return Read(os.read(descriptor, _LARGEST_FILE).decode("ascii", "surrogateescape"))
    except OSError as error:
        return Read(problem=f"the file {name} cannot be read: {error.strerror}")
