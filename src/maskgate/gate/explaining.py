"""Which policy a request fell under, and why: what was known then, and what each policy above said to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskgate.gate.action_facts import ActionFacts
    from maskgate.gate.policy import Policy
    from maskgate.gate.request import Request


def explain_request(request: Request) -> dict[str, Any]:
    """Explain the policy of a request, as it was chosen when the gate had measured it."""
    considered = list(request.rule.get("considered", ()))
    return {
        "request": request.id,
        "action": request.action,
        "is_chosen": bool(considered),
        "policy": _policy(
            request.policy_name if request.policy_because else None, request.policy_digest, request.policy_because
        ),
        "considered": considered,
        "facts": dict(request.rule.get("facts", {})),
    }


def explain_facts(policy: Policy, facts: ActionFacts) -> dict[str, Any]:
    """Explain which policy an action would fall under of which these things were known."""
    choice = policy.choose(facts)
    return {
        "request": None,
        "action": facts.action,
        "is_chosen": True,
        "policy": _policy(None if choice.rule is None else choice.rule.name, policy.digest, choice.because),
        "considered": [each.as_json() for each in choice.considered],
        "facts": facts.as_json(),
    }


def _policy(name: str | None, digest: str, because: tuple[str, ...]) -> dict[str, Any]:
    return {"name": name, "digest": digest, "because": list(because)}
