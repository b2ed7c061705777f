"""Reads which columns a policy names in its evidence: their paths, as rules write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.rules.path import ELEMENTS, Path

if TYPE_CHECKING:
    from maskgate.rules.strict_yaml import Located, Reader

_MOST = 20


def read_columns(reader: Reader, where: str, located: Located | None, *, of_one: bool = True) -> tuple[str, ...]:
    """Read a list of paths; the same ones in another order are the same list.

    Args:
        reader: Told of problems.
        where: What it is, in words.
        located: The list; None if there is none.
        of_one: Whether each column has to have one value a row, which fields inside of lists have not.
    """
    names = reader.strings(located, where)
    if located is None:
        return ()
    if not names and isinstance(located.value, list):
        reader.problem(f"{where}: the list is empty.", located.line)
    if len(names) > _MOST:
        reader.problem(f"{where}: at most {_MOST} columns.", located.line)
    for name in sorted({name for name in names if names.count(name) > 1}):
        reader.problem(f'{where}: "{name}" stands there twice.', located.line)
    read = {_path(reader, where, name, located.line, of_one=of_one) for name in names if name}
    return tuple(sorted(read - {""}))


def _path(reader: Reader, where: str, name: str, line: int, *, of_one: bool) -> str:
    try:
        path = Path.parse(name)
    except ValueError as error:
        reader.problem(f'{where}: "{name}" is no column: {error}.', line)
        return ""
    if path.is_pattern and not of_one:
        reader.problem(f'{where}: "{name}" is a pattern. Name each column.', line)
        return ""
    if path.is_pattern or (of_one and ELEMENTS in path.steps):
        reader.problem(f'{where}: "{name}" may be several values of one row. Name columns, or fields of structs.', line)
        return ""
    return str(path)
