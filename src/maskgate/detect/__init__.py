"""What personal data looks like: patterns with validators, and what names of columns say."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskgate.detect.classification import classify, recognize
    from maskgate.detect.column_names import DIRECT_IDENTIFIERS, kinds_of_name
    from maskgate.detect.column_vocabulary import PEOPLE
    from maskgate.detect.finding import find
    from maskgate.detect.kinds import KINDS

__all__ = ["DIRECT_IDENTIFIERS", "KINDS", "PEOPLE", "classify", "find", "kinds_of_name", "recognize"]

# Fetched when asked for: what names of columns say is known without Arrow.
_HOMES = {
    "DIRECT_IDENTIFIERS": "column_names",
    "KINDS": "kinds",
    "PEOPLE": "column_vocabulary",
    "classify": "classification",
    "find": "finding",
    "kinds_of_name": "column_names",
    "recognize": "classification",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
