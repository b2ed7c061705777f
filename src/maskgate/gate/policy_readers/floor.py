"""Reads ``floor:``: what may happen to columns that the gate itself recognises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.gate.model import Floor
from maskgate.methods.names import NAMES
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from maskgate.rules.strict_yaml import Located, Reader


def read_floor(reader: Reader, located: Located | None) -> Floor:
    """Read the floor."""
    fields = reader.mapping(located, "floor", ("direct_identifier",), ("direct_identifier",))
    entry = fields.get("direct_identifier")
    if entry is None:
        return Floor()
    methods = reader.strings(entry, "floor")
    if not methods and isinstance(entry.value, list):
        reader.problem("floor: the list of methods is empty.", entry.line)
    for method in methods:
        if method == "keep":
            reader.problem("floor: 'keep' would let direct identifiers leave as they are. Take it out.", entry.line)
        elif method and method not in NAMES:
            near = did_you_mean(method, NAMES)
            reader.problem(f"floor: this version has no method '{method}'.{near}", entry.line)
    return Floor(methods)
