"""What the gate holds against a sealed copy, and what it shows of it.

Each figure is *measured* by the gate on the sealed bytes, or *declared* by the pipeline. Refusals and thresholds go
by measured figures only; declared ones are shown beside them, as what they are.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from maskgate.gate.since_release import count_new
from maskgate.gate.staged_names import shown
from maskgate.gate.thresholds import below_thresholds
from maskgate.methods import ReversibleBy
from maskgate.rules.path import Path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from maskgate.gate.model import Floor, MeasuredColumn, MeasuredTable, Sealed, Thresholds
    from maskgate.gate.since_release import SinceRelease
    from maskgate.rules import Rules, TableRules


@dataclass(frozen=True)
class Evidence:
    """Figures for the reviewer, and reasons not to ask one.

    Attributes:
        measured: What the gate counted, as JSON values.
        declared: What the pipeline says, as JSON values.
        refusals: Why the request is refused before anyone is asked; empty if nothing stands against asking.
    """

    measured: Mapping[str, Any] = field(default_factory=dict)
    declared: Mapping[str, Any] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {"measured": dict(self.measured), "declared": dict(self.declared)}


def judge(
    sealed: Sealed,
    rules: Rules,
    floor: Floor,
    thresholds: Thresholds,
    *,
    since: Mapping[str, SinceRelease] | None = None,
    masking: Mapping[str, Any] | None = None,
) -> Evidence:
    """Hold what was measured against the registered rules, the floor and the policy's thresholds.

    Args:
        sealed: What was measured.
        rules: The registered rules.
        floor: What may happen to direct identifiers.
        thresholds: What the request's policy wants measured figures to be.
        since: What each table has become since its last release there; None if that is not known.
        masking: What the releaser measured of its own masking; None for data that a pipeline masked.
    """
    found = Evidence(
        measured={"bytes": sealed.size, "files": len(sealed.files), "tables": _measured(sealed, rules, since or {})},
        declared={"keys": dict(sealed.key_versions), "tables": dict(sealed.declared.get("report", {}))},
        refusals=(
            *(refusal for table in sealed.tables for refusal in _refusals(table, sealed, rules, floor)),
            *below_thresholds(sealed, rules, thresholds, None if since is None else count_new(since), masking),
        ),
    )
    return _with_masking(found, masking)


def _with_masking(evidence: Evidence, masking: Mapping[str, Any] | None) -> Evidence:
    """Add what the releaser measured of its own masking: which keys then is no word of a pipeline any more."""
    if masking is None:
        return evidence
    declared = {name: value for name, value in evidence.declared.items() if name != "keys"}
    return replace(evidence, measured={**evidence.measured, "masking": dict(masking)}, declared=declared)


def _measured(sealed: Sealed, rules: Rules, since: Mapping[str, SinceRelease]) -> dict[str, Any]:
    return {
        table.name: {
            "rows": table.rows,
            "columns": {
                column.name: {
                    "type": column.type,
                    "nulls": column.nulls,
                    "shape_violations": column.shape_violations,
                    "classes": list(column.classes),
                    "methods": list(column.methods),
                    "reversible_by": _reversible_by(column, rules.tables.get(table.name)),
                    **({"residual_findings": column.residual_findings} if column.residual_findings else {}),
                }
                for column in table.columns
            },
            **({"groups": [asdict(groups) for groups in table.groups]} if table.groups else {}),
            **({"since": since[table.name].as_json()} if table.name in since else {}),
        }
        for table in sealed.tables
    }


def _reversible_by(column: MeasuredColumn, covered: TableRules | None) -> str | None:
    """Say who can get values back, at worst; None if it cannot be told."""
    rules = () if covered is None or column.rule is None else covered.columns[column.rule].rules()
    if not rules or any(rule.is_opaque for rule in rules):
        return None
    return max((rule.build().reversible_by for rule in rules), key=list(ReversibleBy).index).value


def _refusals(table: MeasuredTable, sealed: Sealed, rules: Rules, floor: Floor) -> Iterator[str]:
    covered = rules.tables.get(table.name)
    if covered is None:
        yield f"table {shown(table.name)} is not in the registered rules. Add it to them, or leave it out."
        return
    yield from _schema_refusals(table, sealed.declared)
    yield from _missing(table, covered)
    for column in table.columns:
        yield from _column_refusals(f"table {shown(table.name)}, column {shown(column.name)}", column, covered, rules)
        yield from _floor_refusals(f"table {shown(table.name)}, column {shown(column.name)}", column, floor)


def _schema_refusals(table: MeasuredTable, declared: Mapping[str, Any]) -> Iterator[str]:
    said = declared.get("tables", {}).get(table.name, {})
    schema = [list(column) for column in table.schema]
    if said.get("schema") != schema:
        yield (
            f"table {shown(table.name)}: the columns in the files are not those of the manifest. "
            "Stage the manifest that was written with the files."
        )
    if said.get("rows") != table.rows:
        yield (
            f"table {shown(table.name)}: the files hold {table.rows} rows, the manifest says {said.get('rows')}. "
            "Stage the manifest that was written with the files."
        )


def _missing(table: MeasuredTable, covered: TableRules) -> Iterator[str]:
    present = {column.rule for column in table.columns}
    for path, shape in covered.shapes().items():
        if not shape.absent and path not in present and not Path.parse(path).is_pattern:
            yield (
                f"table {shown(table.name)}: the registered rules have a column {shown(path)}, the files do not. "
                "Mask with the registered rules."
            )


def _column_refusals(where: str, column: MeasuredColumn, covered: TableRules, rules: Rules) -> Iterator[str]:
    if column.rule is None and rules.unlisted in {"fail", "drop"}:
        yield f"{where}: the registered rules do not cover it. Add a rule, or leave the column out."
    elif column.rule is not None and covered.columns[column.rule].shape().absent:
        yield f"{where}: the registered rules drop it, but it is there. Mask with the registered rules."
    elif column.shape_violations:
        method = column.method or rules.unlisted
        yield (
            f"{where}: {column.shape_violations} cells do not look like the output of `{method}`. "
            "The column was not masked as the registered rules say; mask again with them."
        )


def _floor_refusals(where: str, column: MeasuredColumn, floor: Floor) -> Iterator[str]:
    if floor.direct_identifier is None or not column.classes:
        return
    # A conditional rule has several methods, and which cells fell to which cannot be seen: all have to be good enough.
    if not column.methods or not set(column.methods) <= set(floor.direct_identifier):
        yield (
            f"{where} looks like {', '.join(column.classes)}, and `{column.method or 'no method'}` is below the "
            f"policy's floor. Use one of: {', '.join(floor.direct_identifier)}."
        )
