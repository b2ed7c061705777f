"""The gate: every verb of it, and nothing else. Channels and clients call these; none decides anything itself."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.errors import NotAllowed, NotFound
from maskgate.gate import (
    action_running,
    answering,
    asking,
    brokering,
    consumption,
    establishing,
    releasing,
    sealing_lease,
    sealing_step,
    source_masking,
    sweeping,
)
from maskgate.gate.action_verbs import ActionVerbs
from maskgate.gate.asked_again import note_about
from maskgate.gate.beginning import begin
from maskgate.gate.calls import ActionInput
from maskgate.gate.decision_verbs import DecisionVerbs
from maskgate.gate.explaining import explain_request
from maskgate.gate.handler_verbs import HandlerVerbs
from maskgate.gate.identity_verbs import IdentityVerbs
from maskgate.gate.key_verbs import KeyVerbs
from maskgate.gate.lifecycle import State
from maskgate.gate.listing import LONGEST_PAGE, Cursor, read_page
from maskgate.gate.markdown import visible
from maskgate.gate.masker_verbs import MaskerVerbs
from maskgate.gate.parts import Parts, active_policy
from maskgate.gate.reconciling import ReconcilingVerbs
from maskgate.gate.record_verbs import RecordVerbs
from maskgate.gate.releaser_verbs import ReleaserVerbs
from maskgate.gate.request import get_request, no_such_request
from maskgate.gate.reviewer_verbs import ReviewerVerbs
from maskgate.gate.sealing_lazily import seal_lazily
from maskgate.gate.staging_verbs import StagingVerbs
from maskgate.gate.visibility import may_see
from maskgate.ledger import head
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from maskgate.clock import Clock
    from maskgate.gate.action_handler import ActionHandler, Outcome
    from maskgate.gate.gate_keys import GateKeys
    from maskgate.gate.host import Host, HostRun
    from maskgate.gate.model import Caller, RequestInput
    from maskgate.gate.notifier import Notifier
    from maskgate.gate.parts import Sealer
    from maskgate.gate.registry import Registry
    from maskgate.gate.releaser import Releaser
    from maskgate.gate.request import Request
    from maskgate.store import Store, Work


class Gate(
    StagingVerbs,
    DecisionVerbs,
    ActionVerbs,
    ReviewerVerbs,
    IdentityVerbs,
    ReleaserVerbs,
    MaskerVerbs,
    HandlerVerbs,
    KeyVerbs,
    ReconcilingVerbs,
    RecordVerbs,
):
    """One gate process.

    Args:
        store: The database.
        clock: What time it is.
        keys: The gate's own keys.
        registry: What the configuration registers.
        hosts: Orchestrators by kind and instance, such as ``airflow:prod``.
        releaser: Moves approved bytes.
        sealed_folder: Where the gate keeps its own copies.
        notifiers: Ways of telling people.
        handlers: What carries out actions that release no staged files, by verb.
        sealer: Copies and measures staged bytes.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        keys: GateKeys,
        registry: Registry,
        hosts: Mapping[str, Host],
        releaser: Releaser,
        sealed_folder: Path,
        notifiers: Sequence[Notifier] = (),
        handlers: Mapping[str, ActionHandler] | None = None,
        sealer: Sealer = seal_lazily,
    ) -> None:
        self._parts = Parts(
            store=store,
            clock=clock,
            keys=keys,
            registry=registry,
            hosts=hosts,
            notifiers=tuple(notifiers),
            handlers=dict(handlers or {}),
            releaser=releaser,
            sealer=sealer,
            sealed_folder=sealed_folder,
            worker=secrets.token_hex(8),
        )

    @property
    def is_new(self) -> bool:
        """Whether no gate has ever started on this database."""
        with self._parts.store.read() as work:
            return head(work).size == 0

    # --- the start ---------------------------------------------------------------------------------------------

    def start(self, policy: Path, rules: Sequence[Path], token_files: Mapping[str, Path]) -> tuple[str, ...]:
        """Make the gate ready; the first start makes tokens, ledger entry 0, and the first policy and rules.

        Only the holder of the home's lock may call it: in a database that no other gate shares, leases of other
        processes count as over from here on.

        Args:
            policy: The policy file.
            rules: Rules files to register.
            token_files: Where each token is put for its holder, such as ``{"pipeline": …, "auditor": …}``.

        Returns:
            Lines for whoever starts the gate, about what is not in force and why.

        Raises:
            FileProblems: If policy or rules cannot be used.
            LedgerError: If the database belongs to another signing key.
        """
        read = establishing.read_files(policy, rules)
        lines = begin(self._parts, read, token_files)
        if not self._parts.store.is_shared:
            with self._parts.store.write() as work:
                consumption.end_leases_of_others(work, self._parts.worker, self._parts.clock.now())
                sealing_lease.end_leases_of_others(work, self._parts.worker, self._parts.clock.now())
        return lines + establishing.ask_for_changes(self._parts, read)

    # --- requests ----------------------------------------------------------------------------------------------

    def create_request(self, caller: Caller, wanted: RequestInput) -> dict[str, Any]:
        """Ask for a signature; the same run, staging, destination and action get the same request.

        So does the same run with the same bytes under another staging; `note` says so, where there is one.
        """
        create = asking.create_request if wanted.source is None else source_masking.create_request
        request = create(self._parts, caller, wanted)
        with self._parts.store.read() as work:
            note = note_about(work, request, wanted)
        return self._document(request) | ({} if note is None else {"note": note})

    def request(self, caller: Caller, request_id: str | None = None, **action: Any) -> dict[str, Any]:
        """Show a request; or ask for an action, by ``action``, ``resource``, ``why`` and ``arguments``."""
        if request_id is None:
            return self.ask_for_action(caller, ActionInput(**action))
        return self._document(self._seen(caller, request_id))

    def explain(self, caller: Caller, request_id: str) -> dict[str, Any]:
        """Say which policy a request fell under, and why."""
        return explain_request(self._seen(caller, request_id))

    def requests(self, caller: Caller, state: str | None = None) -> list[dict[str, Any]]:
        """Show all requests that the caller may see, the newest first."""
        states = () if state is None else (state,)
        found, after = self.page(caller, states, limit=LONGEST_PAGE)
        while after is not None:
            more, after = self.page(caller, states, limit=LONGEST_PAGE, after=after)
            found += more
        return found

    def page(
        self, caller: Caller, states: Sequence[str] = (), *, limit: int, after: str | None = None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Show one page of the requests that the caller may see, the newest first, and where the next page begins."""
        asked = tuple(_state(state) for state in states)
        begin = None if after is None else Cursor.read(after)
        with self._parts.store.read() as work:
            policy = active_policy(work)
            is_person = caller.role not in {"auditor", "pipeline"}
            page = read_page(
                work,
                asked,
                limit=limit,
                after=begin,
                token=caller.token if caller.role == "pipeline" else None,
                keep=(lambda request: may_see(request, caller, policy)) if is_person else None,
            )
            documents = self._parts.documents(work, page.requests)
        return documents, None if page.next is None else str(page.next)

    def refresh(self, caller: Caller, request_id: str) -> dict[str, Any]:
        """Look at the host again. The caller carries no claim about what is there."""
        return self._document(answering.refresh(self._parts, self._seen(caller, request_id)))

    def withdraw(self, caller: Caller, request_id: str) -> dict[str, Any]:
        """Take a request back, and a grant that nobody has used yet with it."""
        self._may_change(caller, request_id, "withdraws")
        with self._parts.store.write() as work:
            request = get_request(work, request_id)
            if request.state is State.WITHDRAWN:
                return self._parts.document(work, request)
            withdrawn = self._parts.advance(work, request, State.WITHDRAWN, "Taken back. Nothing was released.")
            row = work.execute(select(tables.grants.c.id).where(tables.grants.c.request == request_id)).first()
            if row is not None:
                consumption.void(work, row.id)
            who = self._name(work, caller)
            self._parts.record(work, "request.withdrawn", withdrawn, by=who)
            return self._parts.document(work, withdrawn)

    # --- releases ----------------------------------------------------------------------------------------------

    def release(
        self,
        caller: Caller,
        request_id: str,
        run: HostRun | None,
        *,
        arguments: Mapping[str, Any] | None = None,
        arguments_digest: str | None = None,
    ) -> dict[str, Any]:
        """Start the release of an approved request, once; :meth:`work` carries it out, if the caller does not."""
        if self._may_change(caller, request_id, "releases").is_action:
            return self._start_action(request_id, run, arguments, arguments_digest)
        document = self._document(releasing.release(self._parts, request_id, run))
        lent = brokering.lend(self._parts, request_id)
        return document if lent is None else {**document, "broker": lent}

    def report(self, caller: Caller, request_id: str, fence: int, outcome: Outcome | None = None) -> dict[str, Any]:
        """Take the one receipt of what the caller carried out; without an outcome, that it is still at it."""
        request = self._may_change(caller, request_id, "reports")
        if request.is_action:
            return self._report(request_id, fence, outcome)
        brokering.receipt(self._parts, request_id, fence)
        return self._document(request)

    # --- work and time -----------------------------------------------------------------------------------------

    def seal(self, request_id: str) -> None:
        """Read, hash and measure what a request is about, and ask for signatures."""
        sealing_step.seal_request(self._parts, request_id)

    def carry_out(self, request_id: str) -> None:
        """Copy and publish a release that was started."""
        with self._parts.store.read() as work:
            is_action = get_request(work, request_id).is_action
        (action_running if is_action else releasing).carry_out(self._parts, request_id)

    @property
    def waits_for_sealing(self) -> list[str]:
        """The requests that wait to be sealed, the oldest first."""
        with self._parts.store.read() as work:
            now, is_elsewhere = self._parts.clock.now(), self._parts.releaser.is_elsewhere
            waiting = sealing_lease.waiting(work, now, is_masked_elsewhere=is_elsewhere)
            if not (is_elsewhere and self._parts.store.is_shared):
                return waiting
            return [each for each in waiting if not source_masking.lies_at_another_gate(self._parts, work, each)]

    def seal_waiting(self) -> bool:
        """Seal one request that waits for it; say whether there was one."""
        for request_id in self.waits_for_sealing:
            if not self._parts.queue.is_busy(request_id):
                self.seal(request_id)
                return True
        return False

    def release_waiting(self) -> bool:
        """Carry out one release that waits for it, or that a process left unfinished; say whether there was one."""
        for request_id in releasing.unfinished(self._parts):
            if not self._parts.queue.is_busy(request_id):
                self.carry_out(request_id)
                return True
        return False

    def work(self) -> bool:
        """Do one piece of work that waits; say whether there was one."""
        return self.seal_waiting() or self.release_waiting()

    def sweep(self) -> None:
        """Do what has come due: time-outs, waking tasks, deletions, messages."""
        sweeping.sweep(self._parts)
        with self._parts.store.read() as work:
            self._parts.keys.ring(work)  # pins what another gate, or a signature here, has made of it

    # --- what they share ---------------------------------------------------------------------------------------

    def _document(self, request: Request) -> dict[str, Any]:
        with self._parts.store.read() as work:
            return self._parts.document(work, get_request(work, request.id))

    def _seen(self, caller: Caller, request_id: str) -> Request:
        with self._parts.store.read() as work:
            request = get_request(work, request_id)
            if not may_see(request, caller, active_policy(work)):
                raise no_such_request(request_id)
            return request

    def _may_change(self, caller: Caller, request_id: str, verb: str) -> Request:
        """Let the token that asked, or for taking back the person who asked, change a request."""
        request = self._seen(caller, request_id)
        if caller.role == "pipeline":
            return request
        if caller.identity is not None and verb == "withdraws" and self.person_of(caller.identity) in request.involved:
            return request
        raise NotAllowed(f"{caller.role}s do not do this; whoever asked {verb} it, with the token that asked.")

    def _name(self, work: Work, caller: Caller) -> str | None:
        if caller.identity is None:
            return caller.token
        return active_policy(work).people.person_of(caller.identity.accounts)


def _state(name: str) -> State:
    try:
        return State(name)
    except ValueError:
        raise NotFound(f"no request is ever {visible(name, 40)!r}. States are {', '.join(State)}.") from None
