"""What a whole policy comes to: refused where it could never work or lets through too much, else to be thought over."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from maskgate.errors import Problem
from maskgate.gate.combined_conditions import All, Not, parts_of
from maskgate.gate.conditions import (
    During,
    Flag,
    NoDestination,
    Range,
    RollingSum,
    Word,
)
from maskgate.gate.governed import CHANGE_REVIEWERS, OF_UNKNOWN_AUTHOR
from maskgate.gate.implication import implies, is_never, negation
from maskgate.gate.model import TRUSTS
from maskgate.gate.policy_openness import goes_inside_only, left_open
from maskgate.gate.policy_unmet import unmet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maskgate.gate.conditions import Condition
    from maskgate.gate.policy import Policy
    from maskgate.gate.policy_rule import Rule

# Each doubles the cases to look at.
_MOST_DIVISIONS = 6


def check_rules(policy: Policy) -> Iterator[Problem]:
    """Go through what makes a policy unusable."""
    for at, rule in enumerate(policy.rules):
        yield from _never(rule)
        yield from _unreachable(rule, policy.rules[:at])
        yield from left_open(rule)
        yield from unmet(rule, policy)


def warnings_about(policy: Policy) -> Iterator[Problem]:
    """Go through what somebody may not have meant."""
    if policy.floor.direct_identifier is None:
        yield Problem("there is no `floor:`, so a rules file that keeps names and addresses passes. Add one.")
    covered = {action for rule in policy.rules for action in rule.actions}
    for action in sorted(OF_UNKNOWN_AUTHOR - covered - {CHANGE_REVIEWERS}):
        yield Problem(f"no policy is about {action}, so nobody can ever sign one. Add one, or do without.")
    used = {name for rule in policy.rules for name in (*rule.requirement.slots, *rule.terms.groups)}
    for name in policy.reviewers:
        if name not in used:
            yield Problem(f'reviewers "{name}": no policy asks for them.')
    for rule in policy.rules:
        if rule.allow and not goes_inside_only(rule.when):
            message = "allows it to leave to external or public places under its conditions, and asks nobody."
            yield Problem(f'policy "{rule.name}" {message}', rule.line)
        if rule.allow and _is_limited_each_time_only(rule.when):
            yield Problem(
                f'policy "{rule.name}" limits each request, and many small ones come to more. Limit a `sum:` as well.',
                rule.line,
            )
        if not rule.allow and not rule.refuse and _is_one_person(rule, policy):
            yield Problem(
                f'policy "{rule.name}": one person alone can sign it, so nobody can when they ask themselves.',
                rule.line,
            )


def _never(rule: Rule) -> Iterator[Problem]:
    if is_never(rule.when):
        yield Problem(f'policy "{rule.name}": its conditions contradict each other, so it never matches.', rule.line)


def _unreachable(rule: Rule, earlier: tuple[Rule, ...]) -> Iterator[Problem]:
    """Prove, case by case of action, trust, time and agent, that an earlier policy matches wherever this one does."""
    hiding: dict[str, None] = {}
    for case in _cases(rule.when, _divisions(earlier)):
        if is_never(case):
            continue
        found = next((each for each in earlier if _hides(each, rule, case)), None)
        if found is None:
            return
        hiding[found.name] = None
    if hiding:
        names = " and ".join(f'"{name}"' for name in hiding)
        match = "matches" if len(hiding) == 1 else "match"
        yield Problem(
            f'policy "{rule.name}" is never reached: whatever it is about, {names} above it {match} first. '
            "Put the narrower one first.",
            rule.line,
        )


def _hides(earlier: Rule, rule: Rule, case: All) -> bool:
    is_told = all(_is_always_known(part) for part in parts_of(earlier.when))
    return implies(case, earlier.when) and (not earlier.allow or rule.allow or is_told)


def _is_always_known(part: Condition) -> bool:
    return (
        isinstance(part, All | Not | NoDestination | During)
        or (isinstance(part, Word) and part.fact not in {"person", "level"})
        or _is_agent(part)
    )


def _divisions(rules: tuple[Rule, ...]) -> list[list[Condition]]:
    """List what earlier policies tell apart and every action is known to be: one thing, or its contrary."""
    parts = dict.fromkeys(part for rule in rules for part in parts_of(rule.when))
    known = [part for part in parts if isinstance(part, During) or _is_agent(part) or _is_size(part)]
    return [[part, negation(part)] for part in known[:_MOST_DIVISIONS]]


def _is_agent(part: Condition) -> bool:
    return isinstance(part, Flag) and part.fact == "agent"


def _is_size(part: Condition) -> bool:
    return isinstance(part, Range) and part.fact in {"rows", "bytes"}


def _cases(when: All, divisions: list[list[Condition]]) -> list[All]:
    """Cut a condition into cases of one action and one trust each, and divide these; together they are the whole."""
    choices: list[list[Condition]] = []
    has_place = False
    for part in when.parts:
        has_place |= isinstance(part, NoDestination) or (isinstance(part, Word) and part.fact == "trust")
        if isinstance(part, Word) and part.fact in {"action", "trust"}:
            choices.append([replace(part, patterns=(each,)) for each in part.patterns])
        else:
            choices.append([part])
    if not has_place:
        choices.append([*(Word("trust", (trust,)) for trust in TRUSTS), NoDestination()])
    return [All((*case, *more)) for case in product(*choices) for more in product(*_dividing(case, divisions))]


def _dividing(case: tuple[Condition, ...], divisions: list[list[Condition]]) -> list[list[Condition]]:
    """Leave out sizes where nothing goes anywhere: only what is staged is measured, always."""
    has_place = any(isinstance(part, Word) and part.fact in {"destination", "trust"} for part in case)
    return [each for each in divisions if has_place or not _is_size(each[0])]


def _is_limited_each_time_only(when: All) -> bool:
    parts = list(parts_of(when))
    each_time = any(isinstance(part, Range) and part.fact in {"rows", "bytes"} for part in parts)
    return each_time and not any(isinstance(part, RollingSum) for part in parts)


def _is_one_person(rule: Rule, policy: Policy) -> bool:
    people = frozenset[str]().union(*(policy.reviewers[slot].people for slot in rule.requirement.slots))
    return len(people) == 1 and all(policy.reviewers[slot].group is None for slot in rule.requirement.slots)
