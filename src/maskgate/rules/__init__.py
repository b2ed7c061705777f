"""The rules file: one method for each column of each table."""

from __future__ import annotations

from maskgate.rules.model import ColumnRule, Rules, TableRules
from maskgate.rules.reader import load_rules, read_rules

__all__ = ["ColumnRule", "Rules", "TableRules", "load_rules", "read_rules"]
