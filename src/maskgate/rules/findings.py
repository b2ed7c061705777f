"""What a look at a rules file finds: errors, warnings and notes, each with its place and what would be right."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from maskgate.errors import RulesError
from maskgate.rules.path import Path
from maskgate.rules.strict_yaml import parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from maskgate.errors import Problem
    from maskgate.rules.model import Rules
    from maskgate.rules.strict_yaml import Located

# The place at the beginning of a problem: `column "email" (string): …`, `table "t", columns: …`.
_PLACE = re.compile(
    r'(?P<kind>table|column|domain|key) "(?P<name>.*?)"(?P<more>(?: \(.*?\)|, [\w ]+)*)(?P<colon>:?) (?P<rest>.*)',
    re.DOTALL,
)


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


# What kinds of findings there are; the guide to the rules shows this table.
CODES: Mapping[str, str] = MappingProxyType(
    {
        "invalid-rules": "The file cannot be read as rules.",
        "does-not-fit": "The rules do not fit the schema of the data.",
        "uniqueness-lost": "A column that tells rows apart, or is under `check: unique`, gets a method that makes "
        "different values equal.",
        "low-entropy-token": "A column of few different values, going by name or type, gets the same replacement for "
        "the same value.",
        "small-token-space": "There are so few values under `fpe` that a list of all tokens can be made.",
        "token-collisions": "With this many rows, two values may well get the same token.",
        "guessable-token": "Whoever holds the key can try every value that there can be.",
        "without-data": "DATA has nothing for this table.",
        "reversible-by-key-holder": "Whoever holds the key can get values back.",
        "cmac-invertible": "Whoever holds the key can get values of up to 16 bytes back.",
        "direct-identifier-kept": "A column that identifies people, going by its name, stays as it is.",
        "unlisted-kept": "A column that is added to the data later leaves unmasked.",
        "noise-without-bounds": "Noise has no `min:` or `max:`, so that outliers stand out.",
        "noise-rounded-away": "Noise is so small that most values come out as they went in.",
        "joins-break": "Columns of one name get tokens of different domains.",
        "intervals-break": "Dates of one entity move by different numbers of days.",
        "unscoped-domain": "A domain is for every recipient, and others are for one.",
        "known-date-reveals-shift": "One known date of an entity gives all its others away.",
        "noise-is-not-dp": "This noise carries no promise of differential privacy.",
        "local-dp": "What each cell spends of an epsilon.",
        "length-shows": "How long a value is can be seen.",
        "unknown-key-source": "The reference of a key begins with no source that is known here.",
        "unused-key": "No column uses this key.",
        "unused-domain": "No column uses this domain.",
    }
)


@dataclass(frozen=True)
class Finding:
    """One thing to know about a rules file.

    Attributes:
        code: What kind of finding it is, one of :data:`CODES`.
        severity: Whether the rules cannot be used, should be thought over, or have a consequence worth knowing.
        message: What was found, in one sentence.
        suggestion: What would be right, or what to weigh.
        table: The table it is about, if it is about one.
        column: The column it is about, as the rules or the data call it.
        line: Where it stands in the file, counted from 1.
        file: The file, if it is one that the rules include.
    """

    code: str
    severity: Severity
    message: str
    suggestion: str = ""
    table: str | None = None
    column: str | None = None
    line: int | None = None
    file: str | None = None

    def at(self, file: str) -> str:
        """Say the finding with its place, on one line."""
        place = self.file or file
        place = place if self.line is None else f"{place}:{self.line}"
        what = "" if self.column is None else f', column "{self.column}"'
        if self.column is None and self.table is not None:
            what = f', table "{self.table}"'
        said = f"{self.message} {self.suggestion}".rstrip()
        return f"{place}{what}: {self.severity}: {said} ({self.code})"

    def as_json(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        return {
            "severity": str(self.severity),
            "code": self.code,
            **({"file": self.file} if self.file else {}),
            "line": self.line,
            "table": self.table,
            "column": self.column,
            "message": self.message,
            "suggestion": self.suggestion,
        }


@dataclass(frozen=True)
class Lines:
    """Where things stand in a rules file.

    Attributes:
        root: The file as it was read, with lines.
    """

    root: Located

    @classmethod
    def of(cls, text: str, file: str) -> Lines:
        """Read the lines of a file.

        Raises:
            RulesError: If it is not YAML.
        """
        return cls(parse(text, file, RulesError))

    def line(self, *names: str) -> int | None:
        """Return the line of an entry, such as ``line("tables", "customers", "columns", "email")``."""
        place = self.root
        for name in names:
            if not isinstance(place.value, dict) or name not in place.value:
                return None
            place = place.value[name]
        return place.line

    def column(self, table: str, written: str) -> int | None:
        """Return the line of a column's rule, as the file writes the column."""
        return self.line("tables", table, "columns", written)


