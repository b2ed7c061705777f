"""Whether hosts, destinations and the gate's own rows tell the same story; what does not fit is said, once.

* A host that shows success where the gate released nothing: somebody marked a task, or forged what it rests on.
* A version at a destination that no request knows, or whose request was never released: somebody else put it there, or
  the gate's database is older than what it did.
* Releases that were interrupted go on by themselves; those that nobody can tell the outcome of wait for people.

It changes nothing but its own findings. It is done every now and then by one of the gates that share a database.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, and_, cast, exists, func, select, update

from maskgate.canonical import digest
from maskgate.clock import moment, timestamp
from maskgate.errors import MaskgateError, NotAllowed
from maskgate.gate import consumption
from maskgate.gate.lifecycle import State
from maskgate.gate.parts import active_policy
from maskgate.gate.request import get_request, list_requests
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.host import RunOutcome
    from maskgate.gate.model import Caller, Destination
    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work

EVERY = timedelta(minutes=10)
SUCCESS = "success_without_receipt"
UNKNOWN = "receipt_without_request"
# What each kind of finding is, in words for people.
FINDINGS = {
    SUCCESS: "A host shows success, and nothing was released",
    UNKNOWN: "A version at a destination that no release explains",
}
_LOOKED = "looked"
_SETTING = "reconciled_at"
_BACK = timedelta(days=7)
_NULL = "null"  # of a JSON column
_MOST_RUNS = 100
_OURS = re.compile(r"[0-9]{8}T[0-9]{6}Z-(req_[0-9a-f]{20})")
# Where success of the whole run is no news: who was told no may end well, and does so without a release.
_TOLD_NO = frozenset({State.REFUSED, State.DENIED, State.WITHDRAWN})
_DONE = frozenset({"used", "committing", "releasing"})


class ReconcilingVerbs:
    """The part of the gate that compares; `Gate` is all of it."""

    _parts: Parts

    def reconcile(self) -> bool:
        """Compare hosts, destinations and rows, if it is time again; say whether it was."""
        return reconcile(self._parts)

    def reconciliation(self, caller: Caller) -> dict[str, Any]:
        """Show what did not fit, for auditors and people of the policy."""
        with self._parts.store.read() as work:
            is_person = caller.identity is not None and active_policy(work).people.person_of(caller.identity.accounts)
            if caller.role != "auditor" and not is_person:
                raise NotAllowed("what was reconciled is for auditors and for people of the policy.")
            return report(self._parts, work)


def reconcile(parts: Parts) -> bool:
    """Look at hosts and destinations, if it is time again; say whether it was."""
    if not _turn(parts):
        return False
    for request in _unreleased(parts):
        _look_at_run(parts, request)
    if not parts.releaser.is_elsewhere:
        for destination in parts.registry.destinations.values():
            _look_at_destination(parts, destination)
    return True


def report(parts: Parts, work: Work) -> dict[str, Any]:
    """Return what was found, what is interrupted, and what nobody can tell the outcome of."""
    found = work.execute(
        select(tables.findings).where(tables.findings.c.kind != _LOOKED).order_by(tables.findings.c.found_at.desc())
    )
    last = work.execute(select(tables.settings.c.value).where(tables.settings.c.name == _SETTING)).scalar()
    return {
        "looked_at": last,
        "findings": [
            {"kind": row.kind, "request": row.request, "found_at": timestamp(row.found_at), **row.about}
            for row in found
        ],
        "interrupted": consumption.interrupted(work, parts.clock.now()),
        "indeterminate": [request.id for request in list_requests(work, State.INDETERMINATE)],
    }


def _turn(parts: Parts) -> bool:
    """Take the turn, so that one gate looks at a time, and none too often."""
    settings = tables.settings
    with parts.store.write() as work:
        now = parts.clock.now()
        last = work.execute(select(settings.c.value).where(settings.c.name == _SETTING)).scalar()
        if last is None:
            work.execute(settings.insert().values(name=_SETTING, value=timestamp(now)))
            return True
        if moment(last) + EVERY > now:
            return False
        work.execute(update(settings).where(settings.c.name == _SETTING).values(value=timestamp(now)))
        return True


# --- hosts -------------------------------------------------------------------------------------------------------


def _unreleased(parts: Parts) -> list[Request]:
    """List requests of runs of the last days that were not released, and whose run is not known to be over."""
    rows, since = tables.requests.c, parts.clock.now() - _BACK
    is_known = exists().where(tables.findings.c.request == rows.id)
    has_run = func.coalesce(cast(rows.host, Text), _NULL) != _NULL
    wanted = and_(rows.created_at > since, rows.state != str(State.RELEASED), has_run, ~is_known)
    with parts.store.read() as work:
        return list_requests(work, where=wanted, at_most=_MOST_RUNS)


def _look_at_run(parts: Parts, request: Request) -> None:
    run = request.host
    if run is None or run.host not in parts.hosts:
        return
    try:
        outcome = parts.hosts[run.host].read_outcome(run)
    except MaskgateError:
        return  # it does not answer, or no longer knows the run; the next look is soon
    with parts.store.write() as work:
        now = get_request(work, request.id)
        if now.state is State.RELEASED or (now.state is State.RELEASING and not outcome.is_over):
            return
        if _is_wrong(now, outcome):
            about = {"host": run.host, "run": run.run_id, "shown": outcome.state, "state": str(now.state)}
            about |= {"task": outcome.released_by} if outcome.released_by else {}
            _find(parts, work, SUCCESS, request.id, about)
        elif outcome.is_over and now.is_settled:
            _find(parts, work, _LOOKED, request.id, {"run": run.run_id})


def _is_wrong(request: Request, outcome: RunOutcome) -> bool:
    """Whether a host shows a success that cannot be, as nothing was released."""
    if request.state is State.RELEASING:
        return False  # the receipt is on its way
    return bool(outcome.released_by) or (outcome.is_success and request.state not in _TOLD_NO)


# --- destinations ------------------------------------------------------------------------------------------------


def _look_at_destination(parts: Parts, destination: Destination) -> None:
    try:
        there = [name for name in parts.releaser.versions(destination) if _OURS.fullmatch(name)]
    except MaskgateError:
        return  # it cannot be read now; the next look is soon
    except Exception:  # noqa: BLE001  storage libraries raise what they like, and their words may hold a credential
        return
    grants = tables.grants.c
    with parts.store.read() as work:
        rows = work.execute(select(grants.release_name, grants.state, grants.request)).all()
    known = {row.release_name: row for row in rows}
    for name in there:
        row = known.get(name)
        if row is not None and row.state in _DONE:
            continue
        about = {"destination": destination.id, "version": name, "grant_state": None if row is None else row.state}
        with parts.store.write() as work:
            _find(parts, work, UNKNOWN, None if row is None else row.request, about)


def _find(parts: Parts, work: Work, kind: str, request: str | None, about: Mapping[str, Any]) -> None:
    """Keep a finding and tell the ledger, unless it was found before."""
    named = {name: value for name, value in about.items() if name not in {"state", "shown", "grant_state"}}
    key = digest("finding", {"kind": kind, "request": request, **named})
    if work.execute(select(tables.findings.c.key).where(tables.findings.c.key == key)).first() is not None:
        return
    row = {"key": key, "kind": kind, "request": request, "about": dict(about), "found_at": parts.clock.now()}
    work.execute(tables.findings.insert().values(row))
    if kind != _LOOKED:
        parts.record(work, f"reconcile.{kind}", about=request, **about)
