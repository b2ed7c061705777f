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
        method: The method's name.
        nulls: Cells that were null before.
        nulls_after: Cells that are null now; None if the column is gone.
    """

    method: str
    nulls: int = 0
    nulls_after: int | None = 0


@dataclass(frozen=True)
class MaskingReport:
    """What was done to one table.

    Attributes:
        table: Name of the table.
        rows: Rows masked.
        columns: By the name of each input column.
    """

    table: str
    rows: int = 0
    columns: Mapping[str, ColumnReport] = field(default_factory=dict)

    def __add__(self, other: MaskingReport) -> MaskingReport:
        """Add what was done to further rows of the same table."""
        columns = {name: _sum(column, other.columns[name]) for name, column in self.columns.items()}
        return MaskingReport(self.table, self.rows + other.rows, columns)

    def as_json(self) -> dict[str, Any]:
        """Return the report as the manifest holds it."""
        columns = {name: {"method": column.method, "nulls": column.nulls} for name, column in self.columns.items()}
        return {"rows": self.rows, "columns": columns}


def _sum(one: ColumnReport, other: ColumnReport) -> ColumnReport:
    gone = one.nulls_after is None or other.nulls_after is None
    after = None if gone else (one.nulls_after or 0) + (other.nulls_after or 0)
    return ColumnReport(one.method, one.nulls + other.nulls, after)
