"""How a grant is used once: by compare-and-set, under a fence and a lease.

::

    issued ──consume──▶ releasing ──begin_commit──▶ committing ──finish──▶ used
       │                    │  ▲                        │  ▲
       └──▶ expired         │  └─ consume after lease ──┘  │  (the fence grows)
                            └──▶ failed ◀──────────────┼──▶ indeterminate

* Whoever consumes gets a fence. Every later step names the fence; a smaller one changes nothing.
* A lease that has run out, or whose process is dead, may be taken over; the one who lost it finds out at its next
  step, before anything becomes visible.
* A used grant stays used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, not_, or_, select, update

from maskgate.errors import Conflict
from maskgate.store.tables import grants

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from maskgate.store import Work

LEASE = timedelta(seconds=60)
# How long whoever asked may take to write the files itself.
LENT_FOR = timedelta(minutes=15)
# Holds the grants of actions that their callers carry out: it lives on when a gate starts again.
CALLER = "caller"
# And those of which such a caller says that it has done its part.
RECEIVED = "caller:receipt"
# Begins the names of releaser processes, which live on likewise.
RELEASER = "releaser:"
_HELD = ("releasing", "committing")


@dataclass(frozen=True)
class Held:
    """The right to carry a grant out, until someone takes it over.

    Attributes:
        grant: The grant's id.
        fence: Which attempt this is.
        is_elsewhere: Whether a process of its own comes for it.
    """

    grant: str
    fence: int
    is_elsewhere: bool = field(default=False, kw_only=True)


def consume(work: Work, grant: str, *, worker: str, now: datetime) -> Held:
    """Take a grant, or take it over from a worker whose lease is over.

    A grant that was being committed keeps that state: the destination has to be asked first whether it was.

    Raises:
        Conflict: If it is used, has run out, or somebody else carries it out.
    """
    fresh = and_(grants.c.state == "issued", grants.c.not_after > now)
    abandoned = and_(grants.c.state.in_(_HELD), grants.c.lease_until <= now)
    values = {"fence": grants.c.fence + 1, "lease_until": now + LEASE, "worker": worker}
    for state, condition in (("releasing", fresh), (None, abandoned)):
        changed = {**values, "state": state} if state else values
        taken = work.execute(update(grants).where(grants.c.id == grant, condition).values(changed))
        if taken.rowcount == 1:
            row = work.execute(select(grants.c.fence).where(grants.c.id == grant)).one()
            return Held(grant, row.fence)
    raise Conflict(_why_not(work, grant, now))


def renew(work: Work, held: Held, now: datetime, lease: timedelta = LEASE) -> None:
    """Hold on for another lease.

    Raises:
        Conflict: If somebody took it over.
    """
    _step(work, held, grants.c.state.in_(_HELD), {"lease_until": now + lease})


def hand_over(work: Work, held: Held, worker: str) -> Held:
    """Let somebody else go on with what was consumed and not begun; the fence grows.

    Raises:
        Conflict: If somebody took it over.
    """
    _step(work, held, grants.c.state == "releasing", {"worker": worker, "fence": held.fence + 1})
    return Held(held.grant, held.fence + 1)


def leave_to_caller(work: Work, held: Held, now: datetime, lease: timedelta = LENT_FOR) -> None:
    """Let whoever asked carry it out, for a time; the start of a gate does not end that."""
    _step(work, held, grants.c.state == "releasing", {"lease_until": now + lease, "worker": CALLER})


def take_receipt(work: Work, held: Held, now: datetime) -> None:
    """Note that whoever asked says that it has written the files, so that the releaser looks at them now.

    Raises:
        Conflict: If its time is over.
    """
    lent = and_(grants.c.state == "releasing", grants.c.worker == CALLER, grants.c.lease_until > now)
    _step(work, held, lent, {"lease_until": now, "worker": RECEIVED})


def begin_commit(work: Work, held: Held, now: datetime, lease: timedelta = LEASE) -> None:
    """Say that the release is about to become visible.

    Raises:
        Conflict: If somebody took it over; then nothing may be published.
    """
    _step(work, held, grants.c.state == "releasing", {"state": "committing", "lease_until": now + lease})


def copy_again(work: Work, held: Held) -> None:
    """Go back to copying, after the destination said that nothing was published."""
    _step(work, held, grants.c.state == "committing", {"state": "releasing"})


def finish(work: Work, held: Held, receipt: Mapping[str, Any]) -> None:
    """Mark the grant as used, with the receipt of what was released."""
    changes = {"state": "used", "receipt": dict(receipt), "lease_until": None, "worker": None}
    _step(work, held, grants.c.state == "committing", changes)


def fail(work: Work, held: Held) -> None:
    """Give the grant up for good: what was to be released is not what was signed, or its place is taken.

    Of a grant that was being committed, only who knows that nothing of it is at the destination may say so.
    """
    _step(work, held, grants.c.state.in_(_HELD), {"state": "failed", "lease_until": None, "worker": None})


def give_up(work: Work, held: Held) -> None:
    """Say that it cannot be found out whether the grant was carried out; nobody ever takes it again."""
    changes = {"state": "indeterminate", "lease_until": None, "worker": None}
    _step(work, held, grants.c.state == "committing", changes)


def let_go(work: Work, held: Held, now: datetime) -> None:
    """End the lease early, so that the next attempt need not wait."""
    _step(work, held, grants.c.state.in_(_HELD), {"lease_until": now})


def void(work: Work, grant: str) -> bool:
    """Expire a grant that nobody has taken; say whether it was there to expire."""
    done = work.execute(update(grants).where(grants.c.id == grant, grants.c.state == "issued").values(state="expired"))
    return done.rowcount == 1


def revoke(work: Work, grant: str) -> bool:
    """Void a grant that nobody has taken, because its key was revoked; say whether it was there to void."""
    done = work.execute(update(grants).where(grants.c.id == grant, grants.c.state == "issued").values(state="revoked"))
    return done.rowcount == 1


def end_leases_of_others(work: Work, worker: str, now: datetime) -> None:
    """End every lease of another process. Only the holder of the home's lock may call it: the others are dead."""
    others = and_(grants.c.state.in_(_HELD), or_(grants.c.worker.is_(None), _may_be_dead(worker)))
    work.execute(update(grants).where(others).values(lease_until=now))


