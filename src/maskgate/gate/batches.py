"""Many requests decided on one page: of one action, policy and destination, each by a decision of its own.

* Each carries the digests that were shown of it. One that changed is not decided; the others are.
* At most as many as the policy says, and none of the highest tier, none that wants a passkey, no break-glass, and no
  change of the gate itself, which is read line by line.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from maskgate.errors import Conflict, DatabaseUnreachable, MaskgateError, NotAllowed, UsageError
from maskgate.gate.authority import may_decide
from maskgate.gate.beside import decisions_about
from maskgate.gate.deciding import decide, who_decided
from maskgate.gate.governed import GOVERNED_ACTIONS
from maskgate.gate.lifecycle import State
from maskgate.gate.markdown import visible
from maskgate.gate.model import DecisionInput
from maskgate.gate.parts import active_policy
from maskgate.gate.request import find_request, list_requests, no_such_request
from maskgate.gate.visibility import is_concerned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maskgate.gate.model import Identity
    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work

# Of more that wait, the newest; what is decided makes room for others.
_MOST_LOOKED_AT = 200


@dataclass(frozen=True)
class BatchItem:
    """One request of a batch, as it was shown."""

    request: str
    intent_digest: str
    context_digest: str


def decide_batch(
    parts: Parts, identity: Identity, items: Sequence[BatchItem], verdict: str, reason: str
) -> dict[str, Any]:
    """Decide each of several requests; what cannot be decided is told beside those that were.

    Raises:
        UsageError: If there are none, too many, or one stands twice.
        NotFound: If one is not for this person to see.
        NotAllowed: If they cannot be decided together.
    """
    try:
        with parts.store.read() as work:
            _must_go_together(work, identity, items)
    except MaskgateError as error:
        with parts.store.write() as work:
            accounts = [visible(account, 500) for account in identity.accounts]
            parts.record(work, "batch.refused", accounts=accounts, number=len(items), refusal=str(error))
        raise
    batch = f"bat_{secrets.token_hex(8)}"
    given = DecisionInput(identity, verdict, reason, "", "", batch=batch)
    results = [_one(parts, item, given) for item in items]
    with parts.store.write() as work:
        decided = [each["request"] for each in results if each["decided"]]
        parts.record(work, "batch.decided", batch=batch, verdict=visible(verdict, 20), decided=decided, of=len(items))
    return {"batch": batch, "results": results}


def batches_for(parts: Parts, identity: Identity) -> list[list[Request]]:
    """Return the requests that somebody may decide together, two or more of a kind."""
    kinds: dict[tuple[str, ...], list[Request]] = {}
    for request in _decidable(parts, identity):
        if not _why_alone(request):
            kinds.setdefault(_kind(request), []).append(request)
    return [found[: found[0].terms.batch_at_most] for found in kinds.values() if len(found) > 1]


def decided_alone(parts: Parts, identity: Identity) -> dict[str, int]:
    """Count what somebody may decide, but only by itself, for each reason."""
    return dict(Counter(why for request in _decidable(parts, identity) if (why := _why_alone(request))))


def _decidable(parts: Parts, identity: Identity) -> list[Request]:
    now, found = parts.clock.now(), []
    with parts.store.read() as work:
        policy = active_policy(work)
        waiting = list_requests(work, State.PENDING, at_most=_MOST_LOOKED_AT)
        made = decisions_about(work, [request.id for request in waiting])
        for request in waiting:
            try:
                may_decide(request, identity, policy, who_decided(made[request.id]), now)
            except MaskgateError:
                continue
            found.append(request)
    return found


def _must_go_together(work: Work, identity: Identity, items: Sequence[BatchItem]) -> None:
    policy = active_policy(work)
    if not items or len({item.request for item in items}) != len(items):
        raise UsageError("a batch names one or more requests, each once.")
    found = []
    for item in items:
        request = find_request(work, item.request)
        if request is None or not is_concerned(request, identity, policy):
            raise no_such_request(item.request)
        found.append(request)
    for request in found:
        if why := _why_alone(request):
            raise NotAllowed(f"request {request.id} is decided by itself: {why}.")
    if len({_kind(request) for request in found}) > 1:
        raise NotAllowed("only requests of one action, policy and destination are decided together.")
    if len(found) > (most := min(request.terms.batch_at_most for request in found)):
        raise UsageError(f"at most {most} requests are decided together, and these are {len(found)}.")


def _kind(request: Request) -> tuple[str, ...]:
    place = request.destination
    return (request.action, request.policy_name, request.policy_digest, "" if place is None else place.id)


def _why_alone(request: Request) -> str:
    if request.tier == "high":
        return "it is of the highest tier"
    if request.wants_passkey:
        return "it takes a passkey"
    if request.action in GOVERNED_ACTIONS:
        return "it changes the gate itself"
    return "" if request.terms.batch_at_most > 1 else "the policy has no batches"


def _one(parts: Parts, item: BatchItem, given: DecisionInput) -> dict[str, Any]:
    seen = replace(given, intent_digest=item.intent_digest, context_digest=item.context_digest)
    try:
        after = decide(parts, item.request, seen).request
    except DatabaseUnreachable:
        raise
    except MaskgateError as error:
        kind = "conflict" if isinstance(error, Conflict) else "refused"
        return {"request": item.request, "decided": False, "error": kind, "message": str(error)}
    return {"request": item.request, "decided": True, "state": str(after.state), "message": after.message}
