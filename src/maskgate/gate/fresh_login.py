"""Whether somebody proved who they are recently enough for what they decide.

The time is the identity provider's word (``auth_time``), not that of a session here; where it gives none, nothing is
fresh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.errors import NotAllowed

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from maskgate.gate.model import Identity


class FreshLoginNeeded(NotAllowed):
    """Somebody may decide, once they have proved again who they are."""


def must_be_fresh(age: timedelta | None, identity: Identity, now: datetime) -> None:
    """Let somebody pass who proved who they are within a time.

    Args:
        age: How long ago that may be; None if it is not asked.
        identity: Who is there.
        now: The present moment.

    Raises:
        FreshLoginNeeded: If it was longer ago, or nobody knows when.
    """
    if age is None:
        return
    proved = identity.authenticated_at
    if proved is None or now - proved > age:
        known = "" if proved is not None else " The identity provider did not say when you last proved who you are."
        raise FreshLoginNeeded(
            f"this takes a login that is no older than {int(age.total_seconds())} seconds.{known} Log in again."
        )
