"""On which rows a case of a conditional rule holds: a test of the original value of another column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Condition:
    """A test of one column. A null fits nothing but ``null`` among the values.

    Attributes:
        column: The path of the column.
        values: The value is one of these; None stands for null.
        at_least: The value is this or more.
        at_most: The value is this or less.
        matches: A RE2 pattern that is found in the text.
        negated: Whether the cells that have a value, and fail the test, are meant.
    """

    column: str
    values: tuple[Scalar, ...] = ()
    at_least: float | str | None = None
    at_most: float | str | None = None
    matches: str | None = None
    negated: bool = False

    def describe(self) -> str:
        """Say it for people: ``country is DE or AT``."""
        no = "not " if self.negated else ""
        if self.matches is not None:
            return f"{self.column} {'does not match' if self.negated else 'matches'} {self.matches}"
        if self.values:
            return f"{self.column} is {no}{' or '.join(map(_written, self.values))}"
        bounds = [f"at {word} {bound}" for word, bound in self._bounds() if bound is not None]
        return f"{self.column} is {no}{' and '.join(bounds)}"

    def as_json(self) -> Any:
        """Return the test as the rules file has it."""
        test: Any = {f"at_{word}": bound for word, bound in self._bounds() if bound is not None}
        if self.matches is not None:
            test = {"matches": self.matches}
        elif self.values:
            test = self.values[0] if len(self.values) == 1 else list(self.values)
        return {"not": test} if self.negated else test

    @classmethod
    def from_json(cls, column: str, test: Any) -> Condition:
        """Make the condition that :meth:`as_json` wrote."""
        if isinstance(test, dict) and "not" in test:
            inner = cls.from_json(column, test["not"])
            return cls(column, inner.values, inner.at_least, inner.at_most, inner.matches, negated=True)
        if isinstance(test, dict):
            return cls(column, at_least=test.get("at_least"), at_most=test.get("at_most"), matches=test.get("matches"))
        return cls(column, tuple(test) if isinstance(test, list) else (test,))

    def _bounds(self) -> tuple[tuple[str, float | str | None], ...]:
        return ("least", self.at_least), ("most", self.at_most)


def conditions_as_json(conditions: tuple[Condition, ...]) -> dict[str, Any]:
    """Return what ``when:`` holds."""
    return {each.column: each.as_json() for each in conditions}


def conditions_from_json(when: Mapping[str, Any]) -> tuple[Condition, ...]:
    """Make the conditions that :func:`conditions_as_json` wrote."""
    return tuple(Condition.from_json(column, test) for column, test in when.items())


def _written(value: Scalar) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
