"""Which input column became which output column by which method, as far as the registered rules and the seal tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.lineage import ColumnLineage, RunLineage, TableLineage

if TYPE_CHECKING:
    from maskgate.gate.model import MeasuredTable, Sealed
    from maskgate.rules import ColumnRule, ConditionalRule, Rules


def lineage_of(sealed: Sealed, rules: Rules) -> dict[str, Any]:
    """Describe a sealed dataset's way through the rules, as JSON values."""
    return RunLineage(sealed.rules_digest, tuple(_table(table, sealed, rules) for table in sealed.tables)).as_json()


def _table(table: MeasuredTable, sealed: Sealed, rules: Rules) -> TableLineage:
    covered = rules.tables.get(table.name)
    columns = []
    for path, rule in ({} if covered is None else covered.columns).items():
        there = [column.name for column in table.columns if column.rule == path]
        columns += [_column(name, rule, sealed, is_there=True) for name in there]
        columns += [] if there else [_column(path, rule, sealed, is_there=False)]
    unlisted = sorted(column.name for column in table.columns if column.rule is None)
    columns += [ColumnLineage(name, rules.unlisted, name) for name in unlisted]
    return TableLineage(table.name, None, table.rows, tuple(columns))


def _column(name: str, rule: ColumnRule | ConditionalRule, sealed: Sealed, *, is_there: bool) -> ColumnLineage:
    domains = dict.fromkeys(each.domain.name for each in rule.rules() if each.domain is not None)
    keys = sorted(rule.key_names())
    versions = {sealed.key_versions.get(key) for key in keys}
    return ColumnLineage(
        input=name,
        method=" or ".join(rule.methods),
        output=name if is_there else None,
        domain=", ".join(domains) or None,
        key=", ".join(keys) or None,
        key_version=next(iter(versions)) if len(versions) == 1 else None,
        description=rule.describe(),
    )
