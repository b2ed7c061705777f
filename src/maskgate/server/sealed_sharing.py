"""Whether gates that share a database share the folder of their sealed copies as well.

What one gate has sealed, and what a releaser has brought to it, no other gate finds in its own home. That the folder of
another machine is the same is told by a mark in it, which the database knows too.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from sqlalchemy import select

from maskgate.errors import MaskgateError
from maskgate.store.tables import settings

if TYPE_CHECKING:
    from pathlib import Path

    from maskgate.server.configuration import Configuration
    from maskgate.server.home import Home
    from maskgate.store import Store

MARK = ".maskgate-folder"
_NAME = "sealed_folder"
_BYTES = 16
_WHOLE = re.compile(f"[0-9a-f]{{{2 * _BYTES}}}")


def doubts_about_sealed(configuration: Configuration, home: Home, store: Store) -> tuple[str, ...]:
    """Say why other gates of this database may not find what this one seals; nothing if it serves alone.

    Raises:
        MaskgateError: If the folder cannot be marked.
    """
    if not store.is_shared:
        return ()
    if configuration.sealed is None:
        alone = (
            f"sealed copies, and what the releaser masks, lie in {home.sealed}, where no other gate of this database "
            "finds them. Where there is more than one gate, name a folder that all of them share: `sealed:`"
        )
        return (alone,) if configuration.releases_elsewhere else ()
    folder = home.sealed_folder(configuration.sealed)
    if _is_known(store, folder):
        return ()
    another = (
        f"`sealed:` {folder} is not the folder that another gate of this database has under this name: the mark in it "
        f"({MARK}) is another. Mount the same folder at each gate"
    )
    return (another,)


def _is_known(store: Store, folder: Path) -> bool:
    """Whether a folder has the mark that the first gate of the database found, which this one may be."""
    # Gates of one database write one after the other, so no two of them mark a folder at once.
    with store.write() as work:
        mark = _mark_of(folder)
        found: str | None = work.execute(select(settings.c.value).where(settings.c.name == _NAME)).scalar()
        if found is None:
            work.execute(settings.insert().values(name=_NAME, value=mark))
    return found in {None, mark}


def _mark_of(folder: Path) -> str:
    """Return the mark of a folder, making one where there is none, or half of one."""
    file = folder / MARK
    try:
        mark = file.read_text(encoding="ascii", errors="replace") if file.exists() else ""
        if not _WHOLE.fullmatch(mark):
            mark = secrets.token_hex(_BYTES)
            file.write_text(mark, encoding="ascii")
    except OSError as error:
        raise MaskgateError(f"`sealed:` {folder} cannot be used: {error.strerror}") from None
    return mark
