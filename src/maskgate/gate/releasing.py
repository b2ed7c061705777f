"""Using a grant: check everything, consume it, copy, commit, keep the receipt.

::

    release()          envelope, live row, run, destination, time  ─▶ consume ─▶ (a worker's turn)
    carry_out()        copy under a temporary name ─▶ committing ─▶ publish ─▶ used, with receipt

A crash between any two steps leaves nothing visible half-done, and loses nothing: what was being copied is copied
again under a new fence; what was being committed is looked for at the destination first.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from maskgate.clock import timestamp
from maskgate.errors import Conflict, DatasetError, MaskgateError, NotAllowed, Refused, StillPending
from maskgate.gate import consumption
from maskgate.gate.calls import VERIFY
from maskgate.gate.fault_points import reach
from maskgate.gate.grants import open_envelope
from maskgate.gate.known_destinations import must_be_in_force
from maskgate.gate.lifecycle import State
from maskgate.gate.model import destination_digest
from maskgate.gate.releaser import ReleaseOrder, location_of
from maskgate.gate.request import get_request
from maskgate.gate.source_masking import must_be_as_masked
from maskgate.gate.sources import must_fit_level
from maskgate.gate.staging_keys import with_key
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from maskgate.gate.consumption import Held
    from maskgate.gate.grants import Grant
    from maskgate.gate.host import HostRun
    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work

_LONGEST_PAUSE = timedelta(minutes=5)


def release(parts: Parts, request_id: str, run: HostRun | None) -> Request:
    """Start an approved release, once; say how it stands if it was started before.

    Raises:
        NotAllowed: If the call comes from another run than the request.
        StillPending: If it waits for signatures, or is held.
        Refused: If it was denied, has run out, or anything is not as it was signed.
    """
    with parts.store.write() as work:
        request = get_request(work, request_id)
        try:
            with work.begin_nested():
                return _start(parts, work, request, run)
        except MaskgateError as error:
            refusal = error
        claimed = None if run is None else run.as_json()
        parts.refuse(work, request, "release.refused", refusal, host=claimed, state=str(request.state))
    raise refusal


def carry_out(parts: Parts, request_id: str) -> None:
    """Copy and publish what was consumed, or what another process left unfinished."""
    with parts.queue.claim(request_id) as is_mine:
        if not is_mine:
            return
        held = parts.queue.take(request_id) or _take_over(parts, request_id)
        if held is None:
            return
        reach("after consume")
        try:
            _carry_out(parts, request_id, held)
        except Conflict:
            return  # A later attempt has taken over; it finishes, or says why not.
        except Refused as error:
            fail_release(parts, request_id, held, str(error))
        except MaskgateError as error:
            try_release_later(parts, request_id, held, str(error))
        except Exception as error:  # noqa: BLE001  storage libraries raise what they like; the release has to go on
            # The kind alone: a foreign message may hold an address with a credential.
            why = f"the destination could not be written ({type(error).__name__})."
            try_release_later(parts, request_id, held, why)


def unfinished(parts: Parts) -> list[str]:
    """List releases that wait for a worker of this process, or that nobody carries out any more."""
    with parts.store.read() as work:
        now = parts.clock.now()
        abandoned = [each for each in consumption.interrupted(work, now) if _can_go_on(parts, work, each, now)]
    return list(dict.fromkeys([*parts.queue.waiting(), *abandoned]))


def _can_go_on(parts: Parts, work: Work, request_id: str, now: datetime) -> bool:
    """Whether this gate can take a release further: it has the sealed copy, or needs none for what is to do."""
    grant = work.execute(select(tables.grants).where(tables.grants.c.request == request_id)).one()
    request = get_request(work, request_id)
    if request.sealed is not None and parts.releaser.is_elsewhere:
        return False
    if grant.state == "committing" and request.is_action and is_handled_elsewhere(parts, request):
        return False  # only the process that has the handler can tell what became of it
    is_for_anyone = grant.state == "committing" or grant.not_after <= now
    return is_for_anyone or has_copy(parts, request)


def is_handled_elsewhere(parts: Parts, request: Request) -> bool:
    """Whether a process of its own carries an action out."""
    handler = parts.handlers.get(request.action)
    return handler is not None and handler.is_elsewhere and request.level != VERIFY


def has_copy(parts: Parts, request: Request) -> bool:
    """Whether the sealed copy is here; where no other gate could have it, its absence is found when it is read."""
    if not parts.store.is_shared or request.sealed is None:
        return True
    folder = Path(request.sealed.folder)
    return folder.is_relative_to(parts.sealed_folder) and folder.is_dir()


def _start(parts: Parts, work: Work, request: Request, run: HostRun | None) -> Request:
    _must_be_its_run(request, run)
    if request.state in {State.RELEASED, State.RELEASING}:
        return request
    if request.state is State.SEALING:
        raise StillPending(
            f"request {request.id} is sealing: the gate is still reading the staged files. Ask again in a moment."
        )
    if request.state is State.PENDING:
        raise StillPending(f"request {request.id} is pending. {request.message} Release it after that.")
    if request.state is not State.APPROVED:
        raise Refused(f"request {request.id} is {request.state}, so nothing is released. {request.message}")
    grant = _checked_grant(parts, work, request)
    reach("before consume")
    held = consumption.consume(work, grant.id, worker=parts.worker, now=parts.clock.now())
    is_lent = request.enforcement == "broker" and not parts.releaser.is_elsewhere
    who = "A releaser process" if parts.releaser.is_elsewhere else "The gate"
    message = "Whoever asked writes the files." if is_lent else f"{who} copies the files to the destination."
    started = parts.advance(work, request, State.RELEASING, message, done=0)
    parts.record(work, "release.started", started, grant=grant.id, fence=held.fence)
    if is_lent:
        consumption.leave_to_caller(work, held, parts.clock.now())
    elif has_copy(parts, request) and not parts.releaser.is_elsewhere:
        parts.queue.put(request.id, held)
    else:
        consumption.let_go(work, held, parts.clock.now())  # who has the copy, or the credentials, takes it over
    return started


def _must_be_its_run(request: Request, run: HostRun | None) -> None:
    asked = None if request.host is None else request.host.identity
    if asked == (None if run is None else run.identity):
        return
    if asked is None:
        raise NotAllowed(f"request {request.id} was made outside of any run, so no run releases it.")
    name = ", ".join(f"{key} {value}" for key, value in asked.items())
    raise NotAllowed(
        f"request {request.id} belongs to another run than this one: {name}. Its grant works there alone. "
        "Release it in that run, or make a request in this one."
    )


def _checked_grant(parts: Parts, work: Work, request: Request) -> Grant:
    """Return the grant of a request, if signature, row, request and registered destination all say the same."""
    row = work.execute(select(tables.grants).where(tables.grants.c.request == request.id)).first()
    if row is None:
        raise Refused(f"request {request.id} has no grant. Ask again.")
    grant = open_envelope(row.envelope, parts.keys.ring(work))
    place = request.destination
    registered = None if place is None else parts.registry.destinations.get(place.id)
    if registered is None:
        raise Refused(f"the destination of request {request.id} is no longer registered. Nothing was released.")
    same = (
        (grant.id, grant.request, grant.action) == (row.id, request.id, request.action)
        and (grant.intent_digest, grant.content_digest) == (request.intent_digest, request.content_digest)
        and grant.host == (None if request.host is None else request.host.identity)
        and grant.destination == registered.id
    )
    if not same:
        raise Refused(f"the grant of request {request.id} is for something else. Nothing was released; ask again.")
    if grant.destination_digest != destination_digest(registered):
        raise Refused(
            f"destination {registered.id!r} leads elsewhere, or is trusted otherwise, than when it was signed. "
            "Nothing was released; ask again."
        )
    must_be_in_force(work, registered)
    must_fit_level(registered, request.level)
    must_be_as_masked(work, request)
    if grant.not_after <= parts.clock.now():
        raise Refused(f"the grant of request {request.id} ran out at {timestamp(grant.not_after)}. Ask again.")
    return grant


def _take_over(parts: Parts, request_id: str) -> Held | None:
    with parts.store.write() as work:
        row = work.execute(select(tables.grants.c.id).where(tables.grants.c.request == request_id)).one()
        try:
            held = consumption.consume(work, row.id, worker=parts.worker, now=parts.clock.now())
        except Conflict:
            return None
        parts.record(work, "release.started", get_request(work, request_id), grant=held.grant, fence=held.fence)
        return held


def _carry_out(parts: Parts, request_id: str, held: Held) -> None:
    with parts.store.read() as work:
        request = get_request(work, request_id)
        row = work.execute(select(tables.grants).where(tables.grants.c.id == held.grant)).one()
        # What may be visible already is finished, also if its key was revoked in between.
        grant = open_envelope(row.envelope, parts.keys.ring(work), accept_revoked=row.state == "committing")
    if row.state == "committing":
        order = _order_of_commit(parts, request, grant, row.release_name, held.fence)
        found = parts.releaser.probe(order)
        if found == "committed":
            parts.releaser.commit(order)  # changes nothing that is published; what is left beside it is cleared
            finish_release(parts, request_id, held, order)
            return
        if found != "absent":
            give_up_release(parts, request_id, held)
            return
        parts.releaser.clean(order)  # who was asleep until now finds nothing left to publish
        with parts.store.write() as work:
            consumption.copy_again(work, held)
    elif request.enforcement == "broker":
        parts.releaser.clean(order_of(parts, request, grant, row.release_name, held.fence))
        raise Refused("whoever asked did not write the files in time. Nothing was published; ask again.")
    order = order_of(parts, request, grant, row.release_name, held.fence)
    # What had begun to be published in time is finished: whoever began it may only be asleep, and publish it yet.
    if row.state != "committing" and grant.not_after <= parts.clock.now() and held.fence > 1:
        raise Refused(
            f"the grant ran out at {timestamp(grant.not_after)} before the files could be released. Ask again."
        )
    if not has_copy(parts, request):
        raise DatasetError("its sealed copy is at another gate, which releases it when it runs.")
    reach("before copy")
    copied = parts.releaser.copy(order, _progress(parts, request_id, held))
    if copied.content_digest != grant.content_digest:
        parts.releaser.clean(order)
        raise Refused("what was written is not what was signed. Nothing was released; stage the data and ask again.")
    reach("after copy")
    with parts.store.write() as work:
        consumption.begin_commit(work, held, parts.clock.now())
        parts.record(work, "release.committing", get_request(work, request_id), grant=held.grant, fence=held.fence)
        reach("before begin commit")
    reach("after begin commit")
    try:
        parts.releaser.commit(order)
    except Refused:
        parts.releaser.clean(order)
        raise
    finish_release(parts, request_id, held, order)


def order_of(parts: Parts, request: Request, grant: Grant, version: str, fence: int) -> ReleaseOrder:
    """Return what to release where, as it was signed."""
    if request.sealed is None or grant.request != request.id:
        raise Refused(f"request {request.id} has nothing to release.")
    registered = parts.registry.destinations.get(grant.destination)
    if registered is None or destination_digest(registered) != grant.destination_digest:
        raise Refused(f"destination {grant.destination!r} is not registered as it was signed. Ask again.")
    with parts.store.read() as work:
        sealed = with_key(work, parts.registry, request) or request.sealed
    return ReleaseOrder(grant.id, fence, request.id, registered, sealed, version)


def _order_of_commit(parts: Parts, request: Request, grant: Grant, version: str, fence: int) -> ReleaseOrder:
    """Return the order of a release that may be visible already, so that it must not be given up unseen."""
    try:
        return order_of(parts, request, grant, version, fence)
    except Refused as error:
        raise DatasetError(f"it cannot be told whether the release was published: {error}") from None


def _progress(parts: Parts, request_id: str, held: Held) -> Callable[[int, int], None]:
    renewed = parts.clock.now()
    step = 0

    def tell(done: int, total: int) -> None:
        nonlocal renewed, step
        now = parts.clock.now()
        reached = done * 20 // total if total else 20
        if reached == step and now - renewed < consumption.LEASE / 4:
            return
        step, renewed = reached, now
        with parts.store.write() as work:
            consumption.renew(work, held, now)
            work.execute(
                update(tables.requests).where(tables.requests.c.id == request_id).values(done=done, total=total)
            )

    return tell


def finish_release(parts: Parts, request_id: str, held: Held, order: ReleaseOrder) -> None:
    """Say that a release is published, with its receipt."""
    reach("after publish")
    with parts.store.write() as work:
        receipt = _receipt(parts, order)
        consumption.finish(work, held, receipt)
        released = parts.advance(
            work, get_request(work, request_id), State.RELEASED, f"Released to {receipt['location']}."
        )
        parts.record(work, "release.completed", released, receipt=receipt, fence=held.fence)
        reach("before finish")
    reach("after finish")


def _receipt(parts: Parts, order: ReleaseOrder) -> dict[str, Any]:
    return {
        "grant": order.grant,
        "request": order.request,
        "destination": order.destination.id,
        "location": location_of(order),
        "files": [asdict(file) for file in order.sealed.files],
        "bytes": order.sealed.size,
        "content_digest": order.sealed.content_digest,
        "released_at": timestamp(parts.clock.now()),
    }


def fail_release(parts: Parts, request_id: str, held: Held, message: str) -> None:
    """Give a release up, of which nothing is published."""
    with parts.store.write() as work:
        consumption.fail(work, held)
        failed = parts.advance(work, get_request(work, request_id), State.FAILED, message)
        parts.refuse(work, failed, "release.failed", Refused(message), grant=held.grant, fence=held.fence)


def give_up_release(parts: Parts, request_id: str, held: Held) -> None:
    """Settle what may have happened and leaves no trace to look for: to do it again could do it twice."""
    message = (
        "The gate stopped while this was being carried out, and it cannot be found out whether it was. It is not tried "
        "again. Look at the other side; if it was not, ask again."
    )
    with parts.store.write() as work:
        consumption.give_up(work, held)
        over = parts.advance(work, get_request(work, request_id), State.INDETERMINATE, message)
        parts.refuse(work, over, "release.indeterminate", Refused(message), grant=held.grant, fence=held.fence)


def try_release_later(parts: Parts, request_id: str, held: Held, message: str) -> None:
    """Leave the grant to the next attempt; the pause grows with each, and the grant's own end ends it."""
    pause = min(timedelta(seconds=2 ** min(held.fence, 9)), _LONGEST_PAUSE)
    with parts.store.write() as work:
        consumption.let_go(work, held, parts.clock.now() + pause)
        later = f"{message} The gate tries again."
        work.execute(update(tables.requests).where(tables.requests.c.id == request_id).values(message=later))
        parts.refuse(
            work,
            get_request(work, request_id),
            "release.interrupted",
            Refused(later),
            grant=held.grant,
            fence=held.fence,
        )
