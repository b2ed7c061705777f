"""A few masked rows of the sealed copy, for the logged-in review page and nowhere else.

This is the one place where cells of the data are shown. They are read by the measuring child, cut short, and stripped
of characters that act on a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.gate import confined_child
from maskgate.gate.confined_child import checked_list, checked_object, checked_text
from maskgate.gate.manifest import MOST_COLUMNS
from maskgate.gate.staged_names import MANIFEST

if TYPE_CHECKING:
    from maskgate.gate.model import Limits, Sealed

ROWS = 5
LETTERS = 40


@dataclass(frozen=True)
class TableSample:
    """A few rows of one masked table; a cell is a short text, or None for null."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


def sample(sealed: Sealed, limits: Limits, rows: int = ROWS) -> dict[str, TableSample]:
    """Read the first rows of every table of a sealed copy.

    Raises:
        Refused: If the child that reads them dies, takes too long, or answers nonsense.
    """
    files: dict[str, list[str]] = {table.name: [] for table in sealed.tables}
    for file in sealed.files:
        if file.path != MANIFEST:
            files[file.path.split("/")[0]].append(file.path)
    task = {
        "task": "sample",
        "folder": sealed.folder,
        "rows": min(rows, ROWS),
        "letters": LETTERS,
        "tables": {name: {"files": paths} for name, paths in files.items()},
    }
    answer = confined_child.ask(task, limits, lambda _size: None, sealed.key)
    return {name: _table_sample(answer.tables.get(name)) for name in files}


def _table_sample(said: Any) -> TableSample:
    value = checked_object(said)
    columns = tuple(checked_text(name) for name in checked_list(value.get("columns"), MOST_COLUMNS))
    rows = tuple(
        tuple(None if cell is None else checked_text(cell, LETTERS) for cell in checked_list(row, len(columns)))
        for row in checked_list(value.get("rows"), ROWS)
    )
    if any(len(row) != len(columns) for row in rows):
        raise confined_child.nonsense()
    return TableSample(columns, rows)
