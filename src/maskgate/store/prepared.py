"""Statements of every day, made ready once and given to PostgreSQL as they are.

SQLAlchemy takes longer to hand such a statement over than the server takes to execute it. What is made ready here has
the same text, and the same types of values and columns; only what SQLAlchemy looks up each time is looked up once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection, Dialect, Executable

_MOST_KEPT = 100
_VALUE = re.compile(r"%\((\w+)\)s")

Rows = list[Mapping[Any, Any]]


@dataclass(frozen=True)
class Asked:
    """Something to read: a statement that is made once, and its values."""

    statement: Select[Any]
    values: Mapping[str, Any] = field(default_factory=dict)


class Prepared:
    """One statement in the words of one kind of database.

    Args:
        statement: A statement that is made once and kept.
        names: The names of its values.
        dialect: Of which database.
    """

    def __init__(self, statement: Executable, names: tuple[str, ...], dialect: Dialect) -> None:
        made: Any = statement
        compiled = made.compile(dialect=dialect, column_keys=None if isinstance(made, Select) else list(names))
        if compiled.prefetch:
            raise TypeError("a column of this statement has a default of its own; name its value")
        numbers: dict[str, str] = {}
        self.sql = _VALUE.sub(lambda found: numbers.setdefault(found[1], f"${len(numbers) + 1}"), str(compiled))
        written = {name: each.type.dialect_impl(dialect) for each, name in compiled.bind_names.items()}
        self._written = [(name, written[name].bind_processor(dialect)) for name in numbers]
        own = compiled.construct_params(dict.fromkeys(names))
        self._own = {name: value for name, value in own.items() if name not in names}
        self._read: tuple[tuple[str, Callable[[Any], Any] | None], ...] = ()
        if isinstance(statement, Select):
            columns = statement.selected_columns
            kinds = [(each.name, each.type.dialect_impl(dialect)) for each in columns]
            self._read = tuple((name, kind.result_processor(dialect, None)) for name, kind in kinds)

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """Return values as the driver takes them, in the order of their numbers."""
        known = {**self._own, **given} if self._own else given
        return [known[name] if process is None else process(known[name]) for name, process in self._written]

    def rows(self, found: Iterable[tuple[Any, ...]]) -> Rows:
        """Return rows by the names of their columns."""
        return [
            {
                name: value if process is None else process(value)
                for (name, process), value in zip(self._read, row, strict=True)
            }
            for row in found
        ]


def prepared(work: Connection, statement: Executable, names: Iterable[str] = ()) -> Prepared:
    """Return a statement made ready for a connection's database."""
    return _prepared(statement, tuple(names), work.dialect)


@lru_cache(_MOST_KEPT)
def _prepared(statement: Executable, names: tuple[str, ...], dialect: Dialect) -> Prepared:
    return Prepared(statement, names, dialect)


def as_sqlalchemy_would(work: Connection, sql: str, error: Any) -> DBAPIError:
    """Return what SQLAlchemy would have raised for an error of the driver; a lost connection is given up."""
    driver: Any = work.connection.dbapi_connection
    is_lost = work.dialect.is_disconnect(error, driver, None)
    if is_lost:
        work.invalidate(error)
    raised: Any = DBAPIError.instance(
        sql,
        None,
        error,
        driver.Error,
        hide_parameters=True,
        connection_invalidated=is_lost,
        dialect=work.dialect,
    )
    return raised  # type: ignore[no-any-return]
