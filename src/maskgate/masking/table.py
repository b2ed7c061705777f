"""Mask a table in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.errors import MaskingError
from maskgate.keys import KeyRing
from maskgate.masking.plan import MaskingPlan, table_rules
from maskgate.masking.run import MaskingRun

if TYPE_CHECKING:
    from maskgate.masking.report import MaskingReport
    from maskgate.rules.model import Rules

BATCH_ROWS = 131_072
# A dictionary is masked once a batch, so that fewer batches are less work.
_ROWS_WITH_DICTIONARY = 1_048_576


def mask_table(
    table: pa.Table, rules: Rules, *, table_name: str, keys: KeyRing | None = None
) -> tuple[pa.Table, MaskingReport]:
    """Mask a table.

    Args:
        table: The original; it is not changed.
        rules: What to do with its columns.
        table_name: What the rules call the table.
        keys: The keys; None to resolve the references in the rules.

    Returns:
        The masked table, with no bytes beside those of its cells, and counts of what was done.

    Raises:
        PlanError: If the rules do not fit the schema.
        KeyReferenceError: If a key cannot be had.
        MaskingError: If a method cannot take a value, or a check of the rules does not hold.
    """
    plan = MaskingPlan.make(rules, table_name, table.schema, resolve_keys(rules, [table_name], keys))
    whole = plan.whole_table
    batches = []
    with MaskingRun(plan) as run:
        for batch in [one_batch(table)] if whole else table.to_batches(max_chunksize=_batch_rows(table.schema)):
            masked = run.mask(batch)
            batches.append(masked.batch)
            run.add(masked)
        report = run.finish()
    masked_table = pa.Table.from_batches(batches, schema=plan.output_schema)
    # One dictionary for all chunks of a column: formats such as Arrow's own files hold no more.
    return masked_table.unify_dictionaries(), report


def _batch_rows(schema: pa.Schema) -> int:
    return _ROWS_WITH_DICTIONARY if any(map(pa.types.is_dictionary, schema.types)) else BATCH_ROWS


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """Put all rows of a table into one batch.

    Raises:
        MaskingError: If a column is too long for its type.
    """
    batches = table.combine_chunks().to_batches()
    if len(batches) > 1:
        raise MaskingError(
            "a method that sees all rows at once has more than 2 GB of one column before it. "
            "Convert text to large_string, or mask by another method."
        )
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def resolve_keys(rules: Rules, tables: list[str], keys: KeyRing | None) -> KeyRing:
    """Return the keys given, or else those that masking these tables takes.

    Raises:
        PlanError: If the rules have no such table.
        KeyReferenceError: If a key cannot be had.
    """
    for name in tables:
        table_rules(rules, name)
    if keys is not None:
        return keys
    base = None if rules.path is None else rules.path.parent
    return KeyRing.resolve(rules.references(tables), base=base)
