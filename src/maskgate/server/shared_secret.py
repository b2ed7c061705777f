"""The secret that signs cookies of logins under way, the same at all gates that share a database.

Whoever reads it can only make a browser of their own believe that it began a login: who is logged in, and what a
session may do, rests on random ids that the database does not hold.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import select

from maskgate.store.tables import settings

if TYPE_CHECKING:
    from maskgate.store import Store, Work

_NAME = "login-cookie-secret"
_BYTES = 32


def shared_secret(store: Store) -> bytes:
    """Return the secret, making it at the first start."""
    with store.read() as work:
        found = _read(work)
    if found is None:
        with store.write() as work:
            found = _read(work)
            if found is None:
                found = secrets.token_hex(_BYTES)
                work.execute(settings.insert().values(name=_NAME, value=found))
    return bytes.fromhex(found)


def _read(work: Work) -> str | None:
    value: str | None = work.execute(select(settings.c.value).where(settings.c.name == _NAME)).scalar()
    return value
