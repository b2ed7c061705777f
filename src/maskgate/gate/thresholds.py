"""The policy's ``evidence:``: measured figures that fall short are refused before anyone is asked.

A figure that could not be measured falls short.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.gate.staged_names import shown
from maskgate.rules.path import Path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from maskgate.gate.model import MeasuredTable, Sealed, Thresholds
    from maskgate.rules import Rules


def below_thresholds(
    sealed: Sealed,
    rules: Rules,
    thresholds: Thresholds,
    new_columns: int | None = None,
    masking: Mapping[str, Any] | None = None,
) -> Iterator[str]:
    """Say what falls short.

    Args:
        sealed: What was measured.
        rules: The registered rules: a quasi-identifier that they drop need not be there.
        thresholds: What the policy wants.
        new_columns: Columns that the last release did not have; None if that is not known.
        masking: What the releaser measured of its own masking; None if a pipeline masked.
    """
    for table in sealed.tables:
        yield from _rows(table, thresholds)
    yield from _groups(sealed, rules, thresholds)
    yield from _survivors(sealed, rules, thresholds.no_value_survives, masking)
    most = thresholds.residual_findings_at_most
    found = sum(column.residual_findings for table in sealed.tables for column in table.columns)
    if most is not None and found > most:
        places = [
            f"{shown(table.name)}.{shown(column.name)} ({column.residual_findings})"
            for table in sealed.tables
            for column in table.columns
            if column.residual_findings
        ]
        yield (
            f"the detectors still find direct identifiers in {found} cells; the policy allows {most}. "
            f"Mask these columns better: {', '.join(places[:20])}."
        )
    most = thresholds.new_columns_at_most
    if most is not None and (new_columns is None or new_columns > most):
        count = "an unknown number of" if new_columns is None else new_columns
        yield (
            f"the last release of this data there did not have {count} of the columns; the policy allows {most} "
            "new ones. Leave them out, or have them signed under a policy that allows more."
        )


def _rows(table: MeasuredTable, thresholds: Thresholds) -> Iterator[str]:
    if thresholds.rows_at_least is not None and table.rows < thresholds.rows_at_least:
        yield f"table {shown(table.name)} has {table.rows} rows; the policy wants at least {thresholds.rows_at_least}."
    if thresholds.rows_at_most is not None and table.rows > thresholds.rows_at_most:
        yield f"table {shown(table.name)} has {table.rows} rows; the policy allows at most {thresholds.rows_at_most}."


def _groups(sealed: Sealed, rules: Rules, thresholds: Thresholds) -> Iterator[str]:
    least, over = thresholds.k_at_least, thresholds.k_over
    if least is None:
        return
    measured = [(table, groups) for table in sealed.tables for groups in table.groups if groups.asked == over]
    present = {name for _, groups in measured for name in groups.present}
    for name in over:
        if name not in present and not _is_dropped(name, sealed, rules):
            yield (
                f"the policy wants k over {shown(name)}, but no table has this column and no rule drops it, so k "
                "cannot be measured. Name the column as it is, or correct the policy."
            )
    for table, groups in measured:
        if groups.smallest is not None and groups.smallest < least:
            what = "rows" if groups.counted == "rows" else f"different values of {shown(groups.counted)}"
            yield (
                f"table {shown(table.name)}: the smallest group that shares {', '.join(map(shown, groups.present))} "
                f"has {groups.smallest} {what}; the policy wants k of at least {least}. Generalize these columns "
                "more, or suppress rare combinations."
            )


def _survivors(
    sealed: Sealed, rules: Rules, wanted: tuple[str, ...], masking: Mapping[str, Any] | None
) -> Iterator[str]:
    """Say of which columns nobody looked whether their values survive; values that do have ended the masking."""
    if not wanted:
        return
    if masking is None:
        yield (
            "the policy wants it measured that no value survives, and that takes the originals. Ask for a `source`, "
            "which the releaser masks itself."
        )
        return
    looked = {name: _paths(table["no_value_survives"]) for name, table in masking["tables"].items()}
    for name in wanted:
        if not any(name in found for found in looked.values()):
            yield (
                f"the policy wants that no value of {shown(name)} survives, and of no table the releaser has looked. "
                "Add the column to `check: {no_value_survives: […]}` of its table in the rules."
            )
            continue
        for table in sealed.tables:
            if name not in looked.get(table.name, ()) and _may_have(table, rules, name):
                yield (
                    f"table {shown(table.name)}: the policy wants that no value of {shown(name)} survives, and the "
                    "releaser has not looked. Add the column to `check: {no_value_survives: […]}` of this table."
                )


def _paths(written: Sequence[str]) -> set[str]:
    return {str(Path.parse(name)) for name in written} | set(written)


def _may_have(table: MeasuredTable, rules: Rules, name: str) -> bool:
    """Whether the originals of a table may have a column: one that is dropped is not in the sealed files."""
    from maskgate.gate.leaves import is_covered  # noqa: PLC0415  it loads Arrow, and a gate waits without it

    covered = rules.tables.get(table.name)
    if covered is None or rules.unlisted == "drop":
        return True
    is_there = any(column.name == name for column in table.columns)
    return is_there or is_covered(covered, name, dict(table.schema))


def _is_dropped(name: str, sealed: Sealed, rules: Rules) -> bool:
    """Whether the rules of one of the tables drop a column, or everything that it lies in."""
    wanted = Path.parse(name).steps
    return any(
        shape.absent and wanted[: len(steps)] == steps
        for table in sealed.tables
        if table.name in rules.tables
        for written, shape in rules.tables[table.name].shapes().items()
        for steps in (Path.parse(written).steps,)
    )
