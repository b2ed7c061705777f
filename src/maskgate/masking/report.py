"""What a run did, as counts. No cell of the data is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ColumnReport:
    """What was done to one column.

    Attributes:
        method: The method's name; those of all cases of a conditional rule, with "or" between.
        nulls: Cells that were null before. In a list, each element is a cell.
        nulls_after: Cells that are null now; None if the column is gone.
        invalid: Cells that the method could not take, where `on_invalid` says what to do about them.
        facts: What the method wants said, such as the digest of a pool or the epsilon of a cell.
    """

    method: str
    nulls: int = 0
    nulls_after: int | None = 0
    invalid: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the report as the manifest holds it."""
        more = {"invalid": self.invalid, "facts": dict(self.facts)}
        return {"method": self.method, "nulls": self.nulls, **{name: value for name, value in more.items() if value}}


@dataclass(frozen=True)
class MaskingReport:
    """What was done to one table.

    Attributes:
        table: Name of the table.
        rows: Rows masked.
        columns: By the path of each input column.
        epsilon: The most that one entity spends, over all noisy columns and all its rows; None if no column has an
            epsilon.
    """

    table: str
    rows: int = 0
    columns: Mapping[str, ColumnReport] = field(default_factory=dict)
    epsilon: float | None = None

    def __add__(self, other: MaskingReport) -> MaskingReport:
        """Add what was done to further rows of the same table."""
        columns = {name: _sum(column, other.columns[name]) for name, column in self.columns.items()}
        spent = [each.epsilon for each in (self, other) if each.epsilon is not None]
        return MaskingReport(self.table, self.rows + other.rows, columns, sum(spent) if spent else None)

    def as_json(self) -> dict[str, Any]:
        """Return the report as the manifest holds it."""
        columns = {name: column.as_json() for name, column in self.columns.items()}
        spent = {} if self.epsilon is None else {"epsilon": self.epsilon}
        return {"rows": self.rows, "columns": columns, **spent}


def _sum(one: ColumnReport, other: ColumnReport) -> ColumnReport:
    gone = one.nulls_after is None or other.nulls_after is None
    after = None if gone else (one.nulls_after or 0) + (other.nulls_after or 0)
    return ColumnReport(one.method, one.nulls + other.nulls, after, one.invalid + other.invalid, one.facts)
