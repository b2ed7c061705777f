"""The secret that signs cookies of logins under way, the same at all gates that share a database.

Whoever reads it can only make a browser of their own believe that it began a login: who is logged in, and what a
session may do, rests on random ids that the database does not hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.store import shared_secret as stored

if TYPE_CHECKING:
    from maskgate.store import Store

_NAME = "login-cookie-secret"


def shared_secret(store: Store) -> bytes:
    """Return the secret, making it at the first start."""
    return stored.shared_secret(store, _NAME)
