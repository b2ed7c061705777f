"""Files beside the rules file: what it includes, and what its methods read.

They are looked for in the folder of the rules file and below, also after links are followed; nothing elsewhere on the
machine can be named.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

MAX_BYTES = 4_000_000


def read_neighbour(rules: Path | None, name: str) -> str:
    """Read a file as text.

    Args:
        rules: The rules file; None if the rules were given as text.
        name: The path of the file, from the folder of the rules file.

    Raises:
        ValueError: If it lies elsewhere or cannot be read; the message is for the author of the rules.
    """
    if rules is None:
        raise ValueError(
            "rules that are given as text have no folder to look for a file in. Save them, and give the path"
        )
    try:
        place = _place(rules, name)
        with place.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"'{name}' cannot be read: {error.strerror or 'it is not readable'}") from None
    if len(content) > MAX_BYTES:
        raise ValueError(f"'{name}' has more than {MAX_BYTES:,} bytes, and is not read")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ValueError(f"'{name}' is not text in UTF-8") from None


def _place(rules: Path, name: str) -> Path:
    if "\0" in name:
        raise ValueError("a file's name has no null character in it")
    folder = rules.parent.resolve()
    try:
        place = (folder / name).resolve()
    except RuntimeError:
        # What older versions of Python say of a link that leads to itself.
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None
    if Path(name).is_absolute() or not place.is_relative_to(folder):
        raise ValueError(f"'{name}' is outside of the folder of the rules file. Put it there, and name it from there")
    if place.exists() and not place.is_file():
        raise ValueError(f"'{name}' is not a file")
    return place
