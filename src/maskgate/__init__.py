"""Mask the personal data in your pipelines. Release it only when someone else has signed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskgate.approval import requires_approval
    from maskgate.datasets import mask_dataset
    from maskgate.gate.client import GateClient
    from maskgate.gate.service import Gate
    from maskgate.keys import KeyRing
    from maskgate.masking import mask_table
    from maskgate.rules import load_rules

__all__ = ["Gate", "GateClient", "KeyRing", "load_rules", "mask_dataset", "mask_table", "requires_approval"]

# Each name is fetched when it is first asked for: whoever masks needs no database, whoever asks the gate no pyarrow.
_HOMES = {
    "Gate": "maskgate.gate.service",
    "GateClient": "maskgate.gate.client",
    "KeyRing": "maskgate.keys",
    "load_rules": "maskgate.rules",
    "mask_dataset": "maskgate.datasets",
    "mask_table": "maskgate.masking",
    "requires_approval": "maskgate.approval",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'maskgate' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
