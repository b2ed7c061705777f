"""Whether one condition can only hold where another does, as far as that can be proved.

True is a proof. False is no proof of the contrary: what is not understood is taken for independent.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from maskgate.gate.combined_conditions import All, AnyOf, Not
from maskgate.gate.conditions import (
    Columns,
    During,
    Flag,
    Names,
    NoDestination,
    Range,
    RollingSum,
    SmallestGroup,
    Word,
    fits,
    is_pattern,
)
from maskgate.gate.time_window import WEEK

if TYPE_CHECKING:
    from maskgate.gate.conditions import Condition

# How many answers are kept. Each level of nesting asks the one below it several times: without them, the time would
# grow by a power of the depth.
_ANSWERS = 20_000
# Where there are more ways than this to choose one part of each `any:`, they are not tried one by one.
_MOST_CHOICES = 256


@lru_cache(_ANSWERS)
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


@lru_cache(_ANSWERS)
def excludes(one: Condition, other: Condition) -> bool:
    """Whether the two can never hold together."""
    if isinstance(one, Not) and isinstance(other, Not) and _fill_the_week(one.part, other.part):
        return True
    if (isinstance(one, Not) and implies(other, one.part)) or (isinstance(other, Not) and implies(one, other.part)):
        return True
    for first, second in ((one, other), (other, one)):
        if isinstance(first, AnyOf):
            return all(excludes(part, second) for part in first.parts)
    for first, second in ((one, other), (other, one)):
        if isinstance(first, All):
            return any(excludes(part, second) for part in first.parts)
    return _atoms_exclude(one, other)


@lru_cache(_ANSWERS)
def is_never(condition: Condition) -> bool:
    """Whether a condition can hold for no action at all."""
    if isinstance(condition, AnyOf):
        return all(is_never(part) for part in condition.parts)
    if isinstance(condition, Not):
        return is_always(condition.part)
    if not isinstance(condition, All):
        return False
    flat = _flat(condition)
    return _contradict(flat) or _contradict_by_choice(flat)


@lru_cache(_ANSWERS)
def is_always(condition: Condition) -> bool:
    """Whether a condition holds for every action of which its facts are known."""
    if isinstance(condition, All):
        return all(is_always(part) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(is_always(part) for part in condition.parts) or is_never(negation(condition))
    if isinstance(condition, Not):
        return is_never(condition.part)
    return isinstance(condition, During) and len(condition.window.minutes) == WEEK


def negation(condition: Condition) -> Condition:
    """Return what holds where a condition does not, as far as its facts are known."""
    if isinstance(condition, Not):
        return condition.part
    if isinstance(condition, Flag):
        return Flag(condition.fact, not condition.value)
    if isinstance(condition, All):
        return AnyOf(tuple(negation(part) for part in condition.parts))
    if isinstance(condition, AnyOf):
        return All(tuple(negation(part) for part in condition.parts))
    return _other_side(condition) if isinstance(condition, Range) else Not(condition)


def _other_side(condition: Range) -> Condition:
    least, most = condition.at_least, condition.at_most
    if least is not None and most is None:
        return Range(condition.fact, None, least - 1)
    return Range(condition.fact, most + 1) if least is None and most is not None else Not(condition)


def takes_all(patterns: tuple[str, ...]) -> bool:
    """Whether one of some patterns fits every word, of which none is empty."""
    return any("*" in pattern and pattern.count("?") <= 1 and not pattern.strip("*?") for pattern in patterns)


def _fill_the_week(one: Condition, other: Condition) -> bool:
    """Whether two windows are all the time there is, so that it is never outside of both."""
    if not isinstance(one, During) or not isinstance(other, During) or one.window.zone != other.window.zone:
        return False
    return len(one.window.minutes | other.window.minutes) == WEEK


def _flat(condition: All) -> list[Condition]:
    flat: list[Condition] = []
    for each in condition.parts:
        part = negation(each.part) if isinstance(each, Not) and isinstance(each.part, All | AnyOf) else each
        flat += _flat(part) if isinstance(part, All) else [part]
    return flat


def _contradict(parts: list[Condition]) -> bool:
    """Whether one of some can never hold, or two of them never together."""
    return any(is_never(part) for part in parts) or any(
        excludes(one, other) for at, one in enumerate(parts) for other in parts[at + 1 :]
    )


def _contradict_by_choice(parts: list[Condition]) -> bool:
    """Whether, whichever of each `any:` holds, two parts never hold together."""
    choices = [part.parts if isinstance(part, AnyOf) else (part,) for part in parts]
    ways = prod(len(each) for each in choices)
    if ways == 1 or ways > _MOST_CHOICES:
        return False
    return all(_contradict(_flat(All(way))) for way in product(*choices))


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
    if isinstance(one, During) and isinstance(other, During):
        return one.window.zone == other.window.zone and one.window.minutes <= other.window.minutes
    if isinstance(one, Range | SmallestGroup | RollingSum) and _same_number(one, other):
        return _inside(one, other)
    return False


def _atoms_exclude(one: Condition, other: Condition) -> bool:
    if isinstance(one, Word) and isinstance(other, Word) and one.fact == other.fact:
        return _share_no_word(one.patterns, other.patterns)
    if isinstance(one, Names) and isinstance(other, Names) and one.fact == other.fact:
        # Where `only` holds, what the other one wants is among these names, and there is one at least.
        return (one.only or other.only) and _share_no_word(one.patterns, other.patterns)
    if isinstance(one, Flag) and isinstance(other, Flag):
        return one.fact == other.fact and one.value is not other.value
    if isinstance(one, During) and isinstance(other, During):
        return one.window.zone == other.window.zone and not one.window.minutes & other.window.minutes
    if isinstance(one, Range | SmallestGroup | RollingSum) and _same_number(one, other):
        return _apart(one, other) or _apart(other, one)
    return _are_nowhere_and_somewhere(one, other) or _are_nowhere_and_somewhere(other, one)


def _are_nowhere_and_somewhere(one: Condition, other: Condition) -> bool:
    return isinstance(one, NoDestination) and isinstance(other, Word) and other.fact in {"destination", "trust"}


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
        each in wide or "*" in wide or (not is_pattern(each) and fits(each, wide)) for each in narrow
    )


def _share_no_word(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Whether no word can fit one of some patterns and one of others."""
    return not any(_may_overlap(mine, theirs) for mine in some for theirs in others)


def _may_overlap(one: str, other: str) -> bool:
    if is_pattern(one) and is_pattern(other):
        return True
    return fits(one, (other,)) if not is_pattern(one) else fits(other, (one,))
