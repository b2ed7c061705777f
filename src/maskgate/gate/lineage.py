"""Which input column became which output column by which method, as far as the registered rules and the seal tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskgate.gate.model import MeasuredTable, Sealed
    from maskgate.rules import ColumnRule, Rules


def lineage_of(sealed: Sealed, rules: Rules) -> dict[str, Any]:
    """Describe a sealed dataset's way through the rules, as JSON values."""
    return {
        "rules_digest": sealed.rules_digest,
        "tables": [_table(table, sealed, rules) for table in sealed.tables],
    }


def _table(table: MeasuredTable, sealed: Sealed, rules: Rules) -> dict[str, Any]:
    covered = rules.tables.get(table.name)
    listed = {} if covered is None else covered.columns
    present = {column.name for column in table.columns}
    unlisted = present - listed.keys()
    return {
        "table": table.name,
        "source": table.name,
        "rows": table.rows,
        "columns": [
            *(_column(name, rule, sealed, is_there=name in present) for name, rule in listed.items()),
            *(_unlisted(name, rules.unlisted) for name in sorted(unlisted)),
        ],
    }


def _column(name: str, rule: ColumnRule, sealed: Sealed, *, is_there: bool) -> dict[str, Any]:
    return {
        "input": name,
        "method": rule.method,
        "output": name if is_there else None,
        "domain": None if rule.domain is None else rule.domain.name,
        "key": rule.key,
        "key_version": None if rule.key is None else sealed.key_versions.get(rule.key),
    }


def _unlisted(name: str, method: str) -> dict[str, Any]:
    return {"input": name, "method": method, "output": name, "domain": None, "key": None, "key_version": None}
