"""The gate's verbs for reviewers over time: standing in for each other, signing once for many, and in haste."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.errors import NotAllowed
from maskgate.gate import batches, break_glass, delegation, standing
from maskgate.gate.break_glass_rows import list_post_reviews
from maskgate.gate.parts import active_policy
from maskgate.gate.request import get_request
from maskgate.gate.standing_rows import list_standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maskgate.gate.batches import BatchItem
    from maskgate.gate.delegation import Delegation, DelegationInput
    from maskgate.gate.model import Caller, Identity
    from maskgate.gate.parts import Parts


class ReviewerVerbs:
    """The part of the gate that is about reviewers; `Gate` is all of it."""

    _parts: Parts

    # --- standing in -------------------------------------------------------------------------------------------

    def delegate(self, identity: Identity, wanted: DelegationInput) -> dict[str, Any]:
        """Have somebody stand in for the person who says so, for a time."""
        return delegation.delegate(self._parts, identity, wanted).as_json()

    def end_delegation(self, identity: Identity, delegation_id: str) -> dict[str, Any]:
        """Take a delegation back, as either of the two."""
        return delegation.end_delegation(self._parts, identity, delegation_id).as_json()

    def delegations(self, identity: Identity) -> list[dict[str, Any]]:
        """Show the delegations that a person made or got."""
        with self._parts.store.read() as work:
            person = active_policy(work).people.person_of(identity.accounts)
            found = () if person is None else delegation.delegations_of(work, person)
            return self._shown_delegations(found)

    def delegations_for(self, caller: Caller) -> list[dict[str, Any]]:
        """Show all delegations to auditors, to people their own, and none to other tokens."""
        if caller.identity is not None:
            return self.delegations(caller.identity)
        if caller.role != "auditor":
            return []
        with self._parts.store.read() as work:
            return self._shown_delegations(delegation.all_delegations(work))

    def _shown_delegations(self, found: Iterable[Delegation]) -> list[dict[str, Any]]:
        now = self._parts.clock.now()
        return [{**each.as_json(), "is_live": each.is_live(now)} for each in found]

    def stands_in_for(self, identity: Identity) -> list[str]:
        """Say for whom a person stands in now."""
        with self._parts.store.read() as work:
            person = active_policy(work).people.person_of(identity.accounts)
            found = () if person is None else delegation.delegations_to(work, person, self._parts.clock.now())
            return [each.delegator for each in found]

    # --- standing approvals ------------------------------------------------------------------------------------

    def standing_approvals(self, caller: Caller) -> list[dict[str, Any]]:
        """Show standing approvals: all to auditors, to people those that they may end."""
        if caller.role != "auditor" and caller.identity is None:
            raise NotAllowed("standing approvals are for auditors and for people who may end them.")
        with self._parts.store.read() as work:
            found = list_standing(work)
            if caller.identity is None:
                return found
            policy, now = active_policy(work), self._parts.clock.now()
            return [each for each in found if standing.may_end(policy, caller.identity, each, now)]

    def end_standing(self, identity: Identity, standing_id: str, why: str) -> dict[str, Any]:
        """End a standing approval, as one of its reviewers."""
        return standing.end_standing(self._parts, identity, standing_id, why)

    # --- batches -----------------------------------------------------------------------------------------------

    def decide_batch(self, identity: Identity, items: Sequence[BatchItem], verdict: str, reason: str) -> dict[str, Any]:
        """Decide several requests of one kind, each by a decision of its own."""
        return batches.decide_batch(self._parts, identity, items, verdict, reason)

    def batches(self, identity: Identity) -> list[list[dict[str, Any]]]:
        """Show the requests that a person may decide together."""
        found = batches.batches_for(self._parts, identity)
        with self._parts.store.read() as work:
            return [self._parts.documents(work, kind) for kind in found]

    def decided_alone(self, identity: Identity) -> dict[str, int]:
        """Count what a person may decide by itself alone, for each reason why."""
        return batches.decided_alone(self._parts, identity)

    # --- break-glass -------------------------------------------------------------------------------------------

    def may_break_glass(self, request_id: str, identity: Identity) -> bool:
        """Say whether somebody is of those who can go without the usual signatures of a request that waits."""
        with self._parts.store.read() as work:
            request, policy = get_request(work, request_id), active_policy(work)
            return break_glass.is_of_the_role(request, identity, policy, self._parts.clock.now())

    def post_reviews(self, caller: Caller) -> list[dict[str, Any]]:
        """Show what has to be, or was, looked at after break-glass: to auditors and people of the policy."""
        with self._parts.store.read() as work:
            policy = active_policy(work)
            person = None if caller.identity is None else policy.people.person_of(caller.identity.accounts)
            if caller.role != "auditor" and person is None:
                raise NotAllowed("post-reviews are for auditors and for people of the policy.")
            return list_post_reviews(work)

    def close_post_review(self, identity: Identity, review_id: str, finding: str) -> dict[str, Any]:
        """Close a post-review, as somebody else among the reviewers."""
        return break_glass.close_post_review(self._parts, identity, review_id, finding)
