"""Shows people what was found in rules, and what will happen to each column."""

from __future__ import annotations

import sys
from itertools import groupby
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from maskgate.methods.method import ReversibleBy
from maskgate.rules.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maskgate.cli.rules_look import Look
    from maskgate.rules.subjects import Subject

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_HEADINGS = ("column", "what happens", "type", "stay different", "who can reverse it")
# Where nobody looks, as in a log, lines are not folded to fit a window.
_WIDTH_OF_LOG = 160


def show(look: Look) -> None:
    """Print the columns of each table, then the findings, then their number."""
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _WIDTH_OF_LOG)
    for name, subjects in groupby(look.subjects, key=lambda subject: subject.table):
        rows = look.rows.get(name)
        click.echo(f"{name}" if rows is None else f"{name}: {rows:,} rows")
        console.print(_table(subjects, rows))
        click.echo()
    for finding in look.findings:
        shown = finding.at(look.file)
        weight = f"{finding.severity}:"
        click.echo(shown.replace(weight, click.style(weight, fg=_COLOURS[finding.severity]), 1))
    counts = ", ".join(f"{look.count(each)} {each}{'s' * (look.count(each) != 1)}" for each in Severity)
    click.echo(f"{look.file}: {counts}")


def _table(subjects: Iterable[Subject], rows: int | None) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold")
    for subject in subjects:
        table.add_row(
            subject.path,
            subject.entry.describe() + ("" if subject.is_listed else " (unlisted)"),
            _types(subject),
            "" if _is_gone(subject) else _uniqueness(subject, rows),
            "" if _is_gone(subject) else _reversible_by(subject),
        )
    return table


def _types(subject: Subject) -> str:
    if subject.input is None or _is_gone(subject):
        return ""
    return f"{subject.input} → {subject.output}" if subject.input != subject.output else str(subject.input)


def _uniqueness(subject: Subject, rows: int | None) -> str:
    """Say whether different values stay different, and how likely any two get one token."""
    probability = None if rows is None else subject.collision_probability(rows)
    return f"{subject.uniqueness} (collision: {probability:.2g})" if probability else str(subject.uniqueness)


def _is_gone(subject: Subject) -> bool:
    return all(rule.method == "drop" for rule in subject.rules)


def _reversible_by(subject: Subject) -> str:
    keys = ", ".join(sorted({rule.key for rule in subject.rules if rule.key is not None}))
    said = [
        f"holder of {keys}" if each is ReversibleBy.KEY_HOLDER and keys else str(each) for each in subject.reversible_by
    ]
    return ", ".join(said)
