"""Reviewers who leave between their signature and the release: what they signed does not count any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from maskgate.gate import consumption
from maskgate.gate.beside import decisions_of
from maskgate.gate.counting import still_missing
from maskgate.gate.lifecycle import State
from maskgate.gate.request import list_requests
from maskgate.gate.standing_rows import find_standing
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maskgate.gate.parts import Parts
    from maskgate.gate.policy import Policy
    from maskgate.gate.request import Request
    from maskgate.store import Work


def withdraw_what_leavers_signed(parts: Parts, work: Work, policy: Policy, but: str | None) -> None:
    """Take back signed requests that nobody has begun to release, where too few signers are left under a new policy.

    Args:
        parts: The gate's parts.
        work: The transaction that puts the policy into force.
        policy: The new policy.
        but: The request that it came by.
    """
    for request in list_requests(work, State.APPROVED):
        if request.id == but or request.is_allowed or not _has_lost_signers(work, request, policy):
            continue
        grant = work.execute(select(tables.grants.c.id).where(tables.grants.c.request == request.id)).scalar()
        if grant is None or not consumption.void(work, grant):
            continue
        message = "Who signed it is no reviewer any more. Nothing was released; ask again."
        taken_back = parts.advance(work, request, State.WITHDRAWN, message)
        parts.record(
            work, "request.withdrawn", taken_back, because="who signed it is no reviewer any more", grant=grant
        )


def _has_lost_signers(work: Work, request: Request, policy: Policy) -> bool:
    if request.standing is not None:
        signed = find_standing(work, request.standing)
        return signed is None or not all(_slots_left(person, signed["groups"], policy) for person in signed["signers"])
    left = []
    for row in decisions_of(work, request.id):
        slots = _slots_left(row["acting_for"] or row["person"], row["slots"], policy)
        if slots and row["person"] in policy.people:
            left.append({**row, "slots": slots})
    return bool(still_missing(request, left))


def _slots_left(person: str, slots: Iterable[str], policy: Policy) -> list[str]:
    """Return the slots that somebody can still fill; a group claim is nothing that the gate could look up now."""
    if person not in policy.people:
        return []
    groups = {slot: policy.reviewers[slot] for slot in slots if slot in policy.reviewers}
    return [slot for slot, group in groups.items() if person in group.people or group.group is not None]
