"""The rules file: one method for each column of each table."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

# Fetched when asked for: the gate's measuring child needs paths, and reads no rules.
_HOMES = {"load_rules": "reader", "read_rules": "reader"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'model')}"), name)
