"""What every verb of the gate works with, and the few steps that all of them share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import select

from maskgate.errors import MaskgateError
from maskgate.gate.beside import read_beside
from maskgate.gate.document import document_of
from maskgate.gate.dry_runs import DryRuns
from maskgate.gate.lifecycle import SETTLED, State
from maskgate.gate.policy_reader import read_policy
from maskgate.gate.request import change_request
from maskgate.gate.shared_turn import SharedTurn
from maskgate.gate.work_queue import WorkQueue
from maskgate.ledger import append
from maskgate.store import defer, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from maskgate.clock import Clock
    from maskgate.gate.action_handler import ActionHandler
    from maskgate.gate.beside import Beside
    from maskgate.gate.gate_keys import GateKeys
    from maskgate.gate.host import Host
    from maskgate.gate.model import Limits, Sealed
    from maskgate.gate.notifier import Notifier
    from maskgate.gate.policy import Policy
    from maskgate.gate.registry import Registry
    from maskgate.gate.releaser import Releaser
    from maskgate.gate.request import Request
    from maskgate.gate.ring import Ring
    from maskgate.gate.staging import Staging
    from maskgate.rules import Rules
    from maskgate.store import Store, Work


class Sealer(Protocol):
    """What :func:`maskgate.gate.sealing.seal` does."""

    def __call__(
        self,
        staging: Staging,
        staging_id: str,
        folder: Path,
        *,
        rules: Mapping[str, Rules],
        limits: Limits,
        progress: Callable[[int, int], None],
        quasi_identifiers: Sequence[tuple[str, ...]] = (),
    ) -> Sealed:
        """Copy a staging into the gate's own folder, and measure the copy."""
        ...


@dataclass(frozen=True)
class Parts:
    """The parts of one gate process.

    Attributes:
        store: The database.
        clock: What time it is.
        keys: The gate's own keys.
        registry: What the configuration registers.
        hosts: Orchestrators by kind and instance, such as ``airflow:prod``.
        notifiers: Ways of telling people.
        releaser: Moves approved bytes.
        sealer: Copies and measures staged bytes.
        sealed_folder: Where the gate keeps its own copies.
        worker: Random name of this process; leases carry it.
        handlers: What carries out actions that release no staged files, by verb.
        queue: What this process has taken on.
        dry_runs: What callers of this process wait for a releaser to try.
    """

    store: Store
    clock: Clock
    keys: GateKeys
    registry: Registry
    hosts: Mapping[str, Host]
    notifiers: tuple[Notifier, ...]
    releaser: Releaser
    sealer: Sealer
    sealed_folder: Path
    worker: str
    handlers: Mapping[str, ActionHandler] = field(default_factory=dict)
    queue: WorkQueue = field(default_factory=WorkQueue)
    deciders: SharedTurn[Any, Any] = field(default_factory=SharedTurn)
    dry_runs: DryRuns = field(default_factory=DryRuns)

    @property
    def ring(self) -> Ring:
        """The keys whose grants this gate releases, as it last knew them: its own, pinned in its home."""
        return self.keys.known

    def record(self, work: Work, type_: str, request: Request | None = None, **facts: Any) -> None:
        """Append an entry to the ledger, in the caller's transaction."""
        named = {} if request is None else {"request": request.id}
        append(work, type_, {**named, **facts}, self.clock.now())

    def document(self, work: Work, request: Request) -> dict[str, Any]:
        """Show a request."""
        return self.documents(work, [request])[0]

    def documents(self, work: Work, requests: Sequence[Request]) -> list[dict[str, Any]]:
        """Show several requests."""
        beside = read_beside(work, requests)
        return [self.shown(request, beside[request.id]) for request in requests]

    def shown(self, request: Request, beside: Beside) -> dict[str, Any]:
        """Show a request of which everything was read."""
        return document_of(request, beside, self.registry.review_url(request.id))

    def sealed_copy(self, request: Request) -> Path:
        """Return where the gate's copy for a request is."""
        return self.sealed_folder / request.id

    def advance(
        self, work: Work, request: Request, state: State, message: str, *, at_the_end: bool = False, **changes: Any
    ) -> Request:
        """Bring a request to another state: wake its task, and tell people, where that is due."""
        now = self.clock.now()
        if state in SETTLED:
            changes = {"settled_at": now, **changes}
        # A task parks when its request is pending, and has to be woken when it no longer is.
        if request.state in {State.SEALING, State.PENDING} and request.host is not None and request.host.parks:
            changes = {"wake_after": now, "wake_attempts": 0, **changes}
        if state is State.PENDING:
            changes = {**_times(request, now), **changes}
        after = change_request(work, request, at_the_end=at_the_end, state=state, message=message, **changes)
        if state is State.PENDING or state in SETTLED or state is State.APPROVED:
            due_at = now if self.notifiers else None
            defer(work, _NOTICE, {"request": request.id, "state": str(state), "attempts": 0, "due_at": due_at})
        return after

    def tell(self, work: Work, request: Request, kind: str) -> None:
        """Tell people something else of a request than that it came to a state."""
        due = self.clock.now() if self.notifiers else None
        row = {"request": request.id, "state": str(request.state), "attempts": 0, "due_at": due, "kind": kind}
        work.execute(tables.notices.insert().values(row))

    def refuse(self, work: Work, request: Request, type_: str, error: MaskgateError, **facts: Any) -> None:
        """Record a refusal about a request, for the ledger and for people."""
        message = str(error)
        work.execute(tables.refusals.insert().values(request=request.id, at=self.clock.now(), message=message))
        self.record(work, type_, request, refusal=message, **facts)


def _times(request: Request, now: datetime) -> dict[str, Any]:
    """Say when people are to be reminded of a request that begins to wait, and when others may sign as well."""
    remind, escalate = request.terms.remind, request.terms.escalate
    return {
        "remind_at": None if remind is None else now + remind.after,
        "reminders": 0,
        "escalate_at": None if escalate is None else now + escalate.after,
    }


def active_policy(work: Work) -> Policy:
    """Return the policy in force."""
    return policy_of(work, work.execute(DIGEST_IN_FORCE).scalar())


def policy_of(work: Work, digest: str | None) -> Policy:
    """Return the policy in force, whose digest was read already."""
    if digest is None:
        raise MaskgateError("the gate has no policy yet. Start it with `maskgate serve`.")
    if digest not in _PARSED:
        text = work.execute(select(tables.policies.c.text).where(tables.policies.c.digest == digest)).scalar_one()
        read = read_policy(text, "the gate's policy")
        if read.digest != digest:
            raise MaskgateError("the policy in the gate's database is not the one that was put into force.")
        _PARSED[digest] = read
    return _PARSED[digest]


def registered_rules(work: Work) -> dict[str, Rules]:
    """Return the rules in force, by digest."""
    from maskgate.rules import Rules  # noqa: PLC0415  it loads every method, and most of a gate's life needs none

    rows = work.execute(select(tables.rules).where(tables.rules.c.active))
    return {row.digest: Rules.from_json(row.content) for row in rows}


_NOTICE = tables.notices.insert().inline()
DIGEST_IN_FORCE = select(tables.policies.c.digest).where(tables.policies.c.active)
# By digest, so that a text is parsed once in a process.
_PARSED: dict[str, Policy] = {}
