"""The columns that a look at the rules goes through: each with its rule, and what is known of it without its values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from maskgate.detect import kinds_of_name
from maskgate.methods.collisions import collision_probability
from maskgate.methods.method import ReversibleBy, Uniqueness
from maskgate.rules.claims import Claims
from maskgate.rules.findings import Finding, Severity
from maskgate.rules.path import Path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa

    from maskgate.methods.method import Method
    from maskgate.rules.findings import Lines
    from maskgate.rules.model import Rules, TableRules
    from maskgate.rules.rule import AnyRule, ColumnRule

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_WORST = (Uniqueness.LOST, Uniqueness.LIKELY, Uniqueness.PRESERVED)


@dataclass(frozen=True)
class Subject:
    """One column of one table, and what the rules say of it.

    Attributes:
        table: The table in the rules.
        path: The column, as the data has it; as the rules write it where there is no data.
        entry: Its rule, or its cases.
        line: Where its rule stands.
        is_entity: Whether it says whose row it is.
        must_be_unique: Whether `check:` wants it unique.
        input: The type that goes in, if there is data.
        output: The type that comes out; None if it is dropped, or there is no data.
        is_listed: Whether a rule names it, and not `unlisted:` alone.
    """

    table: str
    path: str
    entry: AnyRule
    line: int | None = None
    is_entity: bool = False
    must_be_unique: bool = False
    input: pa.DataType | None = None
    output: pa.DataType | None = None
    is_listed: bool = True

    @cached_property
    def rules(self) -> tuple[ColumnRule, ...]:
        """Its rule, or those of its cases."""
        return self.entry.rules()

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """Its methods, configured."""
        return tuple(rule.build() for rule in self.rules)

    @property
    def pairs(self) -> tuple[tuple[ColumnRule, Method], ...]:
        """Each of its rules with its method."""
        return tuple(zip(self.rules, self.methods, strict=True))

    @cached_property
    def name(self) -> str:
        """The innermost name of its path, without signs of patterns."""
        names = [step.name for step in Path.parse(self.path).steps if step.name is not None]
        return re.sub(r"[*?]", "", names[-1])

    @cached_property
    def kinds(self) -> frozenset[str]:
        """What a column of this name probably holds."""
        return kinds_of_name(self.name)

    @property
    def uniqueness(self) -> Uniqueness:
        """Whether different values stay different; with several cases, no better than likely."""
        found = [method.uniqueness for method in self.methods]
        if any(rule != self.rules[0] for rule in self.rules):
            found.append(Uniqueness.LIKELY)
        return min(found, key=_WORST.index)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of its name, in lower case."""
        return tuple(word.lower() for word in _WORD.findall(self.name))

    @property
    def reversible_by(self) -> tuple[ReversibleBy, ...]:
        """Who can get values back, each once."""
        return tuple(dict.fromkeys(method.reversible_by for method in self.methods))

    def collision_probability(self, rows: int) -> float | None:
        """Return the chance that two of so many different values get the same token; None if it gets no tokens."""
        found = [
            collision_probability(rule.domain, rows)
            for rule, method in self.pairs
            if method.declaration.needs_domain and rule.domain is not None
        ]
        return max((each for each in found if each is not None), default=None)

    def finding(self, code: str, severity: Severity, message: str, suggestion: str = "") -> Finding:
        """Make a finding about this column."""
        return Finding(code, severity, message, suggestion, self.table, self.path, self.line)


@dataclass(frozen=True)
class Looked:
    """Everything that a look at the rules has before it.

    Attributes:
        rules: The rules.
        lines: Where they stand.
        subjects: The columns.
        rows: How many rows each table has, as far as that is known.
    """

    rules: Rules
    lines: Lines
    subjects: tuple[Subject, ...]
    rows: Mapping[str, int]


def is_among(path: str, written: Iterable[str | None]) -> bool:
    """Say whether a column is one of those that the rules write, however they quote it."""
    return Path.parse(path) in {Path.parse(each) for each in written if each is not None}


def subjects_of(rules: Rules, lines: Lines) -> tuple[Subject, ...]:
    """Return a subject for each column that the rules name, where there is no data to hold them to."""
    subjects = []
    for name, table in rules.tables.items():
        entity, unique = _rules_on(table, (table.entity,)), _rules_on(table, table.check.unique)
        subjects += [
            Subject(
                name,
                written,
                entry,
                lines.column(name, written),
                is_entity=written in entity,
                must_be_unique=written in unique,
            )
            for written, entry in table.columns.items()
        ]
    return tuple(subjects)


def _rules_on(table: TableRules, paths: Iterable[str | None]) -> frozenset[str]:
    """Return what the rules write for columns of these paths, which may be a pattern."""
    rules = Claims(table.columns)
    found = [rules.on_leaf(Path.parse(path)) for path in paths if path is not None]
    return frozenset(claim.written for claim in found if claim is not None)
