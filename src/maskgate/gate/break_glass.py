"""Break-glass: going without the usual signatures, in haste and in the open.

* Only where the policy has it, and only by the group that it names for it.
* It takes fewer people than usual, never none, and never anybody involved.
* A reason of 30 characters, a ticket, and a login of the last five minutes, on the page.
* Everyone who was passed over is told. Somebody else has to look at it afterwards, and until that is done nobody
  breaks glass again.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from maskgate.errors import Conflict, NotAllowed, NotFound, Refused
from maskgate.gate.break_glass_rows import shown_post_review
from maskgate.gate.lifecycle import State
from maskgate.gate.markdown import visible
from maskgate.gate.parts import active_policy
from maskgate.gate.reasons import length_of
from maskgate.gate.request import get_request
from maskgate.store import tables

if TYPE_CHECKING:
    from datetime import datetime

    from maskgate.gate.authority import Authority
    from maskgate.gate.model import DecisionInput, Identity
    from maskgate.gate.parts import Parts
    from maskgate.gate.policy import Policy
    from maskgate.gate.request import Request
    from maskgate.store import Work

FRESH = timedelta(minutes=5)
LEAST_REASON, LEAST_TICKET, LEAST_FINDING = 30, 3, 10
_LONGEST = 200
_ROWS = tables.post_reviews.c


def must_be_permitted(parts: Parts, work: Work, request: Request, decision: DecisionInput, policy: Policy) -> None:
    """Let somebody break glass only where and how the policy has it; says nothing of other decisions.

    Raises:
        NotAllowed: If the policy has no such thing, or not for this person, or the login is old.
        Refused: If the reason or the ticket says too little.
        Conflict: If an earlier one was not looked at yet.
    """
    glass, terms, identity = decision.break_glass, request.terms.break_glass, decision.identity
    if glass is None:
        return
    if terms is None or decision.verdict != "approve" or identity.channel != "web":
        raise NotAllowed("the policy has no break-glass for this request.")
    now, person = parts.clock.now(), policy.people.person_of(identity.accounts)
    if person is None or terms.group not in policy.groups_of(person, identity, now):
        raise NotAllowed(f"only {terms.group} can break glass here.")
    if decision.acting_for is not None or decision.batch is not None:
        raise NotAllowed("everyone breaks glass for themselves, one request at a time.")
    proved = identity.authenticated_at
    if proved is None or now - proved > FRESH:
        raise NotAllowed("break-glass takes a login of the last 5 minutes. Log out, log in again, and decide.")
    if (length := length_of(decision.reason)) < LEAST_REASON:
        raise Refused(f"break-glass takes a reason of at least {LEAST_REASON} characters; this one has {length}.")
    if length_of(glass.ticket) < LEAST_TICKET or len(glass.ticket) > _LONGEST:
        raise Refused("break-glass takes the ticket of the incident.")
    open_one = work.execute(
        select(_ROWS.request).where(_ROWS.closed_at.is_(None), _ROWS.request != request.id).limit(1)
    ).scalar()
    if open_one is not None:
        raise Conflict(
            f"the break-glass of request {open_one} has not been looked at yet. Until then there is no other."
        )


def is_of_the_role(request: Request, identity: Identity, policy: Policy, now: datetime) -> bool:
    """Whether somebody could break glass for a request: of the role, and not involved."""
    terms, person = request.terms.break_glass, policy.people.person_of(identity.accounts)
    if terms is None or person is None or request.state is not State.PENDING or person in request.involved:
        return False
    return terms.group in policy.groups_of(person, identity, now)


def note_break_glass(parts: Parts, work: Work, request: Request, decision: DecisionInput, authority: Authority) -> None:
    """Record that somebody broke glass, have it looked at afterwards, and tell whoever was passed over."""
    if decision.break_glass is None:
        return
    policy = active_policy(work)
    row = {
        "id": f"pre_{secrets.token_hex(8)}",
        "request": request.id,
        "person": authority.person,
        "reason": visible(decision.reason, 2000),
        "ticket": visible(decision.break_glass.ticket, _LONGEST),
        "skipped": skipped_reviewers(policy, request, but=authority.person),
        "opened_at": parts.clock.now(),
    }
    work.execute(tables.post_reviews.insert().values(row))
    facts = {name: row[name] for name in ("person", "reason", "ticket", "skipped")}
    parts.record(work, "break_glass.used", request, post_review=row["id"], severity="high", **facts)
    parts.tell(work, request, "break_glass")


def skipped_reviewers(policy: Policy, request: Request, but: str) -> list[str]:
    """Name those who would have been asked: people by name, and groups that only the identity provider knows."""
    slots = request.requirement.slots
    people = frozenset[str]().union(*(policy.reviewers[slot].people for slot in slots if slot in policy.reviewers))
    groups = {f"group {policy.reviewers[slot].group}" for slot in slots if policy.reviewers[slot].group is not None}
    return sorted((people - {but} - frozenset(request.involved)) | groups)


def why_not_close(policy: Policy, identity: Identity, request: Request, broke: str, now: datetime) -> str:
    """Say why somebody cannot close the post-review of what another broke; empty if they can."""
    person = policy.people.person_of(identity.accounts)
    if person is None:
        return "your account is linked to nobody in the policy."
    if person == broke:
        return f"{person} broke the glass, and cannot also look at it. Somebody else has to."
    if person in request.involved:
        return f"{person} is involved in request {request.id}. Somebody else has to look at it."
    if not policy.groups_of(person, identity, now) & request.requirement.slots.keys():
        return f"{person} is not among the reviewers of request {request.id}."
    return ""


def close_post_review(parts: Parts, identity: Identity, review_id: str, finding: str) -> dict[str, Any]:
    """Close a post-review, as somebody else among the reviewers.

    Raises:
        NotFound: If there is none of this id.
        NotAllowed: If this person may not.
        Refused: If the finding says too little.
        Conflict: If it is closed already.
    """
    with parts.store.write() as work:
        now, policy = parts.clock.now(), active_policy(work)
        row = work.execute(select(tables.post_reviews).where(_ROWS.id == review_id)).first()
        if row is None:
            raise NotFound(f"there is no post-review {visible(review_id, 60)!r}.")
        request = get_request(work, row.request)
        if why_not := why_not_close(policy, identity, request, row.person, now):
            raise NotAllowed(why_not)
        if row.closed_at is not None:
            raise Conflict("this post-review is closed already.")
        if length_of(finding) < LEAST_FINDING:
            raise Refused(f"a finding has at least {LEAST_FINDING} characters.")
        person = policy.people.person_of(identity.accounts)
        said = visible(finding, 2000)
        closed = {"closed_at": now, "closed_by": person, "finding": said}
        work.execute(update(tables.post_reviews).where(_ROWS.id == review_id).values(closed))
        parts.record(work, "break_glass.reviewed", request, post_review=review_id, by=person, finding=said)
        parts.tell(work, request, "post_review")
        return shown_post_review(work.execute(select(tables.post_reviews).where(_ROWS.id == review_id)).one())
