"""What files in a staging may be called.

Names come from pipelines, and end up in paths, addresses of objects, and on the reviewer's page; a name may also
carry data. So there is one pattern, and everything else is refused:

* ``manifest.json``, or ``<table>/part-00000.parquet``; so are sealed files called.
* While it is staged, a table may also bring a manifest of its own, and a table that is alone lie without a folder.
* A table's name holds letters, digits, ``_``, ``-``, ``.`` and spaces, and starts with a letter, digit or ``_``.
"""

from __future__ import annotations

import re
import unicodedata

from maskgate.errors import UsageError

MANIFEST = "manifest.json"
LONGEST_NAME = 200

_TABLE = re.compile(r"\w(?:[\w .-]*[\w-])?")
_PART = re.compile(r"part-[0-9]{5,9}\.parquet")
_STAGING_ID = re.compile(r"stg_[A-Za-z0-9_-]{16,64}")


def check_table_name(name: str) -> str:
    """Return the name of a table if it can also be the name of its folder.

    Raises:
        UsageError: If it cannot.
    """
    fits = _TABLE.fullmatch(name) and ".." not in name and len(name.encode()) <= LONGEST_NAME
    if not fits or unicodedata.normalize("NFC", name) != name or name == MANIFEST:
        raise UsageError(
            f"{shown(name)} cannot be the name of a table's folder. "
            "Use letters, digits, `_`, `-` and `.`, starting with a letter."
        )
    return name


def check_staged_name(path: str) -> tuple[str, ...]:
    """Take the name of a staged file apart into one or two segments.

    Raises:
        UsageError: If it is not the manifest and not a part of a table.
    """
    if path == MANIFEST:
        return (MANIFEST,)
    table, slash, part = path.partition("/")
    if not slash or not _PART.fullmatch(part):
        raise UsageError(
            f"{shown(path)} cannot be staged. "
            "A staging holds `manifest.json` and `<table>/part-00000.parquet`, nothing else."
        )
    return (check_table_name(table), part)


def check_upload_name(path: str) -> tuple[str, ...]:
    """Take the name of a file that goes into a staging apart: as `check_staged_name`, or as one masked table has them.

    Raises:
        UsageError: If it is none of these.
    """
    if _PART.fullmatch(path):
        return (path,)
    table, slash, name = path.partition("/")
    if slash and name == MANIFEST:
        return (check_table_name(table), MANIFEST)
    return check_staged_name(path)


def check_staging_id(staging_id: str) -> str:
    """Return a staging id if it looks like one; it becomes the name of a folder.

    Raises:
        UsageError: If it does not.
    """
    if not _STAGING_ID.fullmatch(staging_id):
        raise UsageError("this is no staging id. Use the `id` that opening a staging returned.")
    return staging_id


def shown(name: str) -> str:
    """Quote a hostile name for a message: short, and without characters that act on a page or terminal."""
    visible = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name[:80])
    return f'"{visible}"' if len(name) <= len(visible) else f'"{visible}…"'
