"""Mask a table in memory."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from maskgate.errors import KeyReferenceError, UsageError
from maskgate.keys import KeyRing
from maskgate.masking.held_tables import hold
from maskgate.masking.joining import joined
from maskgate.masking.plan import MaskingPlan, table_rules
from maskgate.masking.run import MaskingRun
from maskgate.rules.findings import with_places
from maskgate.rules.model import Rules

if TYPE_CHECKING:
    from maskgate.masking.report import MaskingReport

T = TypeVar("T")

BATCH_ROWS = 131_072
# A dictionary is masked once a batch, so that fewer batches are less work.
_ROWS_WITH_DICTIONARY = 1_048_576


def mask_table(table: T, rules: Rules, *, table_name: str, keys: KeyRing | None = None) -> tuple[T, MaskingReport]:
    """Mask a table.

    Args:
        table: The original; it is not changed. A table, record batch or reader of pyarrow, a DataFrame of pandas or
            Polars, a LazyFrame, a relation of DuckDB, or anything that speaks Arrow's PyCapsule interface.
        rules: What to do with its columns.
        table_name: What the rules call the table.
        keys: The keys; None to resolve the references in the rules.

    Returns:
        The masked table as what it was, with no bytes beside those of its cells, and counts of what was done. Of an
        unknown class it comes back by that class's ``from_arrow``, or else as a table of pyarrow.

    Raises:
        UsageError: If the table cannot be read as Arrow data, or the rules or keys are none.
        PlanError: If the rules do not fit the schema.
        KeyReferenceError: If a key cannot be had.
        MaskingError: If a method cannot take a value, or a check of the rules does not hold.
    """
    ring = resolve_keys(rules, [table_name], keys)
    held = hold(table)
    masked, report = _masked(held.table, MaskingPlan.make(rules, table_name, held.table.schema, ring))
    return held.give_back(masked), report


def _masked(table: pa.Table, plan: MaskingPlan) -> tuple[pa.Table, MaskingReport]:
    batches = []
    with MaskingRun(plan) as run:
        for batch in _batches(table, plan):
            masked = run.mask([batch])
            batches.append(masked.batch)
            run.add(masked)
        report = run.finish()
    masked_table = pa.Table.from_batches(batches, schema=plan.output_schema)
    return pa.table([_unified(column) for column in masked_table.columns], schema=plan.output_schema), report


def _unified(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give all chunks one dictionary, where one can be had: formats such as Arrow's own files hold no more."""
    with suppress(pa.ArrowException):  # more entries than codes, or entries of a type that Arrow cannot compare
        return column.unify_dictionaries()
    return column


def _batches(table: pa.Table, plan: MaskingPlan) -> list[pa.RecordBatch]:
    if plan.whole_table:
        return [joined(table.to_batches(), table.schema)]
    batches: list[pa.RecordBatch] = table.to_batches(max_chunksize=_batch_rows(table.schema))
    return batches


def _batch_rows(schema: pa.Schema) -> int:
    return _ROWS_WITH_DICTIONARY if any(map(pa.types.is_dictionary, schema.types)) else BATCH_ROWS


def resolve_keys(rules: Rules, tables: list[str], keys: KeyRing | None) -> KeyRing:
    """Return the keys given, or else those that masking these tables takes.

    Raises:
        UsageError: If the rules or the keys are of another class.
        PlanError: If the rules have no such table.
        KeyReferenceError: If a key cannot be had.
    """
    if not isinstance(rules, Rules):
        raise UsageError(f"rules: what `load_rules(path)` returns is expected here, not {type(rules).__name__}.")
    if not isinstance(keys, KeyRing | None):
        raise UsageError(f"keys: a KeyRing is expected here, not {type(keys).__name__}; None takes those of the rules.")
    for name in tables:
        table_rules(rules, name)
    if keys is not None:
        return keys
    base, problem = None if rules.path is None else rules.path.parent, ""
    try:
        return KeyRing.resolve(rules.references(tables), base=base)
    except KeyReferenceError as error:
        problem = str(error)
    raise KeyReferenceError(with_places(problem, rules))
