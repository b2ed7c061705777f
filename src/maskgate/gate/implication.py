"""Whether one condition can only hold where another does, as far as that can be proved.

True is a proof. False is no proof of the contrary: what is not understood is taken for independent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.gate.conditions import (
    All,
    AnyOf,
    Columns,
    Flag,
    Names,
    NoDestination,
    Not,
    Range,
    RollingSum,
    SmallestGroup,
    Word,
    fits,
)

if TYPE_CHECKING:
    from maskgate.gate.conditions import Condition

_PATTERN = frozenset("*?[")


def implies(one: Condition, other: Condition) -> bool:
    """Whether `other` holds wherever `one` does."""
    if one == other or (isinstance(other, AnyOf) and any(implies(one, part) for part in other.parts)):
        return True
    if isinstance(other, All):
        return all(implies(one, part) for part in other.parts)
    if isinstance(one, AnyOf):
        return all(implies(part, other) for part in one.parts)
    if isinstance(one, All):
        return any(implies(part, other) for part in one.parts) or is_never(one)
    return excludes(one, other.part) if isinstance(other, Not) else _atom_implies(one, other)


def excludes(one: Condition, other: Condition) -> bool:
    """Whether the two can never hold together."""
    if (isinstance(one, Not) and implies(other, one.part)) or (isinstance(other, Not) and implies(one, other.part)):
        return True
    for first, second in ((one, other), (other, one)):
        if isinstance(first, AnyOf):
            return all(excludes(part, second) for part in first.parts)
    for first, second in ((one, other), (other, one)):
        if isinstance(first, All):
            return any(excludes(part, second) for part in first.parts)
    return _atoms_exclude(one, other)


def is_never(condition: Condition) -> bool:
    """Whether a condition can hold for no action at all."""
    if isinstance(condition, AnyOf):
        return all(is_never(part) for part in condition.parts)
    if not isinstance(condition, All):
        return False
    flat = _flat(condition)
    return any(is_never(part) for part in flat) or any(
        excludes(one, other) for at, one in enumerate(flat) for other in flat[at + 1 :]
    )


def _flat(condition: All) -> list[Condition]:
    flat: list[Condition] = []
    for part in condition.parts:
        flat += _flat(part) if isinstance(part, All) else [part]
    return flat


def _atom_implies(one: Condition, other: Condition) -> bool:
    if isinstance(one, Word) and isinstance(other, Word):
        return one.fact == other.fact and _subset(one.patterns, other.patterns)
    if isinstance(one, Names) and isinstance(other, Names):
        # All of some are some of them: there is always one at least where `only` holds.
        is_weaker = one.only or not other.only
        return one.fact == other.fact and is_weaker and _subset(one.patterns, other.patterns)
    if isinstance(one, Columns) and isinstance(other, Columns):
        pairs = ((one.names, other.names), (one.classes, other.classes), (one.tables, other.tables))
        return (one.only or not other.only) and all(not wide or _subset(narrow, wide) for narrow, wide in pairs)
    if isinstance(one, Range | SmallestGroup | RollingSum) and _same_number(one, other):
        return _inside(one, other)
    return False


def _atoms_exclude(one: Condition, other: Condition) -> bool:
    if isinstance(one, Word) and isinstance(other, Word) and one.fact == other.fact:
        return not any(_may_overlap(mine, theirs) for mine in one.patterns for theirs in other.patterns)
    if isinstance(one, Flag) and isinstance(other, Flag):
        return one.fact == other.fact and one.value is not other.value
    for first, second in ((one, other), (other, one)):
        if isinstance(first, NoDestination) and isinstance(second, Word) and second.fact in {"destination", "trust"}:
            return True
    if isinstance(one, Range | SmallestGroup | RollingSum) and _same_number(one, other):
        return _apart(one, other) or _apart(other, one)
    return False


def _same_number(one: Condition, other: Condition) -> bool:
    if isinstance(one, Range) and isinstance(other, Range):
        return one.fact == other.fact
    if isinstance(one, SmallestGroup) and isinstance(other, SmallestGroup):
        return one.over == other.over
    return isinstance(one, RollingSum) and isinstance(other, RollingSum) and one.total == other.total


def _inside(one: Condition, other: Condition) -> bool:
    low, high = _bounds(one)
    least, most = _bounds(other)
    return (least is None or (low is not None and low >= least)) and (
        most is None or (high is not None and high <= most)
    )


def _apart(lower: Condition, upper: Condition) -> bool:
    high, low = _bounds(lower)[1], _bounds(upper)[0]
    return high is not None and low is not None and high < low


def _bounds(condition: Condition) -> tuple[int | None, int | None]:
    return (
        (condition.at_least, condition.at_most)
        if isinstance(condition, Range | SmallestGroup | RollingSum)
        else (None, None)
    )


def _subset(narrow: tuple[str, ...], wide: tuple[str, ...]) -> bool:
    """Whether what fits one of some patterns fits one of others; an empty list is none."""
    return bool(narrow) and all(
        each in wide or "*" in wide or (not _PATTERN & set(each) and fits(each, wide)) for each in narrow
    )


def _may_overlap(one: str, other: str) -> bool:
    if _PATTERN & set(one) and _PATTERN & set(other):
        return True
    return fits(one, (other,)) if not _PATTERN & set(one) else fits(other, (one,))
