"""Where keys come from: the environment, a file, or a source that a host adds.

A source turns a reference into text: base64 of the key's bytes. The functions here return a problem rather than
raise one, so that no frame of a traceback has a key among its local variables.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from maskgate.keys.key import MINIMUM_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENTRY_POINT_GROUP = "maskgate.key_sources"
BUILT_IN = ("env", "file")
LOOSEST_MODE = 0o640
_LARGEST_FILE = 65_536
_ADVICE = f"base64 of at least {MINIMUM_LENGTH} random bytes, such as `openssl rand -base64 32` prints"


@dataclass(frozen=True)
class Found:
    """What a source gave: the material of a key, or the problem with it."""

    material: bytes = field(default=b"", repr=False)
    problem: str | None = None


def find_key(reference: str, base: Path | None) -> Found:
    """Look up a reference such as ``env:NAME`` or ``file:path``.

    Args:
        reference: The scheme, a colon, and what the scheme calls the key.
        base: The folder that relative paths start from; the working folder if None.
    """
    scheme, colon, name = reference.partition(":")
    if not colon or not scheme or not name:
        return Found(
            problem="a reference is written env:NAME or file:PATH; the secret itself never stands in the rules"
        )
    if scheme == "env":
        return _from_environment(name)
    if scheme == "file":
        return _from_file(name, base)
    return _from_entry_point(scheme, name)


def _from_environment(name: str) -> Found:
    text = os.environ.get(name)
    if text is None:
        return Found(problem=f"the environment variable {name} is not set. Set it to {_ADVICE}")
    return _decoded(text, f"the environment variable {name}")


def _from_file(name: str, base: Path | None) -> Found:
    path = name if base is None else str(base / name)
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return Found(problem=f"the file {name} cannot be read: {error.strerror}. It must hold {_ADVICE}")
    try:
        return _from_descriptor(descriptor, name)
    finally:
        os.close(descriptor)


def _from_descriptor(descriptor: int, name: str) -> Found:
    status = os.fstat(descriptor)
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISREG(status.st_mode):
        return Found(problem=f"{name} is not a regular file. It must hold {_ADVICE}")
    if mode & ~LOOSEST_MODE:
        return Found(
            problem=f"the file {name} has mode {mode:04o}, so that others may read or change it. "
            f"It must be {LOOSEST_MODE:04o} or stricter: chmod 0600 {name}"
        )
    if status.st_size > _LARGEST_FILE:
        return Found(problem=f"the file {name} is larger than {_LARGEST_FILE} bytes. It must hold {_ADVICE}")
    return _decoded(os.read(descriptor, _LARGEST_FILE).decode("ascii", "replace"), f"the file {name}")


def _from_entry_point(scheme: str, name: str) -> Found:
    source = _sources().get(scheme)
    if source is None:
        known = ", ".join(f"{each}:" for each in sorted({*BUILT_IN, *_sources()}))
        return Found(problem=f"there is no key source {scheme!r}. Known are {known}")
    try:
        text = source(name)
    except Exception as error:  # noqa: BLE001  whatever a foreign source raises may hold the secret
        return Found(problem=f"the source {scheme!r} failed with {type(error).__name__}")
    return _decoded(text, f"{scheme}:{name}")


def _sources() -> dict[str, Callable[[str], str]]:
    """Load the sources that hosts add; each takes the text after the scheme and returns base64."""
    return {entry.name: entry.load() for entry in entry_points(group=ENTRY_POINT_GROUP)}


def _decoded(text: str, place: str) -> Found:
    try:
        material = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return Found(problem=f"{place} does not hold base64. It must hold {_ADVICE}")
    if len(material) < MINIMUM_LENGTH:
        return Found(problem=f"{place} holds {len(material)} bytes, which is too short. It must hold {_ADVICE}")
    return Found(material)
