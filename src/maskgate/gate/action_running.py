"""Carrying out an approved action, once: by the handler that is registered for it, or by whoever asked.

::

    start()       envelope, live row, run, arguments, time  ─▶ consume ─▶ committing
    by a handler  it runs, with the gate's credentials      ─▶ used, with receipt
    by a caller   the signed grant goes out; it renews      ─▶ used, by the one receipt that the caller sends

* The arguments of this very call are hashed again. Changed arguments are another call, and are refused.
* What was begun and of which nobody says how it ended is *indeterminate*. It is never run a second time.
* Output is in the ledger by its digest alone.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.clock import timestamp
from maskgate.errors import Conflict, MaskgateError, NotAllowed, Refused, StillPending, UsageError
from maskgate.gate import consumption
from maskgate.gate.action_asking import handler_digest
from maskgate.gate.action_handler import ActionOrder, IndeterminateError, Outcome
from maskgate.gate.calls import VERIFY, call_digest, checked_arguments
from maskgate.gate.consumption import Held
from maskgate.gate.fault_points import reach
from maskgate.gate.grants import open_envelope
from maskgate.gate.lifecycle import State
from maskgate.gate.request import get_request
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.action_handler import ActionHandler
    from maskgate.gate.grants import Grant
    from maskgate.gate.host import HostRun
    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work

# How long a caller may be silent while it carries an action out.
CALLER_LEASE = timedelta(minutes=10)
_AFTERWARDS = timedelta(seconds=60)


@dataclass(frozen=True)
class HeldAction(Held):
    """The right to have a handler run, with the arguments that came for it; they are kept nowhere else."""

    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Begun:
    """What the gate hands to a caller who carries an action out.

    Attributes:
        fence: The attempt, which the receipt has to name.
        envelope: The signed grant.
    """

    fence: int
    envelope: Mapping[str, Any]


def start(
    parts: Parts, request_id: str, run: HostRun | None, *, arguments: Mapping[str, Any] | None, digest: str | None
) -> Begun | None:
    """Consume the grant of an approved action; have its handler run, or return the grant to the caller.

    Args:
        parts: The gate's parts.
        request_id: Which request.
        run: The run that calls, if one does.
        arguments: The arguments of this call; a handler needs them.
        digest: The digest of this call, where the arguments stay with the caller.

    Returns:
        None if a handler carries it out.

    Raises:
        StillPending: If it waits for signatures, or is held.
        Conflict: If it was begun before, or the arguments are not those that were signed.
        Refused: If it was denied, has run out, or anything is not as it was signed.
    """
    with parts.store.write() as work:
        request = get_request(work, request_id)
        try:
            with work.begin_nested():
                return _start(parts, work, request, run, arguments=arguments, digest=digest)
        except MaskgateError as error:
            refusal = error
        claimed = None if run is None else run.as_json()
        parts.refuse(work, request, "release.refused", refusal, host=claimed, state=str(request.state))
    raise refusal


def _start(
    parts: Parts,
    work: Work,
    request: Request,
    run: HostRun | None,
    *,
    arguments: Mapping[str, Any] | None,
    digest: str | None,
) -> Begun | None:
    _must_be_its_run(request, run)
    handler = parts.handlers.get(request.action)
    if handler is not None and request.level != VERIFY and request.state in {State.RELEASING, State.RELEASED}:
        return None
    if request.state is State.PENDING:
        raise StillPending(f"request {request.id} is pending. {request.message}")
    if request.state in {State.RELEASING, State.RELEASED, State.INDETERMINATE}:
        raise Conflict(f"request {request.id} is {request.state}: its grant was used, and works once. Ask again.")
    if request.state is not State.APPROVED:
        raise Refused(f"request {request.id} is {request.state}, so nothing is done. {request.message}")
    given = _checked_call(request, arguments, digest)
    row = work.execute(select(tables.grants).where(tables.grants.c.request == request.id)).first()
    if row is None:
        raise Refused(f"request {request.id} has no grant. Ask again.")
    _check_grant(parts, request, open_envelope(row.envelope, parts.keys.ring(work)), row.id)
    if request.level == VERIFY:
        return _hand_out(parts, work, request, row)
    if given is None or handler is None:
        raise UsageError("a handler carries this action out, and needs its `arguments`, not their digest alone.")
    _check_handler(request, handler)
    held = consumption.consume(work, row.id, worker=parts.worker, now=parts.clock.now())
    started = parts.advance(work, request, State.RELEASING, "The registered handler carries it out.")
    parts.record(work, "release.started", started, grant=row.id, fence=held.fence, by="handler")
    if handler.is_elsewhere:
        consumption.renew(work, held, parts.clock.now(), CALLER_LEASE)  # so long its releaser may take to come for it
    parts.queue.put(request.id, HeldAction(held.grant, held.fence, given, is_elsewhere=handler.is_elsewhere))
    return None


def _hand_out(parts: Parts, work: Work, request: Request, row: Any) -> Begun:
    now = parts.clock.now()
    held = consumption.consume(work, row.id, worker=consumption.CALLER, now=now)
    consumption.begin_commit(work, held, now, CALLER_LEASE)
    started = parts.advance(work, request, State.RELEASING, "Whoever asked carries it out, and reports how it ended.")
    parts.record(work, "release.started", started, grant=row.id, fence=held.fence, by="caller")
    return Begun(held.fence, row.envelope)


def _must_be_its_run(request: Request, run: HostRun | None) -> None:
    asked = None if request.host is None else request.host.identity
    if asked != (None if run is None else run.identity):
        raise NotAllowed(f"request {request.id} belongs to another run than this one. Ask in the run that acts.")


def _checked_call(request: Request, arguments: Mapping[str, Any] | None, digest: str | None) -> dict[str, Any] | None:
    """Return the arguments of this call, if it is the one that was signed; None if it named its digest alone."""
    given = None if arguments is None else checked_arguments(arguments)
    if given is not None:
        salt = str(dict(request.arguments or {})["salt"])
        digest = call_digest(request.action, request.resource or "", given, salt)
    if digest is None:
        raise UsageError("name the `arguments` of the call, or their `arguments_digest`: they are checked again.")
    if not hmac.compare_digest(digest.encode(), (request.content_digest or "").encode()):
        raise Conflict(
            f"the arguments of this call are not those that were signed in request {request.id}. Nothing was done; "
            "ask again for what is to be done now."
        )
    return given


def _check_grant(parts: Parts, request: Request, grant: Grant, row_id: str) -> None:
    same = (
        (grant.id, grant.request, grant.action) == (row_id, request.id, request.action)
        and (grant.intent_digest, grant.content_digest) == (request.intent_digest, request.content_digest)
        and grant.host == (None if request.host is None else request.host.identity)
        and grant.destination == ""
    )
    if not same:
        raise Refused(f"the grant of request {request.id} is for something else. Nothing was done; ask again.")
    if grant.not_after <= parts.clock.now():
        raise Refused(f"the grant of request {request.id} ran out at {timestamp(grant.not_after)}. Ask again.")


def _check_handler(request: Request, handler: ActionHandler) -> None:
    if dict(request.arguments or {}).get("handler_digest") != handler_digest(handler):
        raise Refused(f"the handler of `{request.action}` does something else than when this was signed. Ask again.")


def renew(parts: Parts, request_id: str, fence: int) -> None:
    """Say that the caller is still at it.

    Raises:
        Conflict: If this is not the attempt that is under way.
    """
    with parts.store.write() as work:
        held = _held_by_caller(work, get_request(work, request_id), fence)
        consumption.renew(work, held, parts.clock.now(), CALLER_LEASE)


def report(parts: Parts, request_id: str, fence: int, outcome: Outcome) -> Request:
    """Take the one receipt of an action that its caller carried out.

    Raises:
        Conflict: If there was one before, or this is not the attempt that is under way.
    """
    with parts.store.write() as work:
        request = get_request(work, request_id)
        try:
            with work.begin_nested():
                return finish_action(parts, work, request, _held_by_caller(work, request, fence), outcome)
        except MaskgateError as error:
            refusal = error
        parts.refuse(work, request, "receipt.refused", refusal, fence=fence, outcome=outcome.as_json())
    raise refusal


def _held_by_caller(work: Work, request: Request, fence: int) -> Held:
    if request.level != VERIFY or request.state is not State.RELEASING:
        raise Conflict(f"request {request.id} is {request.state}; no receipt of a caller is awaited.")
    row = work.execute(select(tables.grants).where(tables.grants.c.request == request.id)).one()
    return Held(row.id, fence)


def carry_out(parts: Parts, request_id: str) -> None:
    """Have the handler run what was just consumed; or settle what somebody left unfinished."""
    with parts.queue.claim(request_id) as is_mine:
        if not is_mine:
            return
        held = parts.queue.take(request_id)
        try:
            if isinstance(held, HeldAction) and not held.is_elsewhere:
                _run(parts, request_id, held)
            else:
                _settle_abandoned(parts, request_id)
        except Conflict:
            return  # Somebody else has settled it.


def _run(parts: Parts, request_id: str, held: HeldAction) -> None:
    with parts.store.write() as work:
        request, now = get_request(work, request_id), parts.clock.now()
        handler = parts.handlers[request.action]
        consumption.begin_commit(work, held, now, handler.time_limit + _AFTERWARDS)
        parts.record(work, "release.committing", request, grant=held.grant, fence=held.fence)
    order = ActionOrder(held.grant, request_id, request.resource or "", held.arguments)
    reach("before handler")
    try:
        outcome = handler.run(order)
    except Refused as refusal:
        fail_action(parts, request_id, held, str(refusal))
    except MaskgateError as error:
        give_up_action(parts, request_id, held, str(error))
    except Exception as error:  # noqa: BLE001  drivers raise what they like; their messages may hold values
        give_up_action(parts, request_id, held, f"the handler stopped ({type(error).__name__}).")
    else:
        reach("after handler")
        with parts.store.write() as work:
            finish_action(parts, work, get_request(work, request_id), held, outcome)


def _settle_abandoned(parts: Parts, request_id: str) -> None:
    with parts.store.write() as work:
        request = get_request(work, request_id)
        row = work.execute(select(tables.grants).where(tables.grants.c.request == request_id)).one()
        held = consumption.consume(work, row.id, worker=parts.worker, now=parts.clock.now())
        handler = None if request.level == VERIFY else parts.handlers.get(request.action)
    if row.state != "committing":
        fail_action(parts, request_id, held, "The gate stopped before the handler ran. Nothing was done; ask again.")
        return
    if handler is None:
        give_up_action(parts, request_id, held, "Whoever carried it out did not say how it ended.")
        return
    try:
        outcome = handler.probe(row.id)
    except IndeterminateError as error:
        give_up_action(parts, request_id, held, str(error))
        return
    if outcome is None:
        fail_action(
            parts, request_id, held, "The gate stopped while the handler ran, and nothing of it took place. Ask again."
        )
        return
    with parts.store.write() as work:
        finish_action(parts, work, get_request(work, request_id), held, outcome)


def finish_action(parts: Parts, work: Work, request: Request, held: Held, outcome: Outcome) -> Request:
    """Say how an action ended, with its receipt."""
    receipt = {
        "grant": held.grant,
        "request": request.id,
        "action": request.action,
        "resource": request.resource,
        "level": request.level,
        "content_digest": request.content_digest,
        **outcome.as_json(),
        "released_at": timestamp(parts.clock.now()),
    }
    consumption.finish(work, held, receipt)
    how = "" if outcome.exit_code is None else f" ({outcome.exit_code})"
    if outcome.succeeded:
        done = parts.advance(work, request, State.RELEASED, f"Carried out{how}.")
        parts.record(work, "release.completed", done, receipt=receipt, fence=held.fence)
        return done
    message = f"It was carried out, and did not succeed{how}. To do it again, ask again."
    failed = parts.advance(work, request, State.FAILED, message)
    parts.refuse(work, failed, "release.failed", Refused(message), receipt=receipt, fence=held.fence)
    return failed


def fail_action(parts: Parts, request_id: str, held: Held, message: str) -> None:
    """Give an action up of which nothing took place."""
    with parts.store.write() as work:
        consumption.fail(work, held)
        failed = parts.advance(work, get_request(work, request_id), State.FAILED, message)
        parts.refuse(work, failed, "release.failed", Refused(message), grant=held.grant, fence=held.fence)


def give_up_action(parts: Parts, request_id: str, held: Held, message: str) -> None:
    """Settle an action of which nobody can tell whether it took place; it is never tried again."""
    told = f"{message} Whether it took place is not known. It is not tried again; look, and then ask again."
    with parts.store.write() as work:
        consumption.give_up(work, held)
        over = parts.advance(work, get_request(work, request_id), State.INDETERMINATE, told)
        parts.refuse(work, over, "release.indeterminate", Refused(told), grant=held.grant, fence=held.fence)