def from_problem(problem: Problem) -> Finding:
    """Make a finding of what the reader of the rules refused."""
    kind, name, message = _placed(problem.message)
    message, suggestion = _parted(message)
    table = name if kind == "table" else None
    column = name if kind == "column" else None
    if kind in ("domain", "key"):
        message = f'{kind} "{name}": {message}'
    return Finding("invalid-rules", Severity.ERROR, message, suggestion, table, column, problem.line, problem.file)


def from_plan_problem(table: str, problem: str, lines: Lines, written: Collection[str]) -> Finding:
    """Make a finding of what the plan refused: rules that do not fit the data.

    Args:
        table: The table in the rules.
        problem: What the plan said.
        lines: Where the columns stand.
        written: The columns of the table, as the file writes them.
    """
    kind, name, message = _placed(problem)
    message, suggestion = _parted(message)
    column = name if kind == "column" else None
    rule = None if column is None else next((each for each in written if each == column or _covers(each, column)), None)
    line = None if rule is None else lines.column(table, rule)
    about = next((entry for start, entry in _ENTRIES if problem.startswith(start)), None)
    if about is not None:
        line = lines.line("tables", table, about)
    if line is None:
        line = lines.line("tables", table, "columns") or lines.line("tables", table)
    return Finding("does-not-fit", Severity.ERROR, message, suggestion, table, column, line)


def places_of(problems: Iterable[str], table: str, rules: Rules) -> tuple[str, ...]:
    """Say of each problem of a plan in which file and line its rule stands; nothing, where the file is not there.

    Args:
        problems: What the plan refused.
        table: The table in the rules.
        rules: The rules.
    """
    lines = _lines_of(rules)
    if lines is None:
        return ()
    file, columns = str(rules.path), rules.tables[table].columns if table in rules.tables else ()
    found = [from_plan_problem(table, problem, lines, columns).line or lines.line("tables") for problem in problems]
    return tuple(file if line is None else f"{file}:{line}" for line in found)


def with_places(message: str, rules: Rules) -> str:
    """Say of each problem of a key, on a line of its own, in which file and line the key stands."""
    lines = _lines_of(rules)
    told = message.splitlines()
    if lines is None:
        return message
    for at, problem in enumerate(told):
        kind, name, _ = _placed(problem)
        line = lines.line("keys", name) if kind == "key" else None
        told[at] = problem if line is None else f"{rules.path}:{line}, {problem}"
    return "\n".join(told)


def _lines_of(rules: Rules) -> Lines | None:
    if rules.path is None:
        return None
    try:
        return Lines.of(rules.path.read_text(encoding="utf-8"), str(rules.path))
    except (OSError, ValueError, RulesError):
        return None


# What a plan's problem begins with that is not about a column's rule, and the entry of the table that it is about.
_ENTRIES = (("check, ", "check"), ("the entity ", "entity"), ("the row key ", "row_key"))


def _covers(pattern: str, column: str) -> bool:
    """Say whether a column falls under a rule for a pattern of names."""
    try:
        steps, names = Path.parse(pattern).steps, Path.parse(column).steps
    except ValueError:
        # The data may have a column whose name, as it is, is no path.
        return False
    return len(steps) == len(names) and all(
        step == name or (name.name is not None and step.fits(name.name))
        for step, name in zip(steps, names, strict=True)
    )


def allowed(findings: Iterable[Finding], codes: Collection[str]) -> tuple[Finding, ...]:
    """Make notes of the warnings that somebody has weighed and allows."""
    return tuple(
        replace(each, severity=Severity.NOTE) if each.code in codes and each.severity is Severity.WARNING else each
        for each in findings
    )


def _placed(message: str) -> tuple[str, str, str]:
    """Take the place off a message: what kind of thing it is, its name, and what is said of it."""
    found = _PLACE.fullmatch(message)
    if found is None:
        return "", "", message
    inside = found["more"].removeprefix(", ").strip()
    rest = found["rest"] if found["colon"] else f"it {found['rest']}"
    return found["kind"], found["name"], f"{inside}: {rest}" if inside.isidentifier() else rest


def _parted(message: str) -> tuple[str, str]:
    """Part what is wrong from what would be right: every message says it in this order."""
    wrong, stop, right = message.partition(". ")
    return (f"{wrong}.", right) if stop else (message, "")
