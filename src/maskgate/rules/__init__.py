"""The rules file: one method for each column of each table."""

from __future__ import annotations

from maskgate.rules.model import Case, Check, ColumnRule, Condition, ConditionalRule, Rules, TableRules
from maskgate.rules.reader import load_rules, read_rules

__all__ = [
    "Case",
    "Check",
    "ColumnRule",
    "Condition",
    "ConditionalRule",
    "Rules",
    "TableRules",
    "load_rules",
    "read_rules",
]
