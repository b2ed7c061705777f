"""Whether a policy that asks nobody would let data out unseen: a default that fails open, in whatever words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.errors import Problem
from maskgate.gate.combined_conditions import All, AnyOf, Not, parts_of
from maskgate.gate.conditions import (
    Columns,
    Names,
    NoDestination,
    Range,
    RollingSum,
    Word,
)
from maskgate.gate.governed import GOVERNED_ACTIONS
from maskgate.gate.implication import implies, is_always, takes_all
from maskgate.gate.model import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maskgate.gate.conditions import Condition
    from maskgate.gate.policy_rule import Rule

_PLACES = frozenset({"action", "destination", "trust"})


def left_open(rule: Rule) -> Iterator[Problem]:
    """Find what a policy that asks nobody would let through unseen."""
    if not rule.allow:
        return
    where = f'policy "{rule.name}"'
    for action in sorted(set(rule.actions) & GOVERNED_ACTIONS):
        yield Problem(
            f"{where}: {action} changes the gate itself, which takes signatures. Write `require:`.", rule.line
        )
    if not goes_inside_only(rule.when) and not _is_narrowed(rule.when):
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


def goes_inside_only(when: All) -> bool:
    """Whether nothing that a condition holds for leaves."""
    return implies(when, Word("trust", ("internal",))) or implies(when, NoDestination())


def _is_narrowed(condition: Condition) -> bool:
    """Whether more is asked than which action goes where; a lower bound on how much leaves is no limit."""
    if is_always(condition):
        return False
    if isinstance(condition, All):
        return any(_is_narrowed(part) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return all(_is_narrowed(part) for part in condition.parts)
    if isinstance(condition, Not):
        return any(isinstance(part, Range | RollingSum) or _is_narrowed(part) for part in parts_of(condition.part))
    if isinstance(condition, Range | RollingSum):
        return condition.at_most is not None
    return not isinstance(condition, NoDestination) and not _takes_everything(condition)


def _takes_everything(condition: Condition) -> bool:
    """Whether words narrow nothing: any name will do, or it is only about the place."""
    if isinstance(condition, Word):
        is_any_level = condition.fact == "level" and set(LEVELS) <= set(condition.patterns)
        return condition.fact in _PLACES or takes_all(condition.patterns) or is_any_level
    if isinstance(condition, Columns):
        given = (patterns for patterns in (condition.names, condition.tables) if patterns)
        return not condition.classes and all(map(takes_all, given))
    return isinstance(condition, Names) and takes_all(condition.patterns)
