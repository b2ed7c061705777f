"""Plan and engine: one Arrow batch in, one masked batch out, and counts of what was done."""

from __future__ import annotations

from maskgate.masking.plan import ColumnPlan, MaskingPlan
from maskgate.masking.report import ColumnReport, MaskingReport
from maskgate.masking.table import mask_table

__all__ = ["ColumnPlan", "ColumnReport", "MaskingPlan", "MaskingReport", "mask_table"]
