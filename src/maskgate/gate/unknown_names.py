"""Names of the policy that this gate's configuration does not know, so that nothing ever comes of them.

A policy is checked without a configuration, and may serve several gates: so it is said at the start, and not refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.gate.combined_conditions import parts_of
from maskgate.gate.conditions import Word, is_pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from maskgate.gate.policy import Policy
    from maskgate.gate.registry import Registry


def unknown_names(policy: Policy, registry: Registry, issuers: Collection[str]) -> Iterator[str]:
    """Go through reviewers who cannot come in, and destinations and tokens that are not there.

    Args:
        policy: The policy in force.
        registry: What is configured.
        issuers: The logins and hosts that accounts can be of, by name.
    """
    known = ", ".join(sorted(issuers)) or "none"
    for name, group in policy.reviewers.items():
        for person in sorted(group.people):
            places = {account.partition("|")[0] for account in policy.people.accounts[person]}
            if not places & set(issuers):
                yield (
                    f'reviewers "{name}": {person} can never sign here; their accounts are at '
                    f"{', '.join(sorted(places))}, and this gate knows: {known}."
                )
    there = {"destination": registry.destinations, "token": registry.tokens}
    for rule in policy.rules:
        for part in parts_of(rule.when):
            if isinstance(part, Word) and part.fact in there:
                yield from _not_there(rule.name, part, there[part.fact])


def _not_there(policy: str, asked: Word, names: Collection[str]) -> Iterator[str]:
    known = ", ".join(sorted(names)) or "none"
    for name in asked.patterns:
        if not is_pattern(name) and name not in names:
            yield f'policy "{policy}": this gate has no {asked.fact} {name!r}. Known are: {known}.'
