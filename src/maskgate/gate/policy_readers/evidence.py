"""Reads ``evidence:`` of a policy: what measured figures have to be before anyone is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.gate.model import Thresholds
from maskgate.gate.policy_readers.columns import read_columns
from maskgate.gate.policy_readers.values import read_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.rules.strict_yaml import Located, Reader

_KNOWN = ("rows", "k", "residual_findings", "new_columns", "no_value_survives")
_NOT_MEASURED = {
    name: f"this version does not measure '{name}', and a threshold that is not measured protects nobody. Take it out."
    for name in ("l", "t", "changed_columns")
}


def read_evidence(reader: Reader, where: str, located: Located | None) -> Thresholds:
    """Read thresholds."""
    fields = reader.mapping(located, where, _KNOWN, (), _NOT_MEASURED)
    if located is not None and isinstance(located.value, dict) and not located.value:
        reader.problem(f"{where}: no threshold stands here. Write one, or leave `evidence:` out.", located.line)
    rows_at_least, rows_at_most = _rows(reader, f"{where}, rows", fields)
    k_at_least, k_over = _k(reader, f"{where}, k", fields.get("k"))
    return Thresholds(
        rows_at_least,
        rows_at_most,
        k_at_least,
        k_over,
        _at_most(reader, f"{where}, residual_findings", fields.get("residual_findings")),
        _at_most(reader, f"{where}, new_columns", fields.get("new_columns")),
        read_columns(reader, f"{where}, no_value_survives", fields.get("no_value_survives"), of_one=False),
    )


def _rows(reader: Reader, where: str, fields: Mapping[str, Located]) -> tuple[int | None, int | None]:
    entry = fields.get("rows")
    if entry is None:
        return None, None
    return read_bounds(reader, where, reader.mapping(entry, where, ("at_least", "at_most")), entry.line)


def _k(reader: Reader, where: str, located: Located | None) -> tuple[int | None, tuple[str, ...]]:
    if located is None:
        return None, ()
    fields = reader.mapping(located, where, ("at_least", "over"), ("at_least", "over"))
    # Every group has one row at least, so less than 2 asks nothing.
    at_least = reader.integer(fields.get("at_least"), f"{where}, at_least", minimum=2, maximum=1_000_000)
    return at_least or None, read_columns(reader, f"{where}, over", fields.get("over"))


def _at_most(reader: Reader, where: str, located: Located | None) -> int | None:
    if located is None:
        return None
    fields = reader.mapping(located, where, ("at_most",), ("at_most",))
    return reader.integer(fields["at_most"], f"{where}, at_most", minimum=0) if "at_most" in fields else None
