"""Rules against a schema: what will happen to each column, decided before the first row.

* A column without a rule, a rule without a column, a type that a method does not take: nothing is masked, and all of
  it is said at once.
* Every method reads the original batch; no method sees another's output.
* The output has no metadata, and no field keeps a promise of the input that masking may break.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from maskgate.errors import MaskgateError, MaskingError, PlanError
from maskgate.masking.bare_schema import bare_field, holds_extension, storage, storage_type
from maskgate.masking.report import ColumnReport, MaskingReport
from maskgate.methods.families import family_of
from maskgate.methods.method import Surroundings
from maskgate.methods.token_input import check_token_input
from maskgate.rules.model import ColumnRule, TableRules
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from maskgate.keys import Key, KeyRing
    from maskgate.methods.method import Method
    from maskgate.rules.model import Rules

_LONGEST_TYPE = 80


@dataclass(frozen=True)
class ColumnPlan:
    """What happens to one column.

    Attributes:
        input: Its name in the data.
        output: Its name in the masked data; None if it is dropped.
        type: The type that comes out; None if it is dropped.
        rule: The rule that says so, or stands in for one where the column is unlisted.
        method: The method, ready to run.
        key: The key it takes.
        is_listed: Whether the rules name the column.
    """

    input: str
    output: str | None
    type: pa.DataType | None
    rule: ColumnRule
    method: Method
    key: Key | None = field(default=None, repr=False)
    is_listed: bool = True

    @property
    def description(self) -> str:
        """What happens, for people."""
        return self.rule.describe()

    def as_json(self) -> dict[str, Any]:
        """Return names and versions, as lineage holds them."""
        return {
            "input": self.input,
            "method": self.rule.method,
            "description": self.description,
            "output": self.output,
            "domain": self.rule.domain.name if self.rule.domain else None,
            "key": self.key.name if self.key else None,
            "key_version": self.key.version if self.key else None,
        }


@dataclass(frozen=True)
class MaskingPlan:
    """What happens to one table.

    Attributes:
        table: Its name in the rules.
        columns: In the order of the data.
        entity: The column that says whose row it is.
        output_schema: The schema that comes out.
    """

    table: str
    columns: tuple[ColumnPlan, ...]
    entity: str | None
    output_schema: pa.Schema

    @classmethod
    def make(cls, rules: Rules, table_name: str, schema: pa.Schema, keys: KeyRing) -> MaskingPlan:
        """Check the rules of a table against its schema.

        Args:
            rules: The rules.
            table_name: The table's name in the rules.
            schema: The schema of the data.
            keys: The keys that the rules refer to.

        Raises:
            PlanError: With everything that does not fit.
            KeyReferenceError: If a key is not in the ring.
        """
        table = table_rules(rules, table_name)
        problems = list(_name_problems(schema))
        listed = {name: table.columns.get(name) or _stand_in(rules.unlisted) for name in dict.fromkeys(schema.names)}
        fields = {item.name: item for item in schema}
        columns = []
        for name, rule in listed.items():
            planned = _plan_column(fields[name], rule, keys, is_listed=name in table.columns)
            columns += [planned] if isinstance(planned, ColumnPlan) else []
            problems += [planned] if isinstance(planned, str) else []
        problems += _missing_problems(table, schema, [name for name in fields if name not in table.columns])
        problems += _entity_problems(table, fields)
        outputs = [bare_field(each.output, each.type) for each in columns if each.output is not None]
        if not problems and not outputs:
            problems.append("every column is dropped, so that nothing would be left. Keep one, or leave the table out.")
        if problems:
            raise PlanError(table_name, tuple(problems))
        return cls(table_name, tuple(columns), table.entity, pa.schema(outputs))

    def mask_batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Mask one batch.

        Raises:
            MaskingError: If a method cannot take a value; the message names the column.
        """
        return self.mask_and_report(batch)[0]

    def mask_and_report(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, MaskingReport]:
        """Mask one batch, and count what was done."""
        entity = None if self.entity is None else storage(batch.column(self.entity))
        arrays = []
        reports = {}
        for plan in self.columns:
            column = storage(batch.column(plan.input))
            after = None
            if plan.output is not None:
                masked = _apply(self.table, plan, column, entity)
                arrays.append(masked)
                after = masked.null_count
            reports[plan.input] = ColumnReport(plan.rule.method, column.null_count, after)
        masked_batch = pa.RecordBatch.from_arrays(arrays, schema=self.output_schema)
        return masked_batch, MaskingReport(self.table, batch.num_rows, reports)

    def empty_report(self) -> MaskingReport:
        """Return the report on no rows."""
        columns = {
            each.input: ColumnReport(each.rule.method, 0, None if each.output is None else 0) for each in self.columns
        }
        return MaskingReport(self.table, 0, columns)

    def key_versions(self) -> dict[str, int]:
        """Return the version of each key in use."""
        return {each.key.name: each.key.version for each in self.columns if each.key is not None}


