"""Masking methods: one technique a file, behind one protocol."""

from __future__ import annotations

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
