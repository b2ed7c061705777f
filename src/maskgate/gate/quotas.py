"""How much one token may keep open, so that none of them floods reviewers or disks.

What is counted is rows: of all gates on the database, and through restarts. What is settled, or was deleted, no longer
counts, so a pipeline that ends what it began never gets here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from maskgate.errors import TooMany
from maskgate.gate.lifecycle import State
from maskgate.store import tables

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from maskgate.gate.model import Limits
    from maskgate.store import Work

_WAITING = (State.SEALING, State.PENDING)


def must_have_room_to_ask(work: Work, token: str, limits: Limits) -> None:
    """Let a token ask, unless too many of its requests wait already.

    Raises:
        TooMany: If so.
    """
    rows = tables.requests.c
    waiting = _count(work, rows.token == token, rows.state.in_(_WAITING))
    if waiting >= limits.pending_per_token:
        raise TooMany(
            f"{waiting} requests of the token {token} wait for signatures, and no more than "
            f"{limits.pending_per_token} may. Withdraw those that nobody needs, or have them decided."
        )


def must_have_room_to_stage(work: Work, token: str, limits: Limits) -> None:
    """Let a token open a staging, unless it has too many.

    Raises:
        TooMany: If so.
    """
    rows = tables.stagings.c
    kept = _count(work, rows.token == token, rows.deleted_at.is_(None))
    if kept >= limits.stagings_per_token:
        raise TooMany(
            f"the token {token} has {kept} stagings, and no more than {limits.stagings_per_token} may be open. "
            "They are deleted when their requests end or their time is over."
        )


def _count(work: Work, *these: ColumnElement[bool]) -> int:
    return work.execute(select(func.count()).where(*these)).scalar_one()
