"""A request as the gate keeps it, and the only ways to store a change of it.

A change names the version that it was decided on; if another change came first, nothing is written (compare-and-set).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from maskgate.errors import Conflict, NotFound
from maskgate.gate.host import HostRun
from maskgate.gate.lifecycle import SETTLED, State, check_step, is_over
from maskgate.gate.model import Destination, Sealed
from maskgate.gate.requirement import Requirement
from maskgate.gate.terms import Terms
from maskgate.store import defer, tables
from maskgate.store.deferred import BESIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Update

    from maskgate.store import Work


@dataclass(frozen=True)
class Request:
    """One request; the columns of its table say what each field is for."""

    id: str
    state: State
    version: int
    message: str
    action: str
    created_at: datetime
    policy_name: str
    policy_digest: str
    rule: Mapping[str, Any]
    involved: tuple[str, ...] = ()
    why: str = ""
    subject: str | None = None
    staging: str | None = None
    destination: Destination | None = None
    token: str | None = None
    requester_person: str | None = None
    requester_account: str | None = None
    idempotency_key: str | None = None
    host: HostRun | None = None
    workflow: str = ""
    task_instance_id: str | None = None
    try_number: int | None = None
    parked_at: datetime | None = None
    wake_after: datetime | None = None
    wake_attempts: int = 0
    answer_seen: str | None = None
    asked_at: datetime | None = None
    expires_at: datetime | None = None
    settled_at: datetime | None = None
    worker: str | None = None
    done: int = 0
    total: int = 0
    sealed: Sealed | None = None
    content_digest: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    intent: Mapping[str, Any] | None = None
    intent_digest: str | None = None
    context_digest: str | None = None
    question: Mapping[str, Any] | None = None
    cleaned_at: datetime | None = None
    agent: bool | None = None
    resource: str | None = None
    arguments: Mapping[str, Any] | None = None
    level: str | None = None
    manifest: str | None = None
    involvement: Mapping[str, Any] = field(default_factory=dict)
    code_version: str | None = None
    remind_at: datetime | None = None
    reminders: int | None = None
    escalate_at: datetime | None = None
    escalated_at: datetime | None = None
    earlier: tuple[Mapping[str, Any], ...] = ()
    standing: str | None = None
    held_until: datetime | None = None

    @cached_property
    def requirement(self) -> Requirement:
        """Whose signatures the policy demands."""
        return Requirement.from_json(self.rule["requirement"])

    @property
    def channels(self) -> tuple[str, ...]:
        """Through which channels a decision may come."""
        return tuple(self.rule["channels"])

    @property
    def reason_min_length(self) -> int:
        """How long a reason must be."""
        return int(self.rule["reason_min_length"])

    @property
    def expires(self) -> timedelta:
        """How long a decision may take, and then the grant may wait."""
        return timedelta(seconds=self.rule["expires_seconds"])

    @property
    def tier(self) -> str:
        """How much is at stake: ``low``, ``medium`` or ``high``."""
        return str(self.rule.get("tier", "medium"))

    @property
    def reauthenticate(self) -> timedelta | None:
        """How long ago, at most, a reviewer may have logged in; None if that is not asked."""
        seconds = self.rule.get("reauthenticate_seconds")
        return None if seconds is None else timedelta(seconds=seconds)

    @property
    def wants_passkey(self) -> bool:
        """Whether an approval must be signed with a passkey."""
        return bool(self.rule.get("passkey"))

    @cached_property
    def terms(self) -> Terms:
        """What the policy says about time and haste."""
        return Terms.from_json(self.rule.get("terms", {}))

    @property
    def named(self) -> frozenset[str]:
        """Whom only the caller named as involved; the gate knows nothing of it from elsewhere."""
        return frozenset(self.involvement.get("named", ()))

    @property
    def escalated_to(self) -> str | None:
        """The group that may fill the slots as well, now that nobody has for a while."""
        return self.terms.escalate.to if self.escalated_at is not None and self.terms.escalate is not None else None

    def reviewer_groups(self, *, breaks_glass: bool = False) -> frozenset[str]:
        """The reviewer groups whose people may decide it as it stands."""
        more = {self.escalated_to, self.terms.break_glass.group if breaks_glass and self.terms.break_glass else None}
        return frozenset(self.requirement.slots) | frozenset(each for each in more if each is not None)

    @property
    def enforcement(self) -> str | None:
        """How strongly what was signed is enforced; None for a change of the gate itself."""
        if self.level or self.staging is None:
            return self.level
        return "release" if self.destination is None else self.destination.level

    @property
    def is_action(self) -> bool:
        """Whether it is an action that releases no staged files, asked for by name, resource and arguments."""
        return self.resource is not None

    @property
    def policy_because(self) -> tuple[str, ...]:
        """Why this policy counts; empty until it is sure that it does."""
        return tuple(self.rule.get("because", ()))

    @property
    def is_allowed(self) -> bool:
        """Whether the policy records it and asks nobody."""
        return bool(self.rule["allow"])

    def is_overdue(self, now: datetime) -> bool:
        """Whether the time to decide is over; what is signed and held was decided in time."""
        return self.held_until is None and is_over(self.expires_at, now)

    @property
    def is_settled(self) -> bool:
        """Whether nothing can change it any more."""
        return self.state in SETTLED


_NAMES = tuple(each.name for each in fields(Request))


def insert_request(work: Work, request: Request) -> None:
    """Store a new request."""
    work.execute(tables.requests.insert().values(_row(request, _NAMES)))


def change_request(work: Work, before: Request, *, at_the_end: bool = False, **changes: Any) -> Request:
    """Store a change of what was read.

    Args:
        work: A writing transaction.
        before: What was read.
        at_the_end: Whether it is enough to know at the end of the transaction that nobody else has changed it: for
            what was read in this very transaction.
        changes: The fields that change.

    Raises:
        Conflict: If it was changed since it was read, or may not go to that state.
    """
    after = replace(before, version=before.version + 1, **changes)
    if after.state != before.state:
        check_step(before.id, before.state, after.state)
    values = _row(after, ("version", *changes)) | {"seen_id": before.id, "seen_version": before.version}
    lost = Conflict(f"request {before.id} was changed by somebody else in the meantime. Look at it again.")
    if at_the_end:
        defer(work, _change_of(("version", *changes)), values, or_else=lost)
    elif work.execute(_change_of(("version", *changes)), values).rowcount != 1:
        raise lost
    return after


# Statements of every day are made once; making one takes longer than PostgreSQL takes to execute it.
_BY_ID = select(tables.requests).where(tables.requests.c.id == bindparam("id"))


@cache
def _change_of(names: tuple[str, ...]) -> Update:
    seen = (tables.requests.c.id == bindparam("seen_id"), tables.requests.c.version == bindparam("seen_version"))
    changed = update(tables.requests).where(*seen).values({name: bindparam(name) for name in names})
    return changed.execution_options(**BESIDE)


def find_request(work: Work, request_id: str) -> Request | None:
    """Read a request; None if there is none."""
    row = work.execute(_BY_ID, {"id": request_id}).mappings().first()
    return None if row is None else request_of(row)


def get_request(work: Work, request_id: str) -> Request:
    """Read a request.

    Raises:
        NotFound: If there is none.
    """
    request = find_request(work, request_id)
    if request is None:
        raise no_such_request(request_id)
    return request


def no_such_request(request_id: str) -> NotFound:
    """Say that there is no such request, in the same words whether there is none or the caller may not know."""
    shown = "".join(letter for letter in request_id[:60] if letter.isprintable())
    return NotFound(f"there is no request {shown!r} that you may see.")


def find_by_key(work: Work, key: str) -> Request | None:
    """Read the request that was made for the same run, staging, destination and action."""
    row = work.execute(select(tables.requests).where(tables.requests.c.idempotency_key == key)).mappings().first()
    return None if row is None else request_of(row)


def list_requests(
    work: Work, *states: State, where: ColumnElement[bool] | None = None, at_most: int | None = None
) -> list[Request]:
    """Read requests, the newest first.

    Args:
        work: A transaction to read in.
        states: Only those in one of these states.
        where: And only those of which this holds.
        at_most: And only so many.
    """
    chosen = (
        select(tables.requests)
        .limit(at_most)
        .order_by(tables.requests.c.created_at.desc(), tables.requests.c.id.desc())
    )
    if states:
        chosen = chosen.where(tables.requests.c.state.in_(states))
    if where is not None:
        chosen = chosen.where(where)
    return [request_of(row) for row in work.execute(chosen).mappings()]


def _row(request: Request, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(request, name) for name in names}
    for name in values.keys() & _TO_JSON.keys():
        values[name] = None if values[name] is None else _TO_JSON[name](values[name])
    return values


_TO_JSON: dict[str, Callable[[Any], Any]] = {
    "state": str,
    "destination": lambda place: place.as_json(),
    "host": lambda run: run.as_json(),
    "sealed": lambda sealed: sealed.as_json(),
    "involved": sorted,
    "rule": dict,
    "evidence": dict,
    "lineage": dict,
    "involvement": dict,
    "earlier": list,
}
_FROM_JSON: dict[str, Callable[[Any], Any]] = {
    "state": State,
    "destination": lambda value: Destination(**value),
    "host": HostRun.from_json,
    "sealed": Sealed.from_json,
    "involved": tuple,
    "earlier": tuple,
}


def request_of(row: Mapping[Any, Any]) -> Request:
    """Make a request of its row."""
    values = {name: row[name] for name in _NAMES}
    for name, read in _FROM_JSON.items():
        values[name] = None if values[name] is None else read(values[name])
    for name in ("evidence", "lineage", "involvement"):
        values[name] = values[name] or {}
    values["earlier"] = values["earlier"] or ()
    return Request(**values)
