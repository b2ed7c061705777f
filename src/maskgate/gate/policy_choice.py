"""Which policy an action falls under, and why.

* The first policy whose condition holds counts; if none does, the answer is no.
* Where it cannot be told whether a condition holds, a policy that allows does not match, and one that asks or refuses
  may: of all that may, and the first that does, the strictest counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.gate.combined_conditions import reasons

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maskgate.gate.action_facts import ActionFacts
    from maskgate.gate.policy_rule import Rule


@dataclass(frozen=True)
class Considered:
    """One policy that was looked at.

    Attributes:
        name: The policy.
        answer: Whether its condition held: ``yes``, ``no`` or ``cannot be told``.
        because: What of it held, did not hold, or cannot be told.
    """

    name: str
    answer: str
    because: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"name": self.name, "matches": self.answer, "because": list(self.because)}


@dataclass(frozen=True)
class Choice:
    """The policy that counts for an action.

    Attributes:
        rule: The policy; None if there is none, which is a refusal.
        considered: Every policy down to it, in the order of the file.
    """

    rule: Rule | None
    considered: tuple[Considered, ...]

    @property
    def because(self) -> tuple[str, ...]:
        """Why it counts."""
        return next((each.because for each in self.considered if self.rule and each.name == self.rule.name), ())

    def as_json(self) -> dict[str, Any]:
        """Return what a request keeps of the choice, beside the policy."""
        return {"because": list(self.because), "considered": [each.as_json() for each in self.considered]}


_ANSWERS = {True: "yes", False: "no", None: "cannot be told"}


def choose(rules: Iterable[Rule], facts: ActionFacts) -> Choice:
    """Choose the policy for an action."""
    considered, candidates = [], []
    for rule in rules:
        answer = rule.matches(facts)
        considered.append(Considered(rule.name, _ANSWERS[answer], tuple(reasons(rule.when, facts))))
        if answer is True or (answer is None and not rule.allow):
            candidates.append(rule)
        if answer is True:
            break
    # Of two that demand as much, the first.
    return Choice(max(candidates, key=lambda rule: rule.strictness, default=None), tuple(considered))


def possible(rules: Iterable[Rule], facts: ActionFacts) -> tuple[Rule, ...]:
    """Return the policies that an action may fall under once all is known of it, in the order of the file."""
    found = []
    for rule in rules:
        answer = rule.matches(facts)
        if answer is not False:
            found.append(rule)
        if answer is True:
            break
    return tuple(found)
