"""Secrets that all gates of one database share. Whoever reads the database reads them: they protect nothing from it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import select

from maskgate.store.tables import settings

if TYPE_CHECKING:
    from maskgate.store.database import Store, Work

_BYTES = 32


def shared_secret(store: Store, name: str) -> bytes:
    """Return the secret of a name, making it when it is first wanted."""
    with store.read() as work:
        found = _read(work, name)
    if found is None:
        with store.write() as work:
            found = _read(work, name)
            if found is None:
                found = secrets.token_hex(_BYTES)
                work.execute(settings.insert().values(name=name, value=found))
    return bytes.fromhex(found)


def _read(work: Work, name: str) -> str | None:
    value: str | None = work.execute(select(settings.c.value).where(settings.c.name == name)).scalar()
    return value
