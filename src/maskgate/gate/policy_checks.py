"""What a whole policy comes to: refused where it could never work or lets through too much, else to be thought over."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from maskgate.errors import Problem
from maskgate.gate.conditions import (
    All,
    AnyOf,
    Columns,
    Names,
    NoDestination,
    Not,
    Range,
    RollingSum,
    Word,
    parts_of,
)
from maskgate.gate.governed import CHANGE_REVIEWERS, GOVERNED_ACTIONS, OF_UNKNOWN_AUTHOR
from maskgate.gate.implication import implies, is_never
from maskgate.gate.model import TRUSTS
from maskgate.gate.policy_readers.requirement import can_be_met
from maskgate.gate.sources import MASK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maskgate.gate.conditions import Condition
    from maskgate.gate.policy import Policy
    from maskgate.gate.policy_rule import Rule

_PLACES = frozenset({"action", "destination", "trust"})


def check_rules(policy: Policy) -> Iterator[Problem]:
    """Go through what makes a policy unusable."""
    for at, rule in enumerate(policy.rules):
        yield from _never(rule)
        yield from _unreachable(rule, policy.rules[:at])
        yield from _open(rule)
        yield from _unmet(rule, policy)
        yield from _unmeasured(rule)


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
        if rule.allow and not _goes_inside_only(rule.when):
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
    """Prove, case by case of action and trust, that an earlier policy matches wherever this one does."""
    hiding: dict[str, None] = {}
    for case in _cases(rule.when):
        if is_never(case):
            continue
        found = next((each for each in earlier if _hides(each, rule, case)), None)
        if found is None:
            return
        hiding[found.name] = None
    if hiding:
        names = " and ".join(f'"{name}"' for name in hiding)
        yield Problem(
            f'policy "{rule.name}" is never reached: whatever it is about, {names} above it matches first. '
            "Put the narrower one first.",
            rule.line,
        )


def _hides(earlier: Rule, rule: Rule, case: All) -> bool:
    is_told = all(_is_always_known(part) for part in parts_of(earlier.when))
    return implies(case, earlier.when) and (not earlier.allow or rule.allow or is_told)


def _is_always_known(part: Condition) -> bool:
    return isinstance(part, All | Not | NoDestination) or (
        isinstance(part, Word) and part.fact not in {"person", "level"}
    )


def _cases(when: All) -> list[All]:
    """Cut a condition into cases of one action and one trust each; together they are the whole."""
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
    return [All(parts) for parts in product(*choices)]


def _open(rule: Rule) -> Iterator[Problem]:
    """Find what a policy that asks nobody would let through unseen."""
    if not rule.allow:
        return
    where = f'policy "{rule.name}"'
    for action in sorted(set(rule.actions) & GOVERNED_ACTIONS):
        yield Problem(
            f"{where}: {action} changes the gate itself, which takes signatures. Write `require:`.", rule.line
        )
    if not _goes_inside_only(rule.when) and not _is_narrowed(rule.when):
        yield Problem(
            f"{where}: `allow: true` without a condition would let anything leave to external and public places. "
            "Add `destination: {trust: internal}`, or `destination: none` for actions that go nowhere, "
            "or write `require:`.",
            rule.line,
        )
    for part in rule.when.parts:
        if isinstance(part, Names | Columns) and not part.only:
            yield Problem(
                f"{where}: it would allow all that leaves beside {part.describe()}. Write `only`.",
                rule.line,
            )


def _goes_inside_only(when: All) -> bool:
    return implies(when, Word("trust", ("internal",))) or implies(when, NoDestination())


def _is_narrowed(condition: Condition) -> bool:
    """Whether more is asked than which action goes where; a lower bound on how much leaves is no limit."""
    if isinstance(condition, All):
        return any(_is_narrowed(part) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return all(_is_narrowed(part) for part in condition.parts)
    if isinstance(condition, Not):
        return any(isinstance(part, Range | RollingSum) or _is_narrowed(part) for part in parts_of(condition.part))
    if isinstance(condition, Range | RollingSum):
        return condition.at_most is not None
    if isinstance(condition, Word):
        return condition.fact not in _PLACES and "*" not in condition.patterns
    return not isinstance(condition, NoDestination)


def _unmet(rule: Rule, policy: Policy) -> Iterator[Problem]:
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
    for person in _only_requester(rule.when):
        if not can_be_met(rule.requirement, policy.reviewers, without=(person,)):
            yield Problem(
                f"{where}: nobody can ever meet this: {person} asks, so {person} cannot sign, and too few are left.",
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


def _only_requester(when: All) -> Iterator[str]:
    for part in when.parts:
        if isinstance(part, Word) and part.fact == "person" and len(part.patterns) == 1:
            yield part.patterns[0]


def _is_limited_each_time_only(when: All) -> bool:
    parts = list(parts_of(when))
    each_time = any(isinstance(part, Range) and part.fact in {"rows", "bytes"} for part in parts)
    return each_time and not any(isinstance(part, RollingSum) for part in parts)


def _is_one_person(rule: Rule, policy: Policy) -> bool:
    people = frozenset[str]().union(*(policy.reviewers[slot].people for slot in rule.requirement.slots))
    return len(people) == 1 and all(policy.reviewers[slot].group is None for slot in rule.requirement.slots)
