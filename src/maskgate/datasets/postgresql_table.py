"""A new table of PostgreSQL, written over ADBC under another name and renamed at the end, in one transaction."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from maskgate.datasets.sql_connection import asked, connected, name_taken
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

# What PostgreSQL takes in another form; values that would lose something are refused.
_OTHERS = {
    pa.uint64(): pa.decimal128(20, 0),
    pa.date64(): pa.date32(),
    pa.time64("ns"): pa.time64("us"),
    pa.duration("ns"): pa.duration("us"),
}

_DUPLICATE = "SQLSTATE 42P07"


@dataclass
class PostgresqlTable:
    """A table that is not there yet.

    Attributes:
        place: What messages call the database.
        namespace: The schema that it goes to; None for the first one of the search path.
        name: Its name.
        longest_name: How many bytes of the name of a column are kept.
    """

    longest_name: ClassVar[int | None] = 63

    place: str
    namespace: str | None
    name: str
    _connection: Any = field(repr=False)
    _cursor: Any = field(repr=False)
    _temporary: str = field(default_factory=lambda: f"maskgate_{secrets.token_hex(8)}", repr=False)

    @classmethod
    @contextmanager
    def opened(cls, url: str, place: str, namespace: str | None, name: str) -> Iterator[PostgresqlTable]:
        """Connect, and undo everything that is not published.

        Raises:
            DatasetError: If the database cannot be reached, or there is such a table.
        """
        with connected(url) as connection:
            cursor = asked(place, connection.cursor)
            try:
                table = cls(place, namespace, name, connection, cursor)
                table.check_free()
                yield table
            finally:
                asked(place, cursor.close)

    @staticmethod
    def written_type(_url: str, kind: pa.DataType) -> pa.DataType | None:
        """Return the type in which values are handed over; None if PostgreSQL has none."""
        return _written_type(kind)

    def check_free(self) -> None:
        """Refuse a name that is taken, or of a schema that is not there or does not last."""
        if self.namespace is not None and (
            self.namespace.startswith("pg_")
            or not self._asked("SELECT to_regnamespace($1) IS NOT NULL", f'"{self.namespace}"')
        ):
            raise DatasetError(
                f"{self.place}: there is no schema {self.namespace} that new tables can be in. Capitals count. Make it "
                "first, or name another."
            )
        if self._asked("SELECT to_regclass($1) IS NOT NULL", self._quoted(self.name)):
            raise name_taken(self.place, self.namespace, self.name)

    def _asked(self, question: str, about: str) -> bool:
        asked(self.place, lambda: self._cursor.execute(question, (about,)))
        return bool(self._cursor.fetchone()[0])

    def take(self, reader: pa.RecordBatchReader) -> None:
        """Write rows."""
        # The driver's own tables have numbers without a precision, which would come back as texts.
        self._ingest("create", reader.schema.empty_table())
        for item in reader.schema:
            if pa.types.is_decimal(item.type) and 0 <= item.type.scale <= item.type.precision:
                self._declare(item.name, f"numeric({item.type.precision}, {item.type.scale})")
        self._ingest("append", reader)

    def publish(self) -> None:
        """Give the table its name, for all to see, if nobody was quicker."""
        rename = f'ALTER TABLE {self._quoted(self._temporary)} RENAME TO "{self.name}"'
        try:
            asked(self.place, lambda: self._cursor.execute(rename))
        except DatasetError as error:
            is_taken = _DUPLICATE in str(error)
            raise name_taken(self.place, self.namespace, self.name) if is_taken else error from None
        asked(self.place, self._connection.commit)

    def _ingest(self, mode: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        asked(
            self.place,
            lambda: self._cursor.adbc_ingest(self._temporary, rows, mode=mode, db_schema_name=self.namespace),
        )

    def _declare(self, column: str, kind: str) -> None:
        name = column.replace('"', '""')
        change = f'ALTER TABLE {self._quoted(self._temporary)} ALTER COLUMN "{name}" TYPE {kind}'
        asked(self.place, lambda: self._cursor.execute(change))

    def _quoted(self, name: str) -> str:
        return f'"{self.namespace}"."{name}"' if self.namespace else f'"{name}"'


def _written_type(kind: pa.DataType) -> pa.DataType | None:
    if pa.types.is_dictionary(kind):
        return _written_type(kind.value_type)
    if pa.types.is_struct(kind) or pa.types.is_map(kind) or pa.types.is_union(kind):
        return None
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        inner = kind.value_type
        return kind if _written_type(inner) == inner and not pa.types.is_nested(inner) else None
    return _single(kind)


def _single(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    if pa.types.is_decimal32(kind) or pa.types.is_decimal64(kind):
        return pa.decimal128(kind.precision, kind.scale)
    return _OTHERS.get(kind, kind)
