"""Standing in for somebody who is away.

* A delegation never makes anybody a reviewer. Who stands in has to be a reviewer of the request themselves, not
  involved, and through a channel of the policy; all they gain is that they may fill the slot of the one who is away.
* It carries the groups that name the one who is away under ``people:``. A group claim of the identity provider is
  proved by logging in, so nobody can have it for somebody else.
* No chains: who stands in passes nothing on.
* It ends by itself, after 30 days at the latest. Both names stay in the decision.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, update

from maskgate.clock import timestamp
from maskgate.errors import Conflict, NotAllowed, NotFound, UsageError
from maskgate.gate.markdown import visible
from maskgate.gate.parts import active_policy
from maskgate.store import tables

if TYPE_CHECKING:
    from datetime import datetime

    from maskgate.gate.model import Identity
    from maskgate.gate.parts import Parts
    from maskgate.gate.policy import Policy
    from maskgate.store import Work

LONGEST = timedelta(days=30)
_EARLIEST_START = timedelta(days=90)
_LONGEST_WHY = 500
_ROWS = tables.delegations.c


@dataclass(frozen=True)
class Delegation:
    """One person standing in for another.

    Attributes:
        id: Random.
        delegator: Who is away.
        delegate: Who stands in.
        why: What the one who is away wrote.
        begins_at: From when.
        ends_at: Until when.
        revoked_at: When it was taken back.
    """

    id: str
    delegator: str
    delegate: str
    why: str
    begins_at: datetime
    ends_at: datetime
    revoked_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it counts now."""
        return self.revoked_at is None and self.begins_at <= now < self.ends_at

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "id": self.id,
            "delegator": self.delegator,
            "delegate": self.delegate,
            "why": self.why,
            "begins_at": timestamp(self.begins_at),
            "ends_at": timestamp(self.ends_at),
            "revoked_at": None if self.revoked_at is None else timestamp(self.revoked_at),
        }


@dataclass(frozen=True)
class DelegationInput:
    """What somebody who will be away wants.

    Attributes:
        delegate: The person who stands in.
        begins_at: From when.
        ends_at: Until when.
        why: Why.
    """

    delegate: str
    begins_at: datetime
    ends_at: datetime
    why: str = ""


def delegations_to(work: Work, person: str, now: datetime) -> tuple[Delegation, ...]:
    """Return for whom somebody stands in now."""
    live = (_ROWS.delegate == person, _ROWS.revoked_at.is_(None), _ROWS.begins_at <= now, _ROWS.ends_at > now)
    return tuple(_read(row) for row in work.execute(select(tables.delegations).where(*live).order_by(_ROWS.delegator)))


def delegations_of(work: Work, person: str) -> tuple[Delegation, ...]:
    """Return every delegation that somebody made or got, the latest first."""
    either = or_(_ROWS.delegator == person, _ROWS.delegate == person)
    chosen = select(tables.delegations).where(either).order_by(_ROWS.made_at.desc(), _ROWS.id)
    return tuple(_read(row) for row in work.execute(chosen))


def all_delegations(work: Work) -> tuple[Delegation, ...]:
    """Return every delegation there was, the latest first."""
    chosen = select(tables.delegations).order_by(_ROWS.made_at.desc(), _ROWS.id)
    return tuple(_read(row) for row in work.execute(chosen))


def delegate(parts: Parts, identity: Identity, wanted: DelegationInput) -> Delegation:
    """Have somebody stand in for the person who says so.

    Raises:
        NotAllowed: If this person has nothing to hand on, or the other may not stand in.
        UsageError: If the time is none, or too long.
        Conflict: If it would make a chain.
    """
    with parts.store.write() as work:
        now, policy = parts.clock.now(), active_policy(work)
        person = _person(policy, identity)
        _must_fit(policy, person, wanted, now)
        _must_not_chain(work, person, wanted)
        made = Delegation(
            f"del_{secrets.token_hex(8)}",
            person,
            wanted.delegate,
            visible(wanted.why, _LONGEST_WHY),
            max(wanted.begins_at, now),
            wanted.ends_at,
        )
        row = {name: getattr(made, name) for name in ("id", "delegator", "delegate", "why", "begins_at", "ends_at")}
        work.execute(tables.delegations.insert().values(**row, made_at=now))
        parts.record(work, "delegation.made", delegation=made.as_json(), account=visible(identity.accounts[0], 500))
        return made


def end_delegation(parts: Parts, identity: Identity, delegation: str) -> Delegation:
    """Take a delegation back; either of the two may.

    Raises:
        NotFound: If this person has none of this id.
        Conflict: If it has ended already.
    """
    with parts.store.write() as work:
        now = parts.clock.now()
        person = active_policy(work).people.person_of(identity.accounts)
        row = work.execute(select(tables.delegations).where(_ROWS.id == delegation)).first()
        if row is None or person not in {row.delegator, row.delegate}:
            raise NotFound(f"you have no delegation {visible(delegation, 60)!r}.")
        if row.revoked_at is not None or row.ends_at <= now:
            raise Conflict("this delegation has ended already.")
        work.execute(update(tables.delegations).where(_ROWS.id == delegation).values(revoked_at=now))
        parts.record(work, "delegation.revoked", delegation=delegation, by=person)
        changed = work.execute(select(tables.delegations).where(_ROWS.id == delegation)).one()
        return _read(changed)


def _person(policy: Policy, identity: Identity) -> str:
    person = policy.people.person_of(identity.accounts)
    if person is None:
        raise NotAllowed("your account is linked to nobody in the policy, so you have nothing to hand on.")
    return person


def _must_fit(policy: Policy, person: str, wanted: DelegationInput, now: datetime) -> None:
    if not policy.named_groups(person):
        raise NotAllowed(
            f"no reviewer group names {person} under `people:`, so there is nothing to hand on. "
            "What an identity provider says of somebody is proved by logging in, and nobody can do that for them."
        )
    if wanted.delegate == person:
        raise NotAllowed("nobody stands in for themselves.")
    claims = any(group.group is not None for group in policy.reviewers.values())
    if wanted.delegate not in policy.people or not (claims or policy.named_groups(wanted.delegate)):
        raise NotAllowed(
            f"{visible(wanted.delegate, 100)} is no reviewer in the policy, and a delegation makes nobody one."
        )
    if not wanted.begins_at < wanted.ends_at or wanted.ends_at <= now:
        raise UsageError("a delegation ends after it begins, and not in the past.")
    if wanted.ends_at - max(wanted.begins_at, now) > LONGEST or wanted.begins_at > now + _EARLIEST_START:
        raise UsageError(f"a delegation lasts at most {LONGEST.days} days, and begins within 90 days.")


def _must_not_chain(work: Work, person: str, wanted: DelegationInput) -> None:
    overlaps = (_ROWS.revoked_at.is_(None), _ROWS.begins_at < wanted.ends_at, _ROWS.ends_at > wanted.begins_at)
    for row in work.execute(select(tables.delegations).where(*overlaps)):
        if row.delegate == person:
            raise Conflict(
                f"you stand in for {row.delegator} during that time, and delegations make no chains. End that first."
            )
        if row.delegator == wanted.delegate:
            raise Conflict(f"{row.delegator} is away themselves during that time. Choose somebody else.")
        if row.delegator == person:
            raise Conflict(f"{row.delegate} stands in for you during that time already. End that one first.")


def _read(row: Any) -> Delegation:
    names = ("id", "delegator", "delegate", "why", "begins_at", "ends_at", "revoked_at")
    return Delegation(**{name: getattr(row, name) for name in names})
