"""What a policy's ``when:`` asks of an action, as values that say yes, no, or that it cannot be told.

* Three answers: True, False, and None where a fact is not known. ``any`` and ``not`` keep *not known* apart from *no*.
* The same facts give the same answer: no clock, no database, no order of evaluation.
* Each says in words what it asks and what it found.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maskgate.gate.action_facts import ActionFacts, ColumnFact, Total
    from maskgate.gate.time_window import TimeWindow

# Facts that every action either has or has not: without them the answer is no.
_MAY_BE_ABSENT = frozenset({"resource", "destination", "trust", "workflow"})
_TITLES = {"destination": "destination id", "trust": "destination trust", "person": "requester person"}
_TITLES |= {"token": "requester token", "workflow": "requester workflow"}
_WILD = frozenset("*?")


class Condition(Protocol):
    """One thing that is asked of an action; a value, so that what was proved of it can be kept."""

    def __hash__(self) -> int:
        """Hash it, so that what was proved of it is found again."""
        ...

    def holds(self, facts: ActionFacts) -> bool | None:
        """Say whether it holds; None if that is not known."""
        ...

    def describe(self) -> str:
        """Say what is asked, in a few words."""
        ...

    def found(self, facts: ActionFacts) -> str:
        """Say what the action is like, in a few words."""
        ...


def title_of(fact: str) -> str:
    """Return what people call a fact."""
    return _TITLES.get(fact, fact.replace("_", " "))


def is_pattern(word: str) -> bool:
    """Whether a word of the policy stands for others too."""
    return bool(_WILD & set(word))


def fits(word: str, patterns: Iterable[str]) -> bool:
    """Whether a word is one of some, in which ``*`` and ``?`` stand for anything; upper and lower case differ."""
    # A bracket is one: paths of columns hold them, as in `contacts[].email`.
    return any(fnmatchcase(word, pattern.replace("[", "[[]")) for pattern in patterns)


@dataclass(frozen=True)
class Word:
    """A fact that is a word is one of these, or fits one of these patterns."""

    fact: str
    patterns: tuple[str, ...]

    def holds(self, facts: ActionFacts) -> bool | None:
        """Say whether it holds."""
        word: str | None = getattr(facts, self.fact)
        if word is None:
            return False if self.fact in _MAY_BE_ABSENT else None
        return fits(word, self.patterns)

    def describe(self) -> str:
        """Say what is asked."""
        return f"{title_of(self.fact)} {_either(self.patterns)}"

    def found(self, facts: ActionFacts) -> str:
        """Say what it is."""
        word = getattr(facts, self.fact)
        return ("none" if self.fact in _MAY_BE_ABSENT else "not known") if word is None else word


@dataclass(frozen=True)
class NoDestination:
    """The action goes nowhere."""

    def holds(self, facts: ActionFacts) -> bool | None:
        """Say whether it holds."""
        return facts.destination is None

    def describe(self) -> str:
        """Say what is asked."""
        return "no destination"

    def found(self, facts: ActionFacts) -> str:
        """Say what it is."""
        return facts.destination or "none"


@dataclass(frozen=True)
class Names:
    """Some of the tables or datasets, or all of them (`only`), are called so."""

    fact: str
    patterns: tuple[str, ...]
    only: bool = False

    def holds(self, facts: ActionFacts) -> bool | None:
        """Say whether it holds."""
        names: tuple[str, ...] | None = getattr(facts, self.fact)
        if names is None:
            return None
        fitting = [fits(name, self.patterns) for name in names]
        return all(fitting) and bool(fitting) if self.only else any(fitting)

    def describe(self) -> str:
        """Say what is asked."""
        return f"{'only ' if self.only else ''}{self.fact} {_either(self.patterns)}"

    def found(self, facts: ActionFacts) -> str:
        """Say what they are."""
        names = getattr(facts, self.fact)
        return "not known" if names is None else _some(names)


@dataclass(frozen=True)
class Columns:
    """Some column, or every one (`only`), has such a name and class and is in such a table.

    Attributes:
        names: Patterns of its path; empty for any.
        classes: Patterns of what the gate takes it for, of which one fits; empty for any.
        tables: Patterns of its table; empty for any.
        only: Whether it is asked of every column.
    """

    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    only: bool = False

    def holds(self, facts: ActionFacts) -> bool | None:
        """Say whether it holds."""
        if facts.columns is None:
            return None
        fitting = [self._fits(column) for column in facts.columns]
        return all(fitting) and bool(fitting) if self.only else any(fitting)

    def _fits(self, column: ColumnFact) -> bool:
        return (
            (not self.names or fits(column.name, self.names))
            and (not self.tables or fits(column.table, self.tables))
            and (not self.classes or any(fits(each, self.classes) for each in column.classes))
        )

    def describe(self) -> str:
        """Say what is asked."""
        parts = (("", self.names), ("of class ", self.classes), ("in table ", self.tables))
        return f"{'only ' if self.only else ''}columns " + ", ".join(
            f"{word}{_either(patterns)}" for word, patterns in parts if patterns
        )

    def found(self, facts: ActionFacts) -> str:
        """Say which column decides it."""
        if facts.columns is None:
            return "not known"
        telling = [f"{each.table}.{each.name}" for each in facts.columns if self._fits(each) != self.only]
        return _some(telling) if telling else "no other column" if self.only else "no such column"


@dataclass(frozen=True)
class Range:
    """A number is within bounds, both included."""

    fact: str
    at_least: int | None = None
    at_most: int | None = None

    def holds(self, facts: ActionFacts) -> bool | None:
        """Say whether it holds."""
        return within(getattr(facts, self.fact), self.at_least, self.at_most)

    def describe(self) -> str:
        """Say what is asked."""
        return f"{title_of(self.fact)} {bounds(self.at_least, self.at_most)}"

    def found(self, facts: ActionFacts) -> str:
        """Say what it is."""
        return number(getattr(facts, self.fact))


@dataclass(frozen=True)
class SmallestGroup:
    """The smallest group that has the same quasi-identifiers is within bounds."""

    over: tuple[str, ...]
    at_least: int | None = None
    at_most: int | None = None

    def holds(self, facts: ActionFacts) -> bool | None:
        """Say whether it holds."""
        return within(facts.k.get(self.over), self.at_least, self.at_most)

    def describe(self) -> str:
        """Say what is asked."""
        return f"k over {', '.join(self.over)} {bounds(self.at_least, self.at_most)}"

    def found(self, facts: ActionFacts) -> str:
        """Say what it is."""
        return number(facts.k.get(self.over))


@dataclass(frozen=True)
class Flag:
    """Something is so, or is not."""

    fact: str
    value: bool

    def holds(self, facts: ActionFacts) -> bool | None:
        """Say whether it holds."""
        known: bool | None = getattr(facts, self.fact)
        return None if known is None else known is self.value

    def describe(self) -> str:
        """Say what is asked."""
        return f"{title_of(self.fact)} is {str(self.value).lower()}"

    def found(self, facts: ActionFacts) -> str:
        """Say what it is."""
        known = getattr(facts, self.fact)
        return "not known" if known is None else str(known).lower()


@dataclass(frozen=True)
class During:
    """It happens at such times of the week."""

    window: TimeWindow

    def holds(self, facts: ActionFacts) -> bool | None:
        """Say whether it holds."""
        return None if facts.moment is None else self.window.includes(facts.moment)

    def describe(self) -> str:
        """Say what is asked."""
        return f"time {self.window.describe()}"

    def found(self, facts: ActionFacts) -> str:
        """Say when it is."""
        return "not known" if facts.moment is None else self.window.local(facts.moment)


@dataclass(frozen=True)
class RollingSum:
    """A sum over this request and earlier ones is within bounds."""

    total: Total
    at_least: int | None = None
    at_most: int | None = None

    def holds(self, facts: ActionFacts) -> bool | None:
        """Say whether it holds; a part of a sum is enough to say that it is too much."""
        counted = facts.totals.get(self.total)
        if counted is None:
            return None
        if counted.is_complete:
            return within(counted.known, self.at_least, self.at_most)
        if self.at_most is not None and counted.known > self.at_most:
            return False
        reached = self.at_least is not None and counted.known >= self.at_least
        return True if reached and self.at_most is None else None

    def describe(self) -> str:
        """Say what is asked."""
        hours = self.total.over.total_seconds() / 3600
        per = " and ".join(self.total.per)
        return f"sum of {self.total.quantity} in {hours:g} h per {per} {bounds(self.at_least, self.at_most)}"

    def found(self, facts: ActionFacts) -> str:
        """Say what it comes to."""
        counted = facts.totals.get(self.total)
        if counted is None:
            return "not known"
        return number(counted.known) if counted.is_complete else f"at least {number(counted.known)}"


def within(value: int | None, at_least: int | None, at_most: int | None) -> bool | None:
    """Whether a number is within bounds, both included; None if it is not known."""
    if value is None:
        return None
    return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)


def bounds(at_least: int | None, at_most: int | None) -> str:
    """Write bounds in words."""
    parts = (("at least", at_least), ("at most", at_most))
    return " and ".join(f"{word} {bound:,}" for word, bound in parts if bound is not None)


def number(value: int | None) -> str:
    """Write a number that may not be known."""
    return "not known" if value is None else f"{value:,}"


_MOST_NAMES = 5


def _some(names: Iterable[str]) -> str:
    given = list(names)
    beyond = len(given) - _MOST_NAMES
    return (", ".join(given[:_MOST_NAMES]) or "none") + (f" and {beyond} more" if beyond > 0 else "")


def _either(patterns: tuple[str, ...]) -> str:
    return " or ".join(patterns)
