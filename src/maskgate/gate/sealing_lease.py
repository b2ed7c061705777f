"""Which gate seals a request: one at a time, by a lease in the database.

* Whoever claims a sealing gets a fence, and a folder of its own for the copy. What comes of it counts only while the
  fence is still the latest, and that is checked in the transaction that stores it.
* A lease is renewed while the gate lives. When it has run out, another gate may claim; the first one, should it wake
  up, finds that out and changes nothing: neither the request nor the other's copy.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select, update

from maskgate.errors import DatabaseUnreachable
from maskgate.gate.consumption import LEASE
from maskgate.gate.lifecycle import State
from maskgate.store.tables import maskings, requests, sealings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from maskgate.clock import Clock
    from maskgate.store import Store, Work


@dataclass(frozen=True)
class Claim:
    """The right to seal a request, until someone takes it over.

    Attributes:
        request: The request's id.
        fence: Which attempt this is.
    """

    request: str
    fence: int


def claim(work: Work, request_id: str, *, worker: str, now: datetime) -> Claim | None:
    """Take a sealing, or take it over from a gate whose lease is over; None if another gate has it."""
    row = work.execute(select(sealings).where(sealings.c.request == request_id)).first()
    values = {"worker": worker, "lease_until": now + LEASE}
    if row is None:
        work.execute(sealings.insert().values(request=request_id, fence=1, **values))
        return Claim(request_id, 1)
    if row.lease_until > now:
        return None
    work.execute(update(sealings).where(sealings.c.request == request_id).values(fence=row.fence + 1, **values))
    return Claim(request_id, row.fence + 1)


def holds(work: Work, held: Claim) -> bool:
    """Whether no other gate has taken it over."""
    return work.execute(select(sealings.c.fence).where(sealings.c.request == held.request)).scalar() == held.fence


def end_leases_of_others(work: Work, worker: str, now: datetime) -> None:
    """End every lease of another process. Only who knows that the others are dead may call it."""
    work.execute(
        update(sealings).where(sealings.c.worker != worker, sealings.c.lease_until > now).values(lease_until=now)
    )


def waiting(work: Work, now: datetime, most: int = 20, *, is_masked_elsewhere: bool = False) -> list[str]:
    """List requests that wait to be sealed and that no gate has taken, the oldest first.

    Args:
        work: A transaction to read in.
        now: The present moment.
        most: At most so many.
        is_masked_elsewhere: Whether sources are masked by a process of its own, which comes first.
    """
    is_free = or_(sealings.c.request.is_(None), sealings.c.lease_until <= now)
    chosen = select(requests.c.id).outerjoin(sealings, sealings.c.request == requests.c.id)
    chosen = chosen.where(requests.c.state == str(State.SEALING), is_free)
    if is_masked_elsewhere:
        chosen = chosen.outerjoin(maskings, maskings.c.staging == requests.c.staging)
        chosen = chosen.where(or_(maskings.c.staging.is_(None), maskings.c.masked_at.is_not(None)))
    return list(work.execute(chosen.order_by(requests.c.created_at, requests.c.id).limit(most)).scalars())


@contextmanager
def renewing(store: Store, clock: Clock, held: Claim) -> Iterator[threading.Event]:
    """Renew the lease from a thread beside, until the block ends.

    Returns:
        An event that is set when another gate has taken over.
    """
    done, lost = threading.Event(), threading.Event()
    thread = threading.Thread(target=_renew, args=(store, clock, held, done, lost), name="maskgate-lease", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        done.set()
        thread.join()


def _renew(store: Store, clock: Clock, held: Claim, done: threading.Event, lost: threading.Event) -> None:
    while not done.wait(LEASE.total_seconds() / 4):
        try:
            with store.write() as work:
                renewed = work.execute(_mine(held).values(lease_until=clock.now() + LEASE))
        except DatabaseUnreachable:
            continue  # If it stays away for longer than the lease, another gate takes over, as it should.
        if renewed.rowcount != 1:
            lost.set()
            return


def _mine(held: Claim) -> Any:
    return update(sealings).where(and_(sealings.c.request == held.request, sealings.c.fence == held.fence))
