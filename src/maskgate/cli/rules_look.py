"""Looks rules over, with the schema of the data where there is data, and without a key."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from maskgate.datasets.formats import FORMATS, stem_of
from maskgate.datasets.sources import open_source
from maskgate.errors import DatasetError, PlanError, RulesError, UsageError
from maskgate.keys import Key, KeyRing
from maskgate.masking import MaskingPlan
from maskgate.methods.opening import opened_type
from maskgate.rules import load_rules
from maskgate.rules.checks import check_rules
from maskgate.rules.findings import Finding, Lines, Severity, allowed, from_plan_problem, from_problem
from maskgate.rules.path import Path as ColumnPath
from maskgate.rules.strict_yaml import did_you_mean
from maskgate.rules.subjects import Looked, Subject, is_among, subjects_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from maskgate.datasets.source import Source
    from maskgate.masking.column_plan import ColumnPlan
    from maskgate.rules import Rules, TableRules

# The name of one file or folder: no pattern, no version of a Delta table, no URI.
_PLAIN = re.compile(r"[^*?\[\]@:]+")


@dataclass(frozen=True)
class Look:
    """What was found in a rules file.

    Attributes:
        file: What messages call it.
        findings: In the order of their lines.
        subjects: What will happen to each column; none if the rules cannot be used.
        rows: How many rows each table has, as far as that is known.
    """

    file: str
    findings: tuple[Finding, ...]
    subjects: tuple[Subject, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def has_errors(self) -> bool:
        """Whether the rules cannot be used as they are."""
        return self.count(Severity.ERROR) > 0

    def count(self, severity: Severity) -> int:
        """Count the findings of one weight."""
        return sum(finding.severity is severity for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        tables: dict[str, dict[str, Any]] = {}
        for subject in self.subjects:
            table = tables.setdefault(subject.table, {"rows": self.rows.get(subject.table), "columns": []})
            table["columns"].append(_as_json(subject, table["rows"]))
        return {
            "file": self.file,
            **{f"{severity}s": self.count(severity) for severity in Severity},
            "findings": [finding.as_json() for finding in self.findings],
            "tables": tables,
        }


def look_over(
    file: str,
    data: str | None,
    table_name: str | None,
    rows: int | None,
    *,
    declared: Mapping[str, Any] | None = None,
    allow: Collection[str] = (),
    strict: bool = False,
) -> Look:
    """Look rules over.

    Args:
        file: The rules file.
        data: Files of one table, or a folder with a file for each table; None to look at the rules alone.
        table_name: What the rules call the table, if `data` is that of one.
        rows: How many rows to reckon with where the data does not say.
        declared: What is said of the files of the data: `format_name` and `options` of :func:`open_source`.
        allow: Codes of warnings that somebody has weighed.
        strict: Whether the other warnings are errors.

    Raises:
        UsageError: If the data belongs to no table of the rules.
        DatasetError: If the data cannot be read.
    """
    try:
        rules = load_rules(Path(file))
        lines = Lines.of(Path(file).read_text(encoding="utf-8"), file)
    except RulesError as error:
        return Look(file, tuple(from_problem(problem) for problem in error.problems))
    opened = partial(open_source, **declared or {})
    sources = {} if data is None else _sources(rules, data, table_name, opened)
    counts = {name: source.rows for name, source in sources.items() if source.rows is not None}
    if rows is not None:
        counts = dict.fromkeys(rules.tables, rows) | counts
    subjects, misfits = _planned(rules, lines, sources)
    misfits += _without_data(rules, lines, sources)
    found = allowed(check_rules(Looked(rules, lines, subjects, counts)), allow)
    if strict:
        found = tuple(
            replace(each, severity=Severity.ERROR) if each.severity is Severity.WARNING else each for each in found
        )
    findings = sorted((*misfits, *found), key=lambda each: (each.line or 0, list(Severity).index(each.severity)))
    return Look(file, tuple(findings), subjects, counts)


def _sources(rules: Rules, data: str, table_name: str | None, opened: Callable[..., Source]) -> dict[str, Source]:
    """Open the data of each table, which reads as little of its files as says what is in them."""
    if not data:
        raise UsageError("DATA is empty. Name a file or a folder, or leave it out.")
    folder = Path(data)
    if table_name is None and "://" not in data and folder.is_dir():
        tables = {name: place for name in rules.tables if (place := _place(folder, name)) is not None}
        if tables:
            return {name: opened(name, place) for name, place in tables.items()}
    name = table_name or _table_of(rules, data)
    if name not in rules.tables:
        raise UsageError(f"the rules have no table '{name}'.{did_you_mean(name, rules.tables)}")
    return {name: opened(name, data)}


def _without_data(rules: Rules, lines: Lines, sources: Mapping[str, Source]) -> tuple[Finding, ...]:
    """Say which tables nobody has held to data, where others have been."""
    message, suggestion = (
        "there is no data for this table, so that nobody knows whether the rules fit.",
        "Add it to DATA.",
    )
    return tuple(
        Finding("without-data", Severity.NOTE, message, suggestion, name, line=lines.line("tables", name))
        for name in rules.tables
        if sources and name not in sources
    )


def _planned(
    rules: Rules, lines: Lines, sources: Mapping[str, Source]
) -> tuple[tuple[Subject, ...], tuple[Finding, ...]]:
    """Hold rules to the schemas; return the columns, and what does not fit."""
    # No key is needed to see what fits, and so none is asked for.
    stand_ins = KeyRing({name: Key(name, bytes(32)) for name in rules.keys})
    named = subjects_of(rules, lines)
    subjects: list[Subject] = []
    misfits: list[Finding] = []
    for name, table in rules.tables.items():
        if name not in sources:
            subjects += [each for each in named if each.table == name]
            continue
        try:
            plan = MaskingPlan.make(rules, name, sources[name].schema, stand_ins)
        except PlanError as error:
            misfits += [from_plan_problem(name, problem, lines, table.columns) for problem in error.problems]
            subjects += [each for each in named if each.table == name]
        else:
            subjects += [_subject(each, table, sources[name].schema, lines) for each in plan.columns]
    return tuple(subjects), tuple(misfits)


def _subject(planned: ColumnPlan, table: TableRules, schema: pa.Schema, lines: Lines) -> Subject:
    written = next((name for name, rule in table.columns.items() if rule is planned.rule), None)
    return Subject(
        table.name,
        planned.input,
        planned.rule,
        lines.line("unlisted") if written is None else lines.column(table.name, written),
        is_entity=is_among(planned.input, (table.entity,)),
        must_be_unique=is_among(planned.input, table.check.unique),
        input=_type_at(schema, planned.input),
        output=planned.type,
        is_listed=written is not None,
    )


def _type_at(schema: pa.Schema, written: str) -> pa.DataType:
    """Return the type of what a path of the plan leads to."""
    first, *inside = ColumnPath.parse(written).steps
    kind = opened_type(schema.field(str(first.name)).type)
    for step in inside:
        if step.name is not None:
            kind = kind.field(step.name).type
        else:
            kind = pa.struct([kind.key_field, kind.item_field]) if pa.types.is_map(kind) else kind.value_type
        kind = opened_type(kind)
    return kind


def _as_json(subject: Subject, rows: int | None) -> dict[str, Any]:
    return {
        "column": subject.path,
        "line": subject.line,
        "is_listed": subject.is_listed,
        "does": subject.entry.describe(),
        "methods": list(dict.fromkeys(rule.method for rule in subject.rules)),
        "type": None if subject.input is None else str(subject.input),
        "becomes": None if subject.output is None else str(subject.output),
        "uniqueness": str(subject.uniqueness),
        "collision_probability": None if rows is None else subject.collision_probability(rows),
        "reversible_by": [str(each) for each in subject.reversible_by],
        "keys": sorted({rule.key for rule in subject.rules if rule.key is not None}),
    }


def _place(folder: Path, name: str) -> Path | None:
    names = [f"{name}{suffix}" for each in FORMATS for suffix in each.suffixes]
    return next((folder / place for place in (*names, name) if (folder / place).exists()), None)


def _table_of(rules: Rules, data: str) -> str:
    stem = stem_of(data)
    if stem in rules.tables or len(rules.tables) == 1:
        return stem if stem in rules.tables else next(iter(rules.tables))
    if _PLAIN.fullmatch(data) and not Path(data).exists():
        raise DatasetError(f"{data}: there is no such file.")
    raise UsageError(
        f"the rules have no table '{stem}', which is what the data is called.{did_you_mean(stem, rules.tables)} "
        "Or name the table: --table NAME."
    )
