"""The columns that `check:` names, found in the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from maskgate.masking.column_plan import shown
from maskgate.masking.single_values import value_types
from maskgate.methods.token_input import check_token_input
from maskgate.rules.path import Path, written_name
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from maskgate.masking.column_plan import ColumnPlan
    from maskgate.rules.model import TableRules

T = TypeVar("T")


def unique_columns(table: TableRules, columns: tuple[ColumnPlan, ...]) -> frozenset[str]:
    """Return the paths of the columns in which no masked value may stand twice."""
    plans = {plan.input: plan for plan in columns}
    found = [_named(written, plans) for written in table.check.unique]
    return frozenset(plan.input for plan in found if plan is not None)


def unique_problems(table: TableRules, columns: tuple[ColumnPlan, ...], *, complete: bool) -> Iterator[str]:
    """Say which columns cannot be held to be unique.

    Args:
        table: The rules of the table.
        columns: Its columns.
        complete: Whether these are all columns, so that one that is missing is not there.
    """
    plans = {plan.input: plan for plan in columns}
    for written in table.check.unique:
        plan = _named(written, plans)
        if plan is None and complete:
            near = did_you_mean(written, plans)
            yield f'check, unique: there is no column "{written}" of single values.{near}'
        elif plan is not None and plan.output is None:
            yield f'check, unique: the column "{written}" is dropped. Take it out of the check.'
        elif plan is not None and plan.type is not None and pa.types.is_nested(plan.type):
            yield f'check, unique: the column "{written}" ({shown(plan.type)}) does not hold single values.'


def protected_columns(table: TableRules, schema: pa.Schema) -> tuple[str, ...]:
    """Return the paths of the columns of which no original value may come out, each once."""
    paths = {path: path for path in value_types(schema)}
    found = [_named(written, paths) for written in table.check.no_value_survives]
    return tuple(dict.fromkeys(path for path in found if path is not None))


def protected_problems(table: TableRules, schema: pa.Schema) -> Iterator[str]:
    """Say of which columns values could not be found again."""
    kinds = value_types(schema)
    for written in table.check.no_value_survives:
        kind = _named(written, kinds)
        if kind is None:
            yield f"check, no_value_survives: {_not_found(written, kinds)}"
            continue
        try:
            check_token_input(kind)
        except ValueError as error:
            yield f'check, no_value_survives: the column "{written}" cannot be looked for: {error}.'


def _not_found(written: str, kinds: Mapping[str, pa.DataType]) -> str:
    inside = next((path for path in kinds if path.startswith((f"{written}.", f"{written}[]"))), None)
    if inside is not None:
        return f'the column "{written}" does not hold single values. Name what is inside of it, such as "{inside}".'
    return f'there is no column "{written}" of single values.{did_you_mean(written, kinds)}'


def _named(written: str, found: Mapping[str, T]) -> T | None:
    """Find what the rules name, which may be a column with dots in its name as it is."""
    return found.get(str(Path.parse(written)), found.get(written_name(written)))
