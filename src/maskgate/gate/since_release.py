"""What a table has become since it was last released to the same destination, by the gate's own records.

What another token released is compared, and not told: whoever asks reads this too, and no token reads what another's
request held.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from maskgate.gate.loosening import table_loosened
from maskgate.gate.volumes import LastRelease, last_release

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.model import MeasuredTable, Sealed
    from maskgate.gate.request import Request
    from maskgate.rules import Rules
    from maskgate.store import Work


@dataclass(frozen=True)
class SinceRelease:
    """What is new about a table.

    Attributes:
        request: What it was last released by; None if it never was, so that all of it is new.
        rows: How many rows it had then; None if another token released it.
        new_columns: Columns that it did not have.
        gone_columns: Columns that it has no more; none are named if another token released it.
        rules_loosened: Whether the rules let more through; None if that cannot be told.
    """

    request: str | None
    rows: int | None
    new_columns: tuple[str, ...]
    gone_columns: tuple[str, ...]
    rules_loosened: bool | None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "new_columns": list(self.new_columns), "gone_columns": list(self.gone_columns)}


def count_new(since: Mapping[str, SinceRelease]) -> int:
    """Count the columns that are new, over all tables."""
    return sum(len(each.new_columns) for each in since.values())


def since_last_release(
    work: Work, request: Request, sealed: Sealed, rules: Mapping[str, Rules]
) -> dict[str, SinceRelease]:
    """Compare each table with its last release there."""
    destination = "" if request.destination is None else request.destination.id
    return {
        table.name: _compared(table, request.token, last_release(work, table.name, destination), sealed, rules)
        for table in sealed.tables
    }


def _compared(
    table: MeasuredTable, token: str | None, before: LastRelease | None, sealed: Sealed, rules: Mapping[str, Rules]
) -> SinceRelease:
    names = tuple(column.name for column in table.columns)
    if before is None:
        return SinceRelease(None, None, names, (), None)
    is_own = before.token == token
    return SinceRelease(
        before.request,
        before.rows if is_own else None,
        tuple(name for name in names if name not in before.columns),
        tuple(sorted(before.columns - set(names))) if is_own else (),
        _is_looser(before, sealed, table.name, rules),
    )


def _is_looser(before: LastRelease, sealed: Sealed, table: str, rules: Mapping[str, Rules]) -> bool | None:
    if before.rules_digest == sealed.rules_digest:
        return False
    earlier, later = rules.get(before.rules_digest), rules.get(sealed.rules_digest)
    return None if earlier is None or later is None else bool(table_loosened(earlier, later, table))
