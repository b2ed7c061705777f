"""The life of a request.

::

    sealing ──▶ pending ──▶ approved ──▶ releasing ──▶ released
       │           │            │             ├──────▶ failed
       │           │            │             └──────▶ indeterminate
       ├▶ approved ├▶ denied    ├▶ expired
       ├▶ refused  ├▶ expired   └▶ withdrawn
       ├▶ expired  └▶ withdrawn
       └▶ withdrawn

* Nobody involved decides.
* One person fills one slot, and decides once.
* An approval is for one intent, as it was shown. Change a byte, ask again.
* One denial by someone who could have approved is a denial.
* Time out is a denial.
* What is settled stays settled: the first to settle it wins.
* What may have happened, and cannot be found out, is *indeterminate*: never tried again, and somebody is told.

Everything here is a pure function of values; who may decide at all is in ``authority.py``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from maskgate.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class State(StrEnum):
    """Where a request stands."""

    SEALING = "sealing"
    PENDING = "pending"
    APPROVED = "approved"
    RELEASING = "releasing"
    REFUSED = "refused"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    RELEASED = "released"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"


SETTLED = frozenset(
    {
        State.REFUSED,
        State.DENIED,
        State.EXPIRED,
        State.WITHDRAWN,
        State.RELEASED,
        State.FAILED,
        State.INDETERMINATE,
    }
)

_NEXT: dict[State, frozenset[State]] = {
    State.SEALING: frozenset({State.PENDING, State.APPROVED, State.REFUSED, State.EXPIRED, State.WITHDRAWN}),
    State.PENDING: frozenset({State.APPROVED, State.DENIED, State.EXPIRED, State.WITHDRAWN}),
    State.APPROVED: frozenset({State.RELEASING, State.RELEASED, State.EXPIRED, State.WITHDRAWN}),
    State.RELEASING: frozenset({State.RELEASED, State.FAILED, State.INDETERMINATE}),
    **{state: frozenset() for state in SETTLED},
}


def check_step(request: str, before: State, after: State) -> None:
    """Let a request go from one state to another.

    Raises:
        Conflict: If there is no such step.
    """
    if after not in _NEXT[before]:
        raise Conflict(f"request {request} is {before}, and cannot become {after} any more.")


def after_sealing(refusals: tuple[str, ...], *, is_allowed: bool) -> State:
    """Say what a request becomes once its bytes were measured."""
    if refusals:
        return State.REFUSED
    return State.APPROVED if is_allowed else State.PENDING


def after_decision(verdict: str, missing: Mapping[str, int]) -> State:
    """Say what a pending request becomes by one more decision of someone who may decide.

    Args:
        verdict: ``approve`` or ``deny``.
        missing: Whose signatures are still needed after it; ``counting.py`` says so.
    """
    if verdict == "deny":
        return State.DENIED
    return State.PENDING if missing else State.APPROVED


def is_over(expires_at: datetime | None, now: datetime) -> bool:
    """Whether the time for a decision, or for using a grant, is over."""
    return expires_at is not None and now >= expires_at
