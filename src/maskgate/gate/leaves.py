"""The columns of a table that have nothing inside, wherever they are nested, by the paths that rules write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.methods.nesting import elements_of
from maskgate.rules.claims import Claims, flat_names
from maskgate.rules.path import Path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from maskgate.rules import TableRules


def leaves_of(name: str, column: pa.Array) -> Iterator[tuple[Path, pa.Array]]:
    """Take a column apart; what lies under the nulls of something nested is left out.

    Args:
        name: Its name in the table.
        column: Its cells.
    """
    yield from _leaves(Path.of(name), column)


def words_of(path: Path) -> str:
    """Return the names along a path, as one to judge by: ``contacts.email``."""
    return ".".join(step.name for step in path.steps if step.name is not None)


def _leaves(path: Path, column: pa.Array) -> Iterator[tuple[Path, pa.Array]]:
    kind = column.type
    if pa.types.is_struct(kind):
        for field, part in zip(kind, column.flatten(), strict=True):
            yield from _leaves(path.field(field.name), part)
    elif pa.types.is_dictionary(kind):
        yield from _leaves(path, column.dictionary_decode())
    elif pa.types.is_nested(kind):
        yield from _leaves(path.elements, elements_of(column))
    else:
        yield path, column


def is_covered(rules: TableRules, path: str, types: Mapping[str, str]) -> bool:
    """Say whether rules cover a path that somebody wrote down; no text that is none is covered.

    Args:
        rules: The rules of the table.
        path: What was written.
        types: The columns of the table, and their types as Arrow writes them.
    """
    try:
        parsed = Path.parse(path)
    except ValueError:
        return False
    nested = {name for name, kind in types.items() if "<" in kind and not kind.startswith("dictionary<")}
    return Claims(rules.columns, flat_names(types, nested.__contains__)).on_leaf(parsed) is not None
