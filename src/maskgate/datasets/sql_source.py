"""Queries as sources: rows come as a stream, in a transaction that only reads."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from maskgate.datasets.files import InputFile
from maskgate.datasets.formats import Piece
from maskgate.datasets.formats.portions import in_portions
from maskgate.datasets.source import Source
from maskgate.datasets.sql_connection import asked, connected, database_url, engine_for, is_postgresql, shown
from maskgate.datasets.sql_types import arrived, arrived_schema
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ROW_SIZE = 256
_FETCHED = 10_000


@dataclass(frozen=True)
class SqlQuery:
    """A query to mask the rows of.

    Attributes:
        database: ``env:NAME`` or ``file:PATH``, which hold its URL.
        query: The query; it is in no message, since it may hold values.
    """

    database: str = field(repr=False)
    query: str = field(repr=False)


def open_query(source: SqlQuery) -> Source:
    """Open a query, which asks for its columns and reads no row.

    Raises:
        UsageError: If there is no such database.
        DatasetError: If it cannot be reached, or refuses.
    """
    url = database_url(source.database)
    place = shown(url)
    reading = _over_adbc if is_postgresql(url) else _over_sqlalchemy
    schema = next(iter(reading(url, place, source.query, rows=0))).schema

    def read(_piece: Piece, rows: int, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        for batch in reading(url, place, source.query, rows=rows, schema=schema):
            yield from in_portions(batch, rows, columns)

    piece = Piece(InputFile(place), shown=f"{place}, the query", row_size=_ROW_SIZE)
    return Source(schema, (piece,), read, uri=place, can_be_read_again=False)


def _over_adbc(
    url: str, place: str, query: str, *, rows: int, schema: pa.Schema | None = None
) -> Iterator[pa.RecordBatch]:
    # The driver writes on behind the query, which may end in a comment.
    query = query.rstrip().rstrip(";") + "\n"
    with connected(url) as connection:
        cursor = asked(place, connection.cursor)
        try:
            # Whatever the query says, it changes nothing.
            asked(place, lambda: cursor.execute("SET TRANSACTION READ ONLY"))
            if rows == 0:
                found = asked(place, lambda: cursor.adbc_execute_schema(query))
                yield pa.RecordBatch.from_pylist([], schema=arrived_schema(place, found))
                return
            asked(place, lambda: cursor.execute(query))
            reader = asked(place, cursor.fetch_record_batch)
            while (batch := asked(place, lambda: next(reader, None))) is not None:
                yield _checked(place, arrived(place, batch, reader.schema), schema)
        finally:
            asked(place, cursor.close)


def _over_sqlalchemy(
    url: str, place: str, query: str, *, rows: int, schema: pa.Schema | None = None
) -> Iterator[pa.RecordBatch]:
    engine = engine_for(url)
    try:
        is_sqlite = engine.dialect.name == "sqlite"
        if is_sqlite:
            _check_file(place, engine.url)
        with asked(place, engine.connect) as connection:
            if is_sqlite:
                # Python's driver commits what is no INSERT, UPDATE or DELETE by itself.
                asked(place, lambda: connection.exec_driver_sql("PRAGMA query_only = ON"))
            # What stands in the query is the query: neither `:name` nor `%` asks for a value.
            streaming = connection.execution_options(stream_results=True, yield_per=_FETCHED, no_parameters=True)
            result = asked(place, lambda: streaming.exec_driver_sql(query))
            if not result.returns_rows:
                raise DatasetError(f"{place}: the query gives no rows. Name one that does, such as SELECT.")
            names, found = list(result.keys()), schema
            partitions = result.partitions(_FETCHED)
            while (part := asked(place, lambda: next(partitions, None))) is not None:
                columns: list[Any] = list(zip(*part, strict=True))
                types = [None] * len(names) if found is None else found.types
                arrays = [
                    _array(place, name, cells, kind) for name, cells, kind in zip(names, columns, types, strict=True)
                ]
                batch = pa.RecordBatch.from_arrays(arrays, names=names)
                found = batch.schema
                yield batch
                if rows == 0:
                    return
            if found is None:
                yield pa.RecordBatch.from_arrays([pa.array([], pa.string()) for _ in names], names=names)
    finally:
        engine.dispose()


def _check_file(place: str, url: Any) -> None:
    """Refuse a file that is not there, which SQLite would make."""
    named = url.database or ""
    if named not in {"", ":memory:"} and "uri" not in url.query and not Path(named).is_file():
        raise DatasetError(f"{place}: there is no such file.")


def _array(place: str, name: str, cells: Sequence[Any], kind: pa.DataType | None) -> pa.Array:
    if _is_of_one_type(cells):
        with suppress(pa.ArrowException, TypeError, ValueError, OverflowError):
            # Without the type, since Arrow would cut a fraction off for it, or take bytes for a text.
            array = pa.array(cells)
            if pa.types.is_null(array.type):
                return array.cast(kind or pa.string())
            if kind is None or array.type == kind:
                return array
            if _is_number(array.type) and _is_number(kind):
                return array.cast(kind)
    raise DatasetError(
        f'{place}, column "{name}": its values are not all of the type of the first ones. Cast it in the query.'
    )


def _is_of_one_type(cells: Sequence[Any]) -> bool:
    kinds = set(map(type, cells)) - {type(None)}
    return len(kinds) < 2 or kinds <= {int, float} or kinds <= {int, Decimal}  # noqa: PLR2004  one, or none


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _checked(place: str, batch: pa.RecordBatch, schema: pa.Schema | None) -> pa.RecordBatch:
    if schema is not None and batch.schema != schema:
        raise DatasetError(f"{place}: the columns of the query have changed since the run began.")
    return batch
