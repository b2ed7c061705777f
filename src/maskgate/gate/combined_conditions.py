"""Conditions that are made of conditions: all of some, any of some, and not; and how to go through what they ask.

They keep the three answers apart, as `conditions.py` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maskgate.gate.action_facts import ActionFacts
    from maskgate.gate.conditions import Condition


@dataclass(frozen=True)
class All:
    """Every part holds."""

    parts: tuple[Condition, ...]

    def holds(self, facts: ActionFacts) -> bool | None:
        """Say whether it holds; one part that does not settles it, whatever is not known."""
        return _all(part.holds(facts) for part in self.parts)

    def describe(self) -> str:
        """Say what is asked."""
        return " and ".join(part.describe() for part in self.parts)

    def found(self, facts: ActionFacts) -> str:
        """Say what was found, part by part."""
        return "; ".join(part.found(facts) for part in self.parts)


@dataclass(frozen=True)
class AnyOf:
    """One of several holds."""

    parts: tuple[Condition, ...]

    def holds(self, facts: ActionFacts) -> bool | None:
        """Say whether it holds; one part that does settles it, whatever is not known."""
        refuted = _all(negated(part.holds(facts)) for part in self.parts)
        return negated(refuted)

    def describe(self) -> str:
        """Say what is asked."""
        return "any of (" + "; or ".join(part.describe() for part in self.parts) + ")"

    def found(self, facts: ActionFacts) -> str:
        """Say what was found, part by part."""
        return "; ".join(part.found(facts) for part in self.parts)


@dataclass(frozen=True)
class Not:
    """It does not hold."""

    part: Condition

    def holds(self, facts: ActionFacts) -> bool | None:
        """Say whether it holds."""
        return negated(self.part.holds(facts))

    def describe(self) -> str:
        """Say what is asked."""
        return f"not ({self.part.describe()})"

    def found(self, facts: ActionFacts) -> str:
        """Say what was found."""
        return self.part.found(facts)


def reasons(condition: Condition, facts: ActionFacts) -> Iterator[str]:
    """Say, part by part, what made a condition hold, not hold, or be undecided."""
    answer = condition.holds(facts)
    parts = condition.parts if isinstance(condition, All) or (isinstance(condition, AnyOf) and answer is True) else ()
    for part in parts:
        if part.holds(facts) is answer:
            yield from reasons(part, facts)
    if not parts:
        word = {True: "holds", False: "does not hold", None: "cannot be told"}[answer]
        yield f"{condition.describe()}: {word}, found {condition.found(facts)}"


def parts_of(condition: Condition) -> Iterator[Condition]:
    """Go through everything that a condition asks, however deep."""
    yield condition
    inside = condition.parts if isinstance(condition, All | AnyOf) else ()
    for part in (condition.part,) if isinstance(condition, Not) else inside:
        yield from parts_of(part)


def negated(answer: bool | None) -> bool | None:  # noqa: FBT001  the third answer has no name of its own
    """Turn yes into no and no into yes; what is not known stays so."""
    return None if answer is None else not answer


def _all(answers: Iterable[bool | None]) -> bool | None:
    given = list(answers)
    if False in given:
        return False
    return None if None in given else True
