"""Whether gates that share a database share the folder of their sealed copies as well.

What one gate has sealed, and what a releaser has brought to it, no other gate finds in its own home. That the folder of
another machine is the same is told by a mark in it, which the database knows too.
"""

from __future__ import annotations

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
_LONGEST = 200


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
    if _mark_of(folder) == _known_mark(store, _mark_of(folder)):
        return ()
    another = (
        f"`sealed:` {folder} is not the folder that another gate of this database has under this name: the mark in it "
        f"({MARK}) is another. Mount the same folder at each gate"
    )
    return (another,)


def _mark_of(folder: Path) -> str:
    """Return the mark of a folder, making one where there is none."""
    file = folder / MARK
    try:
        with file.open("x", encoding="ascii") as new:
            new.write(secrets.token_hex(16))
    except FileExistsError:
        pass
    except OSError as error:
        raise MaskgateError(f"`sealed:` {folder} cannot be used: {error.strerror}") from None
    return file.read_text(encoding="ascii")[:_LONGEST]


def _known_mark(store: Store, mark: str) -> str:
    """Return the mark that the first gate of the database found, which this one may be."""
    with store.write() as work:
        found: str | None = work.execute(select(settings.c.value).where(settings.c.name == _NAME)).scalar()
        if found is None:
            work.execute(settings.insert().values(name=_NAME, value=mark))
    return mark if found is None else found
