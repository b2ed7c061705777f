"""Makes the file of a key: 32 random bytes as base64, or wrapped, readable for its owner alone."""

from __future__ import annotations

import base64
import os
import re
import secrets
from typing import TYPE_CHECKING

from maskgate.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")


def check_key_name(name: str) -> None:
    """Refuse names that a rules file could not use.

    Raises:
        UsageError: If this is one.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            "a key's name has letters, digits, `_`, `-` and `.`, and starts with a letter, such as people."
        )


def new_key() -> str:
    """Make a key, and return it as base64."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")


def write_key_file(path: Path, wrapped: str | None = None) -> None:
    """Write a new key; an old one is never replaced, since its tokens would no longer match.

    Args:
        path: The file.
        wrapped: A wrapped key; without it, a key is made here.

    Raises:
        DatasetError: If the file exists, or cannot be written.
    """
    failure = ""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{wrapped or new_key()}\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        failure = "it exists already, and a key is never replaced. Choose another name."
    except OSError as error:
        failure = f"it cannot be written: {error.strerror}."
    if failure:
        raise DatasetError(f"{path}: {failure}")