def end_leases_of_releaser(work: Work, worker: str, now: datetime) -> None:
    """End every lease of a releaser process that has ended, by how its name begins."""
    its = and_(grants.c.state.in_(_HELD), grants.c.worker.startswith(worker, autoescape=True))
    work.execute(update(grants).where(its).values(lease_until=now))


def interrupted(work: Work, now: datetime) -> list[str]:
    """List the requests whose release nobody is carrying out any more."""
    chosen = select(grants.c.request).where(grants.c.state.in_(_HELD), grants.c.lease_until <= now)
    return list(work.execute(chosen.order_by(grants.c.issued_at)).scalars())


def _may_be_dead(worker: str) -> ColumnElement[bool]:
    lives_on = grants.c.worker.startswith(RELEASER, autoescape=True)
    return and_(grants.c.worker.not_in((worker, CALLER)), not_(lives_on))


def _step(work: Work, held: Held, condition: ColumnElement[bool], changes: Mapping[str, Any]) -> None:
    chosen = update(grants).where(grants.c.id == held.grant, grants.c.fence == held.fence, condition)
    if work.execute(chosen.values(changes)).rowcount != 1:
        raise Conflict(
            f"grant {held.grant}: attempt {held.fence} was overtaken by a later one, and does not go on. "
            "The later one finishes the release."
        )


def _why_not(work: Work, grant: str, now: datetime) -> str:
    row = work.execute(select(grants.c.state, grants.c.not_after).where(grants.c.id == grant)).first()
    if row is None:
        return f"grant {grant} is not one that this gate has issued."
    if row.state in _HELD:
        return f"grant {grant} is being carried out. Wait for it to finish."
    if row.state == "indeterminate":
        return f"grant {grant} may or may not have been carried out, so it is never tried again. Look, then ask again."
    if row.state == "issued" and row.not_after <= now:
        return f"grant {grant} has run out. Ask again."
    return f"grant {grant} is {row.state}; it works once. Ask again."
