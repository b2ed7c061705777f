"""Fixes the policy of a request, once all is known that it is chosen by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from maskgate.errors import Refused
from maskgate.gate.asking import demand, must_be_signable, no_policy
from maskgate.gate.model import Thresholds

if TYPE_CHECKING:
    from maskgate.gate.action_facts import ActionFacts
    from maskgate.gate.policy import Policy
    from maskgate.gate.request import Request


@dataclass(frozen=True)
class ChosenPolicy:
    """The policy of a request.

    Attributes:
        request: The request under it; where no policy permits it, under the one it was made with.
        thresholds: What that wants measured figures to be.
        refusals: Why nobody is asked; empty if nothing stands against asking.
    """

    request: Request
    thresholds: Thresholds
    refusals: tuple[str, ...] = ()


def choose_policy(policy: Policy, request: Request, facts: ActionFacts) -> ChosenPolicy:
    """Choose the policy by what is known, and see whether anybody could sign."""
    choice = policy.choose(facts)
    told = {**choice.as_json(), "facts": {**facts.as_json(), "columns": len(facts.columns or ())}}
    rule = choice.rule
    if rule is None or rule.refuse:
        kept = replace(request, policy_digest=policy.digest, rule={**request.rule, **told, "allow": False})
        why = str(no_policy(request.action, request.destination))
        if rule is not None:
            kept = replace(kept, policy_name=rule.name)
            why = f'policy "{rule.name}" refuses this: {"; ".join(choice.because)}.'
        return ChosenPolicy(kept, Thresholds(), (why,))
    demanded = {**demand(rule, int(request.rule.get("people_at_least", 2))), **told}
    chosen = replace(request, policy_name=rule.name, policy_digest=policy.digest, rule=demanded)
    try:
        must_be_signable(policy, chosen)
    except Refused as refusal:
        return ChosenPolicy(chosen, rule.thresholds, (str(refusal),))
    return ChosenPolicy(chosen, rule.thresholds)
