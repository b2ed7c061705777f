"""Putting a new policy or new rules into force: itself an action that the policy in force has to permit.

Its release is the activation, in the transaction that approves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from maskgate.gate.lifecycle import State
from maskgate.gate.request import get_request, list_requests
from maskgate.store import tables

if TYPE_CHECKING:
    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work

CHANGE_POLICY = "change-policy"
REGISTER_RULES = "register-rules"
GOVERNED = frozenset({CHANGE_POLICY, REGISTER_RULES})


def activate(parts: Parts, work: Work, request: Request) -> Request:
    """Carry out an approved change of policy or rules, and use its grant up."""
    digest = request.subject or ""
    now = parts.clock.now()
    if request.action == CHANGE_POLICY:
        put_policy_in_force(parts, work, digest, request)
        message = "The new policy is in force."
    else:
        put_rules_in_force(parts, work, digest, request)
        message = "The rules are registered."
    receipt = {"request": request.id, "activated": digest}
    work.execute(
        update(tables.grants)
        .where(tables.grants.c.request == request.id)
        .values(state="used", fence=1, receipt=receipt, lease_until=None)
    )
    return parts.advance(work, get_request(work, request.id), State.RELEASED, message, asked_at=request.asked_at or now)


def put_policy_in_force(parts: Parts, work: Work, digest: str, request: Request | None = None) -> None:
    """Make a stored policy the active one; requests that wait under the old one have to be made again."""
    now = parts.clock.now()
    before = work.execute(select(tables.policies.c.digest).where(tables.policies.c.active)).scalar()
    work.execute(update(tables.policies).values(active=False))
    work.execute(
        update(tables.policies).where(tables.policies.c.digest == digest).values(active=True, activated_at=now)
    )
    parts.record(work, "policy.activated", request, policy=digest, before=before)
    for waiting in list_requests(work, State.SEALING, State.PENDING):
        if request is None or waiting.id != request.id:
            message = "The policy changed while this request waited. Nothing was released; ask again."
            parts.advance(work, waiting, State.WITHDRAWN, message)
            parts.record(work, "request.withdrawn", waiting, because="the policy changed")


def put_rules_in_force(parts: Parts, work: Work, digest: str, request: Request | None = None) -> None:
    """Make stored rules count, beside those that did already."""
    now = parts.clock.now()
    row = work.execute(select(tables.rules.c.name).where(tables.rules.c.digest == digest)).one()
    work.execute(update(tables.rules).where(tables.rules.c.digest == digest).values(active=True, registered_at=now))
    parts.record(work, "rules.registered", request, rules=digest, name=row.name)
