"""Mask a table in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.keys import KeyRing
from maskgate.masking.plan import MaskingPlan, table_rules

if TYPE_CHECKING:
    from maskgate.masking.report import MaskingReport
    from maskgate.rules.model import Rules

BATCH_ROWS = 131_072


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
        MaskingError: If a method cannot take a value.
    """
    plan = MaskingPlan.make(rules, table_name, table.schema, resolve_keys(rules, [table_name], keys))
    report = plan.empty_report()
    batches = []
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        masked, counts = plan.mask_and_report(batch)
        batches.append(masked)
        report += counts
    return pa.Table.from_batches(batches, schema=plan.output_schema), report


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
