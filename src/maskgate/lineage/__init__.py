"""Which column became which, by which method: names, versions and counts, never a value."""

from __future__ import annotations

from maskgate.lineage.model import ColumnLineage, RunLineage, TableLineage

__all__ = ["ColumnLineage", "RunLineage", "TableLineage"]
