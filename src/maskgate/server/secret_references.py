"""Secrets of the gate's configuration: ``env:NAME`` or ``file:PATH``, never the secret itself."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LOOSEST_MODE = 0o640
_LARGEST_FILE = 65_536


@dataclass(frozen=True)
class Found:
    """What a reference leads to, or the problem with it."""

    secret: str = field(default="", repr=False)
    problem: str | None = None


def is_reference(text: str) -> bool:
    """Whether a text is written as a reference."""
    return text.startswith(("env:", "file:"))


def find_secret(reference: str, base: Path) -> Found:
    """Look a reference up.

    Args:
        reference: ``env:NAME`` or ``file:PATH``.
        base: The folder that relative paths start from.
    """
    scheme, _, name = reference.partition(":")
    if not is_reference(reference) or not name:
        return Found(problem="must be written env:NAME or file:PATH; the secret itself never stands in this file")
    if scheme == "env":
        value = os.environ.get(name, "")
        return Found(value) if value else Found(problem=f"the environment variable {name} is not set")
    return _from_file(name, base)


def _from_file(name: str, base: Path) -> Found:
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(base / name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return Found(problem=f"the file {name} cannot be read: {error.strerror}")
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        mode = stat.S_IMODE(status.st_mode)
        if not stat.S_ISREG(status.st_mode):
            return Found(problem=f"{name} is not a regular file")
        if mode & ~LOOSEST_MODE:
            return Found(problem=f"the file {name} has mode {mode:04o}; it must be 0640 or stricter: chmod 0600 {name}")
        value = file.read(_LARGEST_FILE).decode("utf-8", "replace").strip()
    return Found(value) if value else Found(problem=f"the file {name} is empty")
