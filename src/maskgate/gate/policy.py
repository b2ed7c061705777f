"""The policy: which actions need whose signatures, through which channels, within what time, above which floor.

The first policy of the file that matches an action counts; if none does, the answer is no. ``policy_choice.py`` says
what happens where it cannot be told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from maskgate.gate.combined_conditions import parts_of
from maskgate.gate.conditions import RollingSum, SmallestGroup, fits
from maskgate.gate.policy_choice import choose, possible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from maskgate.gate.action_facts import ActionFacts, Total
    from maskgate.gate.conditions import Condition
    from maskgate.gate.model import Floor, Identity
    from maskgate.gate.people import People
    from maskgate.gate.policy_choice import Choice
    from maskgate.gate.policy_rule import Rule


@dataclass(frozen=True)
class Reviewers:
    """Who belongs to a reviewer group.

    Attributes:
        people: By name, from ``people:``.
        group: Or by a group claim of the identity provider.
    """

    people: frozenset[str] = frozenset()
    group: str | None = None

    def include(self, person: str, identity: Identity, now: datetime) -> bool:
        """Whether a person belongs to it, by name or by a group claim that is fresh."""
        if person in self.people:
            return True
        said = identity.groups_at or identity.authenticated_at
        is_fresh = said is not None and now - said <= identity.groups_fresh
        return self.group is not None and is_fresh and self.group in identity.groups


@dataclass(frozen=True)
class Policy:
    """A whole policy file.

    Attributes:
        people: Who has which accounts.
        reviewers: The reviewer groups by name.
        requesters: Who answers for runs that nobody started, by ``host|workflow`` patterns.
        floor: What may happen to columns that look like direct identifiers.
        rules: The policies, in the order of the file.
        digest: Digest of what the file says.
        text: The file.
    """

    people: People
    reviewers: Mapping[str, Reviewers]
    requesters: Mapping[str, tuple[str, ...]]
    floor: Floor
    rules: tuple[Rule, ...]
    digest: str
    text: str = field(repr=False)

    def choose(self, facts: ActionFacts) -> Choice:
        """Choose the policy for an action, and say why."""
        return choose(self.rules, facts)

    def rule_for(self, facts: ActionFacts) -> Rule | None:
        """Return the policy that counts for an action; None if there is none, which is a refusal."""
        return self.choose(facts).rule

    def possible_rules(self, facts: ActionFacts) -> tuple[Rule, ...]:
        """Return the policies that may count once all is known of an action."""
        return possible(self.rules, facts)

    @property
    def totals(self) -> tuple[Total, ...]:
        """The rolling sums that any policy looks at, in the file's order."""
        return tuple(dict.fromkeys(part.total for part in self._parts() if isinstance(part, RollingSum)))

    @property
    def quasi_identifiers(self) -> tuple[tuple[str, ...], ...]:
        """The lists of quasi-identifiers over which any policy wants k."""
        asked = [part.over for part in self._parts() if isinstance(part, SmallestGroup)]
        asked += [rule.thresholds.k_over for rule in self.rules if rule.thresholds.k_over]
        return tuple(dict.fromkeys(asked))

    def _parts(self) -> Iterator[Condition]:
        for rule in self.rules:
            yield from parts_of(rule.when)

    def requesters_of(self, host: str, workflow: str) -> frozenset[str]:
        """Return who answers for the scheduled runs of a workflow."""
        name = f"{host}|{workflow}"
        return frozenset(
            person for pattern, people in self.requesters.items() if fits(name, (pattern,)) for person in people
        )

    def named_groups(self, person: str) -> frozenset[str]:
        """Return the reviewer groups that name a person, whatever their identity provider says."""
        return frozenset(name for name, group in self.reviewers.items() if person in group.people)

    def groups_of(self, person: str, identity: Identity, now: datetime) -> frozenset[str]:
        """Return the reviewer groups that a person is in."""
        return frozenset(name for name, group in self.reviewers.items() if group.include(person, identity, now))
