"""Masking methods: one technique a file, behind one protocol."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskgate.methods.families import family_of
    from maskgate.methods.method import (
        Declaration,
        Domain,
        Family,
        Kind,
        Method,
        Parameter,
        ReversibleBy,
        Surroundings,
        Uniqueness,
    )
    from maskgate.methods.registry import METHODS
    from maskgate.methods.shape import Shape

__all__ = [
    "METHODS",
    "Declaration",
    "Domain",
    "Family",
    "Kind",
    "Method",
    "Parameter",
    "ReversibleBy",
    "Shape",
    "Surroundings",
    "Uniqueness",
    "family_of",
]

# Fetched when asked for: the gate's measuring child needs shapes, and no method.
_HOMES = {"METHODS": "registry", "Shape": "shape", "family_of": "families"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'method')}"), name)