def table_rules(rules: Rules, name: str) -> TableRules:
    """Return the rules of a table.

    Raises:
        PlanError: If there are none.
    """
    if name not in rules.tables:
        raise PlanError(name, (f"the rules have no such table.{did_you_mean(name, rules.tables)}",))
    return rules.tables[name]


def _stand_in(unlisted: str) -> ColumnRule | None:
    return None if unlisted == "fail" else ColumnRule(unlisted)


def _name_problems(schema: pa.Schema) -> list[str]:
    repeated = [name for name, count in Counter(schema.names).items() if count > 1]
    return [f'column "{name}" is there more than once. Rename one of them.' for name in repeated]


def _plan_column(item: pa.Field, rule: ColumnRule | None, keys: KeyRing, *, is_listed: bool) -> ColumnPlan | str:
    """Return the plan of one column, or what is wrong with it."""
    kind = storage_type(item.type)
    where = f'column "{item.name}" ({_shown(kind)})'
    if rule is None:
        return f"{where} is not covered by any rule. Add a rule, or write `{item.name}: keep`."
    method = rule.build()
    declaration = method.declaration
    if family_of(kind) not in declaration.accepts:
        taken = ", ".join(sorted(family.value for family in declaration.accepts))
        return f"{where}: '{declaration.name}' takes {taken}. Choose another method, or convert the column first."
    try:
        output = method.output_type(kind)
    except ValueError as error:
        return f"{where}: {str(error).rstrip('.')}."
    if output is not None and holds_extension(output):
        return f"{where}: an extension type inside a column is not taken. Drop the column, or convert it first."
    key = None if rule.key is None else keys.get(rule.key)
    return ColumnPlan(item.name, None if output is None else item.name, output, rule, method, key, is_listed)


def _missing_problems(table: TableRules, schema: pa.Schema, unlisted: list[str]) -> list[str]:
    problems = []
    for name in table.columns:
        if name not in schema.names:
            near = did_you_mean(name, unlisted) if unlisted else ""
            near = near if near.startswith(" Did") else " Take its rule out, or mask the data it was written for."
            problems.append(f'column "{name}" has a rule, and the data has no such column.{near}')
    return problems


def _entity_problems(table: TableRules, fields: dict[str, pa.Field]) -> list[str]:
    if table.entity is None:
        return []
    if table.entity not in fields:
        near = did_you_mean(table.entity, fields)
        return [f'the entity column "{table.entity}" is not in the data.{near}']
    kind = storage_type(fields[table.entity].type)
    try:
        check_token_input(kind)
    except ValueError as error:
        return [f'the entity column "{table.entity}" ({_shown(kind)}): {str(error).rstrip(".")}.']
    return []


def _apply(table: str, plan: ColumnPlan, column: pa.Array, entity: pa.Array | None) -> pa.Array:
    needs_entity = plan.method.declaration.needs_entity
    surroundings = Surroundings(table, plan.input, plan.key, entity if needs_entity else None)
    failure = ""
    try:
        masked = plan.method.apply(column, surroundings)
    except MaskgateError:
        raise
    except Exception as error:  # noqa: BLE001  what a kernel says may quote a cell, and so may its traceback
        failure = type(error).__name__
    if failure:
        # Raised outside of the handler, so that not even the context of the error holds the original one.
        raise MaskingError(
            f'table "{table}", column "{plan.input}" ({_shown(column.type)}): '
            f"'{plan.rule.method}' failed on a value ({failure}). Choose another method, or drop the column."
        )
    if isinstance(masked, pa.ChunkedArray):
        masked = masked.combine_chunks()
    if masked.type != plan.type or len(masked) != len(column):
        raise MaskingError(
            f'table "{table}", column "{plan.input}": \'{plan.rule.method}\' gave {len(masked)} cells of '
            f"{_shown(masked.type)}, and announced {len(column)} of {_shown(plan.type)}. This is a bug of the method."
        )
    return masked


def _shown(type_: pa.DataType | None) -> str:
    text = str(type_)
    return text if len(text) <= _LONGEST_TYPE else f"{text[:_LONGEST_TYPE]}…"
