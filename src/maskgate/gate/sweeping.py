"""What has to happen without anybody asking: time runs out, tasks are woken, copies are deleted, people are told."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, or_, select, update

from maskgate.errors import HostUnreachable, MaskgateError, Refused
from maskgate.gate import consumption
from maskgate.gate.announcing import send_announcements
from maskgate.gate.audience import audience_of
from maskgate.gate.deciding import expire
from maskgate.gate.escalation import keep_reminding
from maskgate.gate.hold_ending import end_holds
from maskgate.gate.host import NOTE
from maskgate.gate.lifecycle import SETTLED, State
from maskgate.gate.parts import active_policy
from maskgate.gate.request import Request, find_request, get_request, list_requests
from maskgate.gate.sources import MASKED_ROOT
from maskgate.gate.staging import Staging
from maskgate.gate.staging_keys import erase_staging_key
from maskgate.store import tables

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from maskgate.gate.host import RunFacts
    from maskgate.gate.parts import Parts

# Airflow 3.3 can fail a task that is answered before its scheduler knows that the parking process has ended. It learns
# that as late as the worker's `min_heartbeat_interval` (5 s) and one scheduler loop after the task is shown as parked.
PARKED_FOR = timedelta(seconds=8)
_MOST_WAKINGS = 60
_MOST_NOTICES = 8
_LONGEST_PAUSE = timedelta(seconds=60)
_TURN = timedelta(seconds=30)
_OVER = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
# What happened, whatever the request has come to since.
_ALWAYS_TRUE = frozenset({"break_glass", "post_review"})
_SIGNED = frozenset({State.APPROVED, State.RELEASING, State.RELEASED})


def sweep(parts: Parts) -> None:
    """Do everything that has come due."""
    end_what_is_over(parts)
    end_holds(parts)
    keep_reminding(parts)
    wake_parked_tasks(parts)
    delete_what_is_done(parts)
    send_notices(parts)
    send_announcements(parts)


def end_what_is_over(parts: Parts) -> None:
    """Expire requests that nobody signed in time, and grants that nobody used in time."""
    now = parts.clock.now()
    with parts.store.read() as work:
        over = and_(tables.requests.c.expires_at <= now, tables.requests.c.held_until.is_(None))
        waiting = list_requests(work, State.PENDING, State.APPROVED, where=over)
    for seen in waiting:
        with parts.store.write() as work:
            request = get_request(work, seen.id)
            if request.state is State.PENDING and request.is_overdue(now):
                expire(parts, work, request)
            elif request.state is State.APPROVED:
                _expire_grant(parts, work, request, now)


def _expire_grant(parts: Parts, work: Any, request: Request, now: datetime) -> None:
    grant = work.execute(select(tables.grants).where(tables.grants.c.request == request.id)).one()
    if grant.not_after <= now and consumption.void(work, grant.id):
        message = "It was signed, but not released in time. Nothing was released; ask again."
        expired = parts.advance(work, request, State.EXPIRED, message)
        parts.record(work, "request.expired", expired, was=str(request.state), grant=grant.id)


def wake_parked_tasks(parts: Parts) -> None:
    """Answer tasks whose request was decided elsewhere, until they are no longer parked.

    While a request is pending, the gate only looks since when its task has been parked, so that after the decision
    the pipeline need not wait for that.
    """
    now = parts.clock.now()
    with parts.store.read() as work:
        due = list_requests(work, where=tables.requests.c.wake_after <= now)
    for request in due:
        taken = _turn(parts, request, now)
        if taken is not None:
            _wake(parts, taken)


def _wake(parts: Parts, request: Request) -> None:
    run, now = request.host, parts.clock.now()
    if run is None or run.host not in parts.hosts or request.wake_attempts >= _MOST_WAKINGS:
        _plan(parts, request, None)
        return
    host = parts.hosts[run.host]
    again = now + min(timedelta(seconds=2 ** min(request.wake_attempts, 6) / 2), _LONGEST_PAUSE)
    try:
        facts = host.read_run(run)
        if facts.state in _OVER:
            _plan(parts, request, None)
        elif not facts.parked:
            _plan(parts, request, again)
        elif request.state is State.PENDING:
            if facts.note.startswith(NOTE) and not request.answer_seen:  # it tells how an earlier request ended
                host.note(run, f"{NOTE}{request.message}")
            _plan(parts, request, None, parked_at=_parked_since(request, facts, now))
        elif now < (since := _parked_since(request, facts, now)) + PARKED_FOR:
            _plan(parts, request, since + PARKED_FOR, parked_at=since)
        else:
            host.wake(run, approved=request.state in _SIGNED)
            if request.answer_seen:  # beside the task stands what is said of an earlier answer
                host.note(run, f"{NOTE}{request.message}")
            _plan(parts, request, again, parked_at=since)
    except HostUnreachable:
        _plan(parts, request, again)
    except Refused:
        _plan(parts, request, None)


def _turn(parts: Parts, request: Request, now: datetime) -> Request | None:
    """Take the turn to look at a task; None if another gate has it. Should this one die, it is due again soon."""
    if not parts.store.is_shared:
        return request
    taken = replace(request, wake_after=now + _TURN)
    chosen = update(tables.requests).where(
        tables.requests.c.id == request.id, tables.requests.c.wake_after == request.wake_after
    )
    with parts.store.write() as work:
        return taken if work.execute(chosen.values(wake_after=taken.wake_after)).rowcount == 1 else None


def _parked_since(request: Request, facts: RunFacts, now: datetime) -> datetime:
    return facts.parked_since or request.parked_at or now


def _plan(parts: Parts, request: Request, when: datetime | None, parked_at: datetime | None = None) -> None:
    """Note when to look again. It changes nothing that was decided, so it does not count as a change."""
    values = {"wake_after": when, "wake_attempts": request.wake_attempts + 1, "parked_at": parked_at}
    chosen = update(tables.requests).where(
        tables.requests.c.id == request.id, tables.requests.c.wake_after == request.wake_after
    )
    with parts.store.write() as work:
        work.execute(chosen.values(values))


def delete_what_is_done(parts: Parts) -> None:
    """Delete sealed copies of settled requests, and stagings that nothing waits for."""
    for folder in _sealed_copies(parts):
        with parts.store.read() as work:
            request = find_request(work, folder.name)
        if request is None or not request.is_settled:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            with parts.store.write() as work:
                chosen = update(tables.requests).where(tables.requests.c.id == request.id)
                work.execute(chosen.values(cleaned_at=parts.clock.now()))
                parts.record(work, "sealed_copy.deleted", request, state=str(request.state))
    for staging_id in _stagings_to_delete(parts):
        _delete_staging(parts, staging_id)


def _sealed_copies(parts: Parts) -> list[Path]:
    """List the copies that this gate holds; other gates delete theirs."""
    try:
        return sorted(parts.sealed_folder.iterdir())
    except FileNotFoundError:
        return []


def _stagings_to_delete(parts: Parts) -> list[str]:
    now = parts.clock.now()
    stagings, requests = tables.stagings.c, tables.requests.c
    about = exists().where(requests.staging == stagings.id)
    is_wanted = about.where(requests.state.not_in(SETTLED))
    is_over_or_used = or_(about, stagings.expires_at <= now)
    chosen = select(stagings.id).where(stagings.deleted_at.is_(None), ~is_wanted, is_over_or_used)
    with parts.store.read() as work:
        return list(work.execute(chosen).scalars())


def _delete_staging(parts: Parts, staging_id: str) -> None:
    with parts.store.read() as work:
        row = work.execute(select(tables.stagings).where(tables.stagings.c.id == staging_id)).one()
    root = parts.registry.staging.get(row.root)
    if root is None and row.root != MASKED_ROOT:
        return
    with parts.store.write() as work:
        if erase_staging_key(work, staging_id):
            parts.record(work, "staging.key_erased", staging=staging_id, root=row.root)
    try:
        if root is not None:  # what the releaser masked lies with the sealed copy, and goes with it
            Staging(root).delete(staging_id)
    except (MaskgateError, OSError):
        return  # The next sweep tries again; until then the row says that it is there.
    with parts.store.write() as work:
        now = parts.clock.now()
        done = work.execute(
            update(tables.stagings)
            .where(tables.stagings.c.id == staging_id, tables.stagings.c.deleted_at.is_(None))
            .values(deleted_at=now)
        )
        if done.rowcount == 1:
            parts.record(work, "staging.deleted", staging=staging_id, root=row.root)


def send_notices(parts: Parts) -> None:
    """Tell people what changed, once it is stored; a message that does not get through is tried again."""
    now = parts.clock.now()
    with parts.store.read() as work:
        due = work.execute(select(tables.notices).where(tables.notices.c.due_at <= now).order_by("id")).all()
    for notice in due:
        attempts = notice.attempts + 1
        again = now + timedelta(seconds=2**attempts) if attempts < _MOST_NOTICES else None
        # Planned before it is sent: another gate does not send it too, and this one may die on the way.
        if not _plan_notice(parts, notice, again):
            continue
        with parts.store.read() as work:
            request = get_request(work, notice.request)
            audience = audience_of(active_policy(work), request)
            document = {**parts.document(work, request), "occasion": notice.kind or "state", "audience": audience}
        is_true = notice.kind in _ALWAYS_TRUE or str(request.state) == notice.state
        sent = [_send(parts, notifier, request, document) for notifier in parts.notifiers] if is_true else []
        if not any(sent) and again is not None:
            _plan_notice(parts, notice, None, planned=again)


def _send(parts: Parts, notifier: Any, request: Request, document: Any) -> str | None:
    refusal = None
    try:
        notifier.notify(document)
    except MaskgateError as error:
        refusal = str(error)
    facts = {"refusal": refusal} if refusal else {}
    with parts.store.write() as work:
        kind = "notification.failed" if refusal else "notification.sent"
        parts.record(work, kind, request, channel=notifier.channel, state=str(request.state), **facts)
    return refusal


def _plan_notice(parts: Parts, notice: Any, due_at: datetime | None, *, planned: datetime | None = None) -> bool:
    """Note when a message is due again; say whether nobody else did so in between."""
    rows = tables.notices.c
    chosen = update(tables.notices).where(rows.id == notice.id, rows.due_at == (planned or notice.due_at))
    with parts.store.write() as work:
        return work.execute(chosen.values(due_at=due_at, attempts=notice.attempts + 1)).rowcount == 1
