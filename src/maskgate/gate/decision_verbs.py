"""The gate's verbs about decisions: take one, and say beforehand whether somebody may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.errors import MaskgateError, NotAllowed, StillPending
from maskgate.gate import deciding, releasing
from maskgate.gate.authority import may_decide
from maskgate.gate.beside import decisions_about, decisions_of
from maskgate.gate.fresh_login import FreshLoginNeeded
from maskgate.gate.lifecycle import State
from maskgate.gate.markdown import visible
from maskgate.gate.parts import active_policy
from maskgate.gate.request import get_request, list_requests, no_such_request
from maskgate.gate.sample import sample
from maskgate.gate.staging_keys import with_key
from maskgate.gate.visibility import is_concerned
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from maskgate.gate.model import Caller, DecisionInput, Identity
    from maskgate.gate.parts import Parts
    from maskgate.gate.policy import Policy
    from maskgate.gate.request import Request
    from maskgate.gate.sample import TableSample


@dataclass(frozen=True)
class Standing:
    """How somebody stands to a request.

    Attributes:
        person: Who they are; None if their account is linked to nobody.
        may: Whether they may decide it now.
        why_not: Why not, in a sentence.
        needs_login: Whether a fresh login is all that is missing.
    """

    person: str | None
    may: bool
    why_not: str = ""
    needs_login: bool = False


class DecisionVerbs:
    """The part of the gate that is about decisions; `Gate` is all of it."""

    _parts: Parts

    def decide(self, request_id: str, decision: DecisionInput) -> dict[str, Any]:
        """Take one person's decision: the only door, for every channel."""
        decided = deciding.decide(self._parts, request_id, decision)
        if decided.beside is not None:
            return self._parts.shown(decided.request, decided.beside)
        with self._parts.store.read() as work:
            return self._parts.document(work, decided.request)

    def refuse_token_decision(self, caller: Caller, request_id: str) -> None:
        """Refuse a decision that came with a token, and record that it came.

        Raises:
            NotAllowed: Always.
        """
        refusal = NotAllowed(f"the token {caller.token} decides nothing. A person has to log in and decide.")
        with self._parts.store.write() as work:
            about = visible(request_id, 60)
            self._parts.record(work, "decision.refused", about=about, token=caller.token, refusal=str(refusal))
        raise refusal

    def person_of(self, identity: Identity) -> str | None:
        """Return the person whose account this is; None if it is nobody's."""
        with self._parts.store.read() as work:
            return active_policy(work).people.person_of(identity.accounts)

    def standing(self, request_id: str, identity: Identity) -> Standing:
        """Say whether somebody may decide a request now, and why not."""
        with self._parts.store.read() as work:
            request, policy = get_request(work, request_id), active_policy(work)
            return self._standing(request, identity, policy, decisions_of(work, request_id))

    def may_be_decided(self, request_ids: Sequence[str], identity: Identity) -> frozenset[str]:
        """Say which of several requests somebody may decide now, with as many statements as for one."""
        with self._parts.store.read() as work:
            policy, made = active_policy(work), decisions_about(work, request_ids)
            found = list_requests(work, where=tables.requests.c.id.in_(request_ids))
            return frozenset(each.id for each in found if self._standing(each, identity, policy, made[each.id]).may)

    def _standing(
        self, request: Request, identity: Identity, policy: Policy, made: Iterable[Mapping[str, Any]]
    ) -> Standing:
        person = None
        try:
            person = policy.people.person_of(identity.accounts)
            may_decide(request, identity, policy, deciding.who_decided(made), self._parts.clock.now())
        except MaskgateError as error:
            return Standing(person, may=False, why_not=str(error), needs_login=isinstance(error, FreshLoginNeeded))
        return Standing(person, may=True)

    def view_sample(self, request_id: str, identity: Identity) -> dict[str, TableSample]:
        """Show a few masked rows to somebody concerned; that they looked is recorded first."""
        with self._parts.store.write() as work:
            request, policy = get_request(work, request_id), active_policy(work)
            if not is_concerned(request, identity, policy):
                raise no_such_request(request_id)
            if request.sealed is None or request.state not in {State.PENDING, State.APPROVED}:
                raise StillPending(f"request {request_id} is {request.state}; there are no rows to show.")
            if not releasing.has_copy(self._parts, request):
                raise StillPending(f"the sealed copy of request {request_id} is at another gate. Look at them there.")
            person = policy.people.person_of(identity.accounts)
            self._parts.record(work, "page.sample_viewed", request, person=person, accounts=list(identity.accounts))
            sealed = with_key(work, self._parts.registry, request) or request.sealed
        return sample(sealed, self._parts.registry.limits)
