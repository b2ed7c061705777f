"""Plan and engine: one Arrow batch in, one masked batch out, and counts of what was done."""

from __future__ import annotations

from maskgate.masking.column_plan import CasePlan, ColumnPlan
from maskgate.masking.plan import MaskingPlan
from maskgate.masking.report import ColumnReport, MaskingReport
from maskgate.masking.run import MaskingRun
from maskgate.masking.table import mask_table

__all__ = ["CasePlan", "ColumnPlan", "ColumnReport", "MaskingPlan", "MaskingReport", "MaskingRun", "mask_table"]
