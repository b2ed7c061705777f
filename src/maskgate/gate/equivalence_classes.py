"""How many rows, or people, share the same quasi-identifiers: counted exactly, over all files of a table.

Runs in the measuring child only. A null is a value like any other. Groups are kept, not rows; where there are more
than fit, measuring is refused rather than guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MERGE_ROWS = 1 << 20
_COUNT = "count_all"
_ENTITY = "entity"


class TooManyGroupsError(Exception):
    """The groups do not fit into the memory that they may take."""


@dataclass
class EquivalenceClasses:
    """Counts the groups of one table for one list of quasi-identifiers.

    Attributes:
        asked: The quasi-identifiers that the policy names.
        present: Those of them that the table has.
        entity: The column that says whose row it is; None if rows are counted.
        memory: How many bytes the groups may take.
    """

    asked: tuple[str, ...]
    present: tuple[str, ...]
    entity: str | None
    memory: int
    _groups: pa.Table | None = None
    _parts: list[pa.Table] = field(default_factory=list)
    _waiting: int = 0

    def add(self, columns: Mapping[str, pa.Array]) -> None:
        """Count some more rows: for each path, its cells."""
        arrays = [_plain(columns[name]) for name in self.present]
        if self.entity is not None:
            arrays.append(_plain(columns[self.entity]))
        rows = pa.Table.from_arrays(arrays, names=self._names)
        part = _grouped(rows, self._names, [] if self.entity else [([], "count_all")])
        self._parts.append(part)
        self._waiting += part.num_rows
        if self._waiting >= max(_MERGE_ROWS, 0 if self._groups is None else self._groups.num_rows):
            self._merge()

    def as_json(self) -> dict[str, Any]:
        """Return the size of the smallest group, and what was counted."""
        self._merge()
        smallest = None
        if self._groups is not None and self._groups.num_rows:
            groups = self._groups
            if self.entity is not None:
                groups = _grouped(groups, self._keys, [([], "count_all")])
            smallest = pc.min(groups[_COUNT]).as_py()
        return {
            "asked": list(self.asked),
            "present": list(self.present),
            "smallest": smallest,
            "counted": self.entity or "rows",
        }

    @property
    def _keys(self) -> list[str]:
        return [f"key {number}" for number in range(len(self.present))]

    @property
    def _names(self) -> list[str]:
        return [*self._keys, *([_ENTITY] if self.entity else [])]

    def _merge(self) -> None:
        if not self._parts:
            return
        together = pa.concat_tables([*([] if self._groups is None else [self._groups]), *self._parts])
        self._parts, self._waiting = [], 0
        if self.entity is None:
            summed = _grouped(together, self._names, [(_COUNT, "sum")])
            self._groups = summed.rename_columns([*self._names, _COUNT])
        else:
            self._groups = _grouped(together, self._names, [])
        if self._groups.nbytes > self.memory:
            raise TooManyGroupsError


def _grouped(table: pa.Table, names: Sequence[str], counted: list[Any]) -> pa.Table:
    grouped = table.group_by(list(names), use_threads=False).aggregate(counted)
    last = [_COUNT if name == "count_all" else name for name in grouped.column_names]
    return grouped.rename_columns(last)


def _plain(cells: pa.Array) -> pa.Array:
    if isinstance(cells, pa.ExtensionArray):
        cells = cells.storage
    if pa.types.is_string_view(cells.type):
        return cells.cast(pa.large_string())
    return cells.cast(pa.large_binary()) if pa.types.is_binary_view(cells.type) else cells
