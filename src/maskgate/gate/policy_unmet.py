"""Whether a policy can ever be met: by people who are there, may sign, and get to sign; above its own thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.errors import Problem
from maskgate.gate.conditions import Range, SmallestGroup, Word
from maskgate.gate.governed import OF_UNKNOWN_AUTHOR
from maskgate.gate.implication import excludes, implies
from maskgate.gate.policy_readers.requirement import can_be_met
from maskgate.gate.requirement import Requirement
from maskgate.gate.sources import MASK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maskgate.gate.conditions import Condition
    from maskgate.gate.policy import Policy
    from maskgate.gate.policy_rule import Rule

_HOSTS = frozenset({"airflow", "prefect"})


def unmet(rule: Rule, policy: Policy) -> Iterator[Problem]:
    """Find out why a policy could never be met."""
    yield from _below_its_evidence(rule)
    yield from _unmeasured(rule)
    if rule.allow or rule.refuse:
        return
    where = f'policy "{rule.name}"'
    unknown = sorted(set(rule.actions) & OF_UNKNOWN_AUTHOR)
    if unknown and not can_be_met(rule.requirement.at_least(2), policy.reviewers):
        yield Problem(
            f"{where}: nobody can ever meet this. Who changed a file is not known, so {unknown[0]} takes two people, "
            "and there is only one.",
            rule.line,
        )
    yield from _by_requesters(where, rule, policy)
    yield from _through_channels(where, rule, policy)
    yield from _in_haste(where, rule, policy)


def _by_requesters(where: str, rule: Rule, policy: Policy) -> Iterator[Problem]:
    """Find out whether only those can ask without whom too few are left to sign."""
    needed = [
        person
        for person in policy.people.accounts
        if not can_be_met(rule.requirement, policy.reviewers, without=(person,))
    ]
    if needed and implies(rule.when, Word("person", tuple(needed))):
        asking = [each for each in needed if not excludes(rule.when, Word("person", (each,)))]
        people = " or ".join(asking)
        yield Problem(
            f"{where}: nobody can ever meet this: {people} asks, so {people} cannot sign, and too few are left.",
            rule.line,
        )


def _through_channels(where: str, rule: Rule, policy: Policy) -> Iterator[Problem]:
    without = [
        person
        for person, accounts in policy.people.accounts.items()
        if not any(_leads_to(channel, account) for channel in rule.channels for account in accounts)
    ]
    if can_be_met(rule.requirement, policy.reviewers) and not can_be_met(rule.requirement, policy.reviewers, without):
        channels = " or ".join(rule.channels)
        yield Problem(
            f"{where}: nobody can ever meet this: too few of its reviewers have an account with which they could sign "
            f"through {channels}. Link one under `people:`.",
            rule.line,
        )


def _leads_to(channel: str, account: str) -> bool:
    """Whether somebody with this account can decide through a channel: at a host, or at the page by a login."""
    issuer = account.partition("|")[0]
    is_of_host = issuer.partition(":")[0] in _HOSTS
    return issuer.startswith(f"{channel}:") if channel in _HOSTS else not is_of_host


def _in_haste(where: str, rule: Rule, policy: Policy) -> Iterator[Problem]:
    glass = rule.terms.break_glass
    if glass is None:
        return
    role = Requirement({glass.group: glass.distinct}, glass.distinct)
    if not can_be_met(role, policy.reviewers):
        yield Problem(f"{where}, break_glass: {glass.group} are fewer people than it takes.", rule.line)


def _below_its_evidence(rule: Rule) -> Iterator[Problem]:
    """Find out whether whatever a policy is about falls below its own thresholds."""
    asked = rule.thresholds
    wanted: list[Condition] = []
    if asked.rows_at_least is not None:
        wanted.append(Range("rows", asked.rows_at_least))
    if asked.residual_findings_at_most is not None:
        wanted.append(Range("residual_findings", None, asked.residual_findings_at_most))
    if asked.new_columns_at_most is not None:
        wanted.append(Range("new_columns", None, asked.new_columns_at_most))
    if asked.k_at_least is not None:
        wanted.append(SmallestGroup(asked.k_over, asked.k_at_least))
    for each in wanted:
        if excludes(rule.when, each):
            yield Problem(
                f'policy "{rule.name}": nobody can ever meet this: its `when:` and its `evidence:` exclude each other '
                f"({each.describe()}).",
                rule.line,
            )


def _unmeasured(rule: Rule) -> Iterator[Problem]:
    if rule.thresholds.no_value_survives and not implies(rule.when, Word("level", (MASK,))):
        yield Problem(
            f'policy "{rule.name}": `no_value_survives` takes the originals, which only a releaser that masks itself '
            "has; of what a pipeline masked it is the pipeline's word. Add `level: mask` to its `when:`, or take it "
            "out.",
            rule.line,
        )
