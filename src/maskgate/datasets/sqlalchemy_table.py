"""A new table of a database that SQLAlchemy knows: written under another name, and renamed when all of it is there.

Where the database undoes the making of tables, as SQLite does, all of it is one transaction; elsewhere the table under
the other name is dropped if something fails.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.datasets.sql_connection import asked, engine_for, name_taken
from maskgate.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Who renames tables by `ALTER TABLE … RENAME TO`.
_RENAMING = frozenset({"sqlite", "mysql", "mariadb", "oracle", "duckdb", "snowflake"})
_ROWS = 10_000


@dataclass
class SqlAlchemyTable:
    """A table that is not there yet.

    Attributes:
        place: What messages call the database.
        namespace: The schema that it goes to; None for the database's own.
        name: Its name.
        longest_name: How many bytes of the name of a column are kept; None, since longer ones are refused, not cut.
    """

    longest_name: ClassVar[int | None] = None

    place: str
    namespace: str | None
    name: str
    _connection: Any = field(repr=False)
    _temporary: Any = field(default=None, repr=False)

    @classmethod
    @contextmanager
    def opened(cls, url: str, place: str, namespace: str | None, name: str) -> Iterator[SqlAlchemyTable]:
        """Connect, and undo everything that is not published.

        Raises:
            DatasetError: If a package is missing, the database cannot be reached, or there is such a table.
            UsageError: If it is one that renames tables in another way.
        """
        engine = _engine(url)
        try:
            if engine.dialect.name not in _RENAMING:
                raise UsageError(
                    f"{place}: tables of {engine.dialect.name} are not written. Write files, and load them."
                )
            with asked(place, engine.connect) as connection:
                table = cls(place, namespace, name, connection)
                asked(place, connection.begin)
                table.check_free()
                try:
                    yield table
                except BaseException:
                    table.undo()
                    raise
        finally:
            engine.dispose()

    @staticmethod
    def written_type(url: str, kind: pa.DataType) -> pa.DataType | None:
        """Return the type in which values are handed over; None if there is none."""
        return _written_type(kind, is_sqlite=url.startswith("sqlite"))

    def check_free(self) -> None:
        """Refuse a name that is taken."""
        import sqlalchemy as sa  # noqa: PLC0415  only for those who have a database

        look = asked(self.place, lambda: sa.inspect(self._connection))
        if asked(self.place, lambda: look.has_table(self.name, schema=self.namespace)):
            raise name_taken(self.place, self.namespace, self.name)

    def take(self, reader: pa.RecordBatchReader) -> None:
        """Write rows."""
        import sqlalchemy as sa  # noqa: PLC0415  likewise

        # Keys are other names, which every database takes as names of parameters.
        columns = [sa.Column(item.name, _sql_type(item.type), key=f"c{at}") for at, item in enumerate(reader.schema)]
        name = f"maskgate_{secrets.token_hex(8)}"
        self._temporary = sa.Table(name, sa.MetaData(), *columns, schema=self.namespace)
        asked(self.place, lambda: self._temporary.create(self._connection))
        for batch in reader:
            for start in range(0, batch.num_rows, _ROWS):
                self._insert(batch.slice(start, _ROWS))

    def publish(self) -> None:
        """Give the table its name, for all to see."""
        prepare = self._connection.dialect.identifier_preparer
        before, after = prepare.format_table(self._temporary), prepare.quote(self.name)
        asked(self.place, lambda: self._connection.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {after}"))
        asked(self.place, self._connection.commit)

    def undo(self) -> None:
        """Take everything back."""
        # What went wrong before is what is told.
        with suppress(Exception):
            self._connection.rollback()
            if self._temporary is not None:
                self._temporary.drop(self._connection, checkfirst=True)
                self._connection.commit()

    def _insert(self, batch: pa.RecordBatch) -> None:
        if self._connection.dialect.name == "sqlite":
            _check_numbers(self.place, batch)
        keys = [f"c{at}" for at in range(batch.num_columns)]
        cells = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        rows = [dict(zip(keys, row, strict=True)) for row in cells]
        asked(self.place, lambda: self._connection.execute(self._temporary.insert(), rows))


def _check_numbers(place: str, batch: pa.RecordBatch) -> None:
    """Refuse what SQLite would make a null of."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_floating(column.type) and pc.any(pc.is_nan(column)).as_py():
            raise DatasetError(f'{place}, column "{name}": some value is no number (NaN), which it does not hold.')


def _engine(url: str) -> Any:
    engine = engine_for(url)
    if engine.dialect.name == "sqlite":
        import sqlalchemy as sa  # noqa: PLC0415  likewise

        # Python's driver begins no transaction before the first INSERT, and so none that holds the new table.
        sa.event.listen(engine, "connect", lambda driver, _record: setattr(driver, "isolation_level", None))
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _written_type(kind: pa.DataType, *, is_sqlite: bool) -> pa.DataType | None:
    if pa.types.is_dictionary(kind):
        return _written_type(kind.value_type, is_sqlite=is_sqlite)
    if pa.types.is_uint64(kind) or pa.types.is_decimal(kind):
        # SQLite would make a float of it.
        return pa.string() if is_sqlite else pa.decimal128(20, 0) if pa.types.is_uint64(kind) else kind
    if pa.types.is_timestamp(kind) and (kind.unit == "ns" or kind.tz is not None):
        return pa.string() if is_sqlite else None if kind.unit == "ns" else kind
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
    others = (pa.types.is_date, pa.types.is_timestamp, pa.types.is_binary, pa.types.is_large_binary)
    return kind if any(is_(kind) for is_ in (*texts, *numbers, *others)) else None


def _sql_type(kind: pa.DataType) -> Any:
    import sqlalchemy as sa  # noqa: PLC0415  likewise

    if pa.types.is_decimal(kind):
        return sa.Numeric(kind.precision, kind.scale)
    if pa.types.is_timestamp(kind):
        return sa.DateTime(timezone=kind.tz is not None)
    known: tuple[tuple[Callable[[pa.DataType], bool], Any], ...] = (
        (pa.types.is_integer, sa.BigInteger()),
        (pa.types.is_floating, sa.Double()),
        (pa.types.is_boolean, sa.Boolean()),
        (pa.types.is_date, sa.Date()),
        (pa.types.is_binary, sa.LargeBinary()),
        (pa.types.is_large_binary, sa.LargeBinary()),
    )
    return next((found for is_, found in known if is_(kind)), sa.Text())
