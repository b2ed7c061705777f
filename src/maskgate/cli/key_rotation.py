"""Adds the next version on top of the file of a key.

* The old versions stay as they are, and so do the file's mode and owner.
* A reader sees the old file or the new one, whole; a crash at any line leaves one of the two.
* Two rotations at once do not lose a version: the second is refused.

The functions below return a problem rather than raise one, so that no traceback has a key among its locals.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from maskgate.cli.key_file import new_key
from maskgate.errors import DatasetError, KeyReferenceError
from maskgate.keys.key_text import VERSIONED, decoded, entries_of
from maskgate.keys.protected_file import LOOSEST_MODE, LOOSEST_WRAPPED_MODE, read_descriptor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maskgate.keys.envelope import KeyWrapper

_LONGEST_PLAIN = 64
"""A text of more bytes than anybody's key has is taken for what a service wrapped."""


@dataclass(frozen=True)
class _Rotated:
    text: str = field(default="", repr=False)
    versions: tuple[int, ...] = ()
    problem: str = ""
    failure: str = ""


def rotate_key_file(path: Path, wrapper: KeyWrapper | None) -> tuple[int, ...]:
    """Add the next version of a key, which is the current one from then on.

    Args:
        path: The file; of a link, the file that it leads to.
        wrapper: What makes the new version, if the file holds wrapped keys.

    Returns:
        Every version that is in the file now, newest first.

    Raises:
        KeyReferenceError: If the file holds no key, or others may read or change it. Nothing has changed.
        DatasetError: If it cannot be replaced. Nothing has changed.
    """
    rotated = _rotate(Path(os.path.realpath(path)), str(path), wrapper)
    if rotated.problem:
        raise KeyReferenceError(f"{rotated.problem}. Nothing has changed.")
    if rotated.failure:
        raise DatasetError(f"{path}: {rotated.failure}. Nothing has changed.")
    return rotated.versions


def _rotate(place: Path, name: str, wrapper: KeyWrapper | None) -> _Rotated:
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return _Rotated(failure=f"it cannot be read: {error.strerror}")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        status = os.fstat(descriptor)
        if not os.path.samestat(status, place.stat()):
            return _Rotated(failure="it has just been rotated by somebody else")
        read = read_descriptor(descriptor, name, loosest=LOOSEST_WRAPPED_MODE if wrapper else LOOSEST_MODE)
        if read.problem:
            return _Rotated(problem=read.problem)
        rotated = _next(read.text, f"the file {name}", wrapper)
        if not rotated.problem:
            _replace(place, rotated.text, status)
    except BlockingIOError:
        return _Rotated(failure="somebody else is rotating it")
    except OSError as error:
        return _Rotated(failure=f"it cannot be replaced: {error.strerror}")
    else:
        return rotated
    finally:
        os.close(descriptor)


def _next(text: str, place: str, wrapper: KeyWrapper | None) -> _Rotated:
    """Put the next version on top of a text."""
    entries = entries_of(text, place)
    problem = entries.problem or (_not_wrapped(entries.texts.values(), place) if wrapper else _not_plain(text, place))
    if problem:
        return _Rotated(problem=problem)
    version = max(entries.texts) + 1
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.partition("#")[0].strip(" \t,"))
    if not VERSIONED.match(lines[first].strip(" \t,")):
        lines[first] = f"1:{lines[first].lstrip(' ,')}"
    lines.insert(first, f"{version}:{wrapper.make_wrapped() if wrapper else new_key()}")
    versions = (version, *sorted(entries.texts, reverse=True))
    rotated = "\n".join(lines) + "\n"
    if tuple(sorted(entries_of(rotated, place).texts, reverse=True)) != versions:
        return _Rotated(problem=f"{place} has no room for version {version}")
    return _Rotated(rotated, versions)


def _not_plain(text: str, place: str) -> str:
    found = decoded(text, place)
    if any(len(material) > _LONGEST_PLAIN for material in found.versions.values()):
        return f"{place} holds wrapped keys, it seems. Rotate it by its reference, such as aws-kms:KMSKEY@PATH"
    return found.problem


def _not_wrapped(texts: Iterable[str], place: str) -> str:
    for each in texts:
        try:
            is_plain = len(base64.b64decode(each, validate=True)) <= _LONGEST_PLAIN
        except (binascii.Error, ValueError):
            is_plain = False
        if is_plain:
            return f"{place} holds a plain key, or none; wrapped and plain keys do not share a file"
    return ""


def _replace(place: Path, text: str, status: os.stat_result) -> None:
    """Replace a file by one of the same mode and owner, whole or not at all."""
    temporary = place.with_name(f".{place.name}.{secrets.token_hex(6)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("ascii", "surrogateescape"))
            file.flush()
            os.fchown(descriptor, status.st_uid, status.st_gid)
            os.fchmod(descriptor, status.st_mode & 0o777)
            os.fsync(descriptor)
        temporary.replace(place)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
