"""Putting a change of the gate itself into force: an action that the policy in force has to permit.

Its release is the activation, in the transaction that approves it. A new kind of change is a name in ``governed.py``, a
function, and a line in `GOVERNED`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from maskgate.gate.governed import (
    CHANGE_DESTINATIONS,
    CHANGE_POLICY,
    CHANGE_REVIEWERS,
    REGISTER_RULES,
    REVOKE_GATE_KEY,
    ROTATE_GATE_KEY,
)
from maskgate.gate.key_rotation import revoke_key, rotate_key
from maskgate.gate.known_destinations import put_destination_in_force
from maskgate.gate.leavers import withdraw_what_leavers_signed
from maskgate.gate.lifecycle import State
from maskgate.gate.parts import active_policy
from maskgate.gate.request import get_request, list_requests
from maskgate.gate.standing import end_standing_of_other_policies
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work


def activate(parts: Parts, work: Work, request: Request) -> Request:
    """Carry out an approved change of the gate itself, and use its grant up."""
    message = GOVERNED[request.action](parts, work, request)
    receipt = {"request": request.id, "activated": request.subject or ""}
    work.execute(
        update(tables.grants)
        .where(tables.grants.c.request == request.id)
        .values(state="used", fence=1, receipt=receipt, lease_until=None)
    )
    asked_at = request.asked_at or parts.clock.now()
    return parts.advance(work, get_request(work, request.id), State.RELEASED, message, asked_at=asked_at)


def _change_policy(parts: Parts, work: Work, request: Request) -> str:
    put_policy_in_force(parts, work, request.subject or "", request)
    return "The new policy is in force."


def _register_rules(parts: Parts, work: Work, request: Request) -> str:
    put_rules_in_force(parts, work, request.subject or "", request)
    return "The rules are registered."


def _change_destination(parts: Parts, work: Work, request: Request) -> str:
    id_ = put_destination_in_force(work, request.subject or "", parts.clock.now())
    place = None if request.destination is None else request.destination.as_json()
    parts.record(work, "destination.registered", request, destination=place, registration=request.subject)
    return f"The destination {id_} can be used as it is configured."


# What carries out each governed action, in the transaction that approves it; each returns what to tell people.
GOVERNED: Mapping[str, Callable[[Parts, Work, Request], str]] = {
    CHANGE_POLICY: _change_policy,
    CHANGE_REVIEWERS: _change_policy,
    CHANGE_DESTINATIONS: _change_destination,
    REGISTER_RULES: _register_rules,
    ROTATE_GATE_KEY: rotate_key,
    REVOKE_GATE_KEY: revoke_key,
}


def put_policy_in_force(parts: Parts, work: Work, digest: str, request: Request | None = None) -> None:
    """Make a stored policy the active one; requests that wait under the old one have to be made again."""
    now = parts.clock.now()
    before = work.execute(select(tables.policies.c.digest).where(tables.policies.c.active)).scalar()
    work.execute(update(tables.policies).values(active=False))
    work.execute(
        update(tables.policies).where(tables.policies.c.digest == digest).values(active=True, activated_at=now)
    )
    parts.record(work, "policy.activated", request, policy=digest, before=before)
    end_standing_of_other_policies(parts, work, digest)
    if before is not None:
        withdraw_what_leavers_signed(parts, work, active_policy(work), None if request is None else request.id)
    for waiting in list_requests(work, State.SEALING, State.PENDING):
        if request is None or waiting.id != request.id:
            message = "The policy changed while this request waited. Nothing was released; ask again."
            parts.advance(work, waiting, State.WITHDRAWN, message)
            parts.record(work, "request.withdrawn", waiting, because="the policy changed")


def put_rules_in_force(
    parts: Parts, work: Work, digest: str, request: Request | None = None, *, not_looser_than: str | None = None
) -> None:
    """Make stored rules count, beside those that did already; say which let through as much, if nobody was asked."""
    now = parts.clock.now()
    row = work.execute(select(tables.rules.c.name).where(tables.rules.c.digest == digest)).one()
    work.execute(update(tables.rules).where(tables.rules.c.digest == digest).values(active=True, registered_at=now))
    more = {} if not_looser_than is None else {"not_looser_than": not_looser_than}
    parts.record(work, "rules.registered", request, rules=digest, name=row.name, **more)
