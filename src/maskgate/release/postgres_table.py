"""Releasing to tables of PostgreSQL: filled beside the table that counts, published in one transaction.

* Rows go by COPY into a fresh table with grant and fence in its name. Nothing reads it before the commit.
* The commit is one transaction: the receipt, by its grant, and what the mode asks for. There is a receipt, or nothing.
* Whoever takes over ends the sessions of the attempts before it, and removes their tables.
* ``replace`` deletes and inserts, so that a reader sees all of the old rows or all of the new ones, and the table keeps
  its rights, indexes and views. Other columns than the table has are refused.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.errors import Conflict, DatasetError, Refused, UsageError
from maskgate.gate.fault_points import reach
from maskgate.gate.locations import table_address
from maskgate.gate.staged_names import MANIFEST
from maskgate.release.index import APPEND, REPLACE
from maskgate.release.row_stream import write_rows
from maskgate.release.table_types import LONGEST_NAME, column_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from psycopg import Connection, Cursor

    from maskgate.gate.locations import Location
    from maskgate.gate.model import MeasuredTable
    from maskgate.gate.releaser import ReleaseOrder
    from maskgate.release.sealed_bytes import Pace
    from maskgate.release.table_types import ColumnType

RECEIPTS = "maskgate_receipts"
OPTIONS = ("user", "password", "sslmode", "sslrootcert", "sslcert", "sslkey")
_CONNECT_SECONDS = 10
_SETTINGS = "-c lock_timeout=20s -c idle_in_transaction_session_timeout=60s -c timezone=UTC -c search_path=pg_catalog"
_END_MILLISECONDS = 5000


@dataclass(frozen=True)
class _Target:
    """Where one table of a release goes."""

    table: str
    name: str
    fresh: str
    columns: tuple[ColumnType, ...]
    rows: int


class PostgresTable:
    """A destination that is a table, or a schema of tables.

    Raises:
        UsageError: If there are options that it does not know, or the driver is not installed.
    """

    def __init__(self, location: Location, options: Mapping[str, Any], mode: str) -> None:
        unknown = sorted(set(options) - set(OPTIONS))
        if unknown:
            raise UsageError(f"a table has no option `{unknown[0]}`. There are {', '.join(OPTIONS)}.")
        self._address = table_address(location)
        self._options = options
        self._mode = mode
        self._schema = str(self._address["schema"])

    def check_fit(self, destination: str, tables: Sequence[MeasuredTable]) -> None:
        """See whether there is a type for each column, without asking the database.

        Raises:
            Refused: If not, or there are more tables than the destination is.
        """
        self._must_be_one(destination, tables)
        for table in tables:
            for name, kind in table.schema:
                column_type(table.name, name, kind)

    def copy(self, order: ReleaseOrder, pace: Pace) -> None:
        """Fill a fresh table for each table of the release."""
        targets = self._targets(order)
        with self._connected(order) as connection:
            with connection.transaction(), connection.cursor() as cursor:
                self._take_turn(cursor, "receipts")
                cursor.execute(_make_receipts(self._schema))
            with connection.transaction(), connection.cursor() as cursor:
                if self._receipt(cursor, order):
                    return
                self._end_earlier_attempts(cursor, order)
                self._drop_fresh(cursor, order, before=order.fence + 1)
            # One transaction: should this end in the middle, there is no table.
            with connection.transaction(), connection.cursor() as cursor:
                for target in targets:
                    self._fill(cursor, order, target, pace)
                self._must_be_last(cursor, order)

    def commit(self, order: ReleaseOrder) -> None:
        """Write the receipt and publish the rows in one transaction; does nothing if there is the receipt."""
        targets = self._targets(order)
        with self._connected(order) as connection:
            with connection.transaction(), connection.cursor() as cursor:
                self._take_turn(cursor, "release")
                if not self._receipt(cursor, order):
                    self._must_be_last(cursor, order)
                    self._write_receipt(cursor, order, sum(target.rows for target in targets))
                    for target in targets:
                        self._publish(cursor, order, target)
                    reach("before index")
            reach("after index")
            self._clean(connection, order)

    def probe(self, order: ReleaseOrder) -> str:
        """Say whether there is the receipt."""
        with self._connected(order) as connection, connection.transaction(), connection.cursor() as cursor:
            return "committed" if self._receipt(cursor, order) else "absent"

    def clean(self, order: ReleaseOrder) -> None:
        """Drop fresh tables of this grant, up to this fence, and end the sessions that would still publish them."""
        with self._connected(order) as connection:
            with connection.transaction(), connection.cursor() as cursor:
                self._end_earlier_attempts(cursor, order)
            self._clean(connection, order)

    def versions(self) -> list[str]:
        """List the names of the releases that have a receipt."""
        with self._session("maskgate") as connection, connection.transaction(), connection.cursor() as cursor:
            if not self._exists(cursor, RECEIPTS):
                return []
            cursor.execute(f"SELECT version FROM {self._quoted(RECEIPTS)} ORDER BY released_at, version")  # noqa: S608
            return [row[0] for row in cursor.fetchall()]

    # --- what is where -----------------------------------------------------------------------------------------

    def _targets(self, order: ReleaseOrder) -> tuple[_Target, ...]:
        tables = order.sealed.tables
        named = self._address["table"]
        self._must_be_one(order.destination.id, tables)
        return tuple(
            _Target(
                table.name,
                self._final_name(order, named or table.name),
                _fresh_name(order, table.name),
                tuple(column_type(table.name, name, kind) for name, kind in table.schema),
                table.rows,
            )
            for table in tables
        )

    def _must_be_one(self, destination: str, tables: Sequence[MeasuredTable]) -> None:
        if self._address["table"] is not None and len(tables) != 1:
            raise Refused(
                f'destination "{destination}" is one table, and this release has {len(tables)}. '
                "Release one, or register ?schema=… instead of ?table=…."
            )

    def _final_name(self, order: ReleaseOrder, name: str) -> str:
        final = name
        if self._mode not in {REPLACE, APPEND}:
            moment, _, request = order.version.partition("-")
            final = f"{name}__{moment}_{hashlib.sha256(request.encode()).hexdigest()[:8]}"
        if len(final.encode()) > LONGEST_NAME or final == RECEIPTS or not final.isprintable():
            raise Refused(f'"{name[:80]}" cannot be the name of a table there: with what is added, it is too long.')
        return final

    def _quoted(self, name: str) -> str:
        return f"{_identifier(self._schema)}.{_identifier(name)}"

    # --- steps -------------------------------------------------------------------------------------------------

    def _fill(self, cursor: Cursor[Any], order: ReleaseOrder, target: _Target, pace: Pace) -> None:
        columns = ", ".join(f"{_identifier(column.name)} {column.sql}" for column in target.columns)
        cursor.execute(f"CREATE TABLE {self._quoted(target.fresh)} ({columns})")
        files = [
            file for file in order.sealed.files if file.path != MANIFEST and file.path.split("/")[0] == target.table
        ]
        rows = 0
        for file in files:
            with cursor.copy(f"COPY {self._quoted(target.fresh)} FROM STDIN (FORMAT csv)") as into:
                write_rows(order.sealed, file, target.columns, into.write, pace)
            rows += cursor.rowcount
        if rows != target.rows:
            raise Refused(f'table "{target.table}" came to {rows} rows instead of {target.rows}. Nothing was released.')

    def _publish(self, cursor: Cursor[Any], order: ReleaseOrder, target: _Target) -> None:
        fresh, final = self._quoted(target.fresh), self._quoted(target.name)
        if not self._exists(cursor, target.name):
            cursor.execute(f"ALTER TABLE {fresh} RENAME TO {_identifier(target.name)}")
            return
        if self._mode not in {REPLACE, APPEND}:
            raise _taken(order, target.name, "is there already, and nothing is written over")
        if self._columns(cursor, target.name) != self._columns(cursor, target.fresh):
            raise _taken(order, target.name, "has other columns than what was signed")
        if self._mode == REPLACE:
            cursor.execute(f"DELETE FROM {final}")  # noqa: S608
        names = ", ".join(_identifier(column.name) for column in target.columns)
        cursor.execute(f"INSERT INTO {final} ({names}) SELECT {names} FROM {fresh}")  # noqa: S608

    def _columns(self, cursor: Cursor[Any], name: str) -> list[tuple[str, str]]:
        cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [self._quoted(name)],
        )
        return [(row[0], row[1]) for row in cursor.fetchall()]

    def _receipt(self, cursor: Cursor[Any], order: ReleaseOrder) -> bool:
        if not self._exists(cursor, RECEIPTS):
            return False
        cursor.execute(
            f'SELECT content_digest FROM {self._quoted(RECEIPTS)} WHERE "grant" = %s',  # noqa: S608
            [order.grant],
        )
        found = cursor.fetchone()
        if found is not None and found[0] != order.sealed.content_digest:
            raise _taken(order, RECEIPTS, "has a receipt of this grant for something else")
        return found is not None

    def _write_receipt(self, cursor: Cursor[Any], order: ReleaseOrder, rows: int) -> None:
        cursor.execute(
            f'INSERT INTO {self._quoted(RECEIPTS)} ("grant", request, version, content_digest, rows)'  # noqa: S608
            " VALUES (%s, %s, %s, %s, %s)",
            [order.grant, order.request, order.version, order.sealed.content_digest, rows],
        )

    def _must_be_last(self, cursor: Cursor[Any], order: ReleaseOrder) -> None:
        fences = self._fresh(cursor, order)
        if any(fence > order.fence for fence in fences):
            raise Conflict(f"release {order.grant} goes on under a later fence; this attempt ({order.fence}) is over.")
        if order.fence not in fences:
            raise Conflict(
                f"release {order.grant}: what fence {order.fence} had written is gone, as a later attempt removes it. "
                "This attempt is over."
            )

    def _fresh(self, cursor: Cursor[Any], order: ReleaseOrder) -> dict[int, list[str]]:
        prefixes = [_fresh_prefix(order, table.name) for table in order.sealed.tables]
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [self._schema])
        found: dict[int, list[str]] = {}
        for (name,) in cursor.fetchall():
            prefix, _, fence = name.rpartition("_")
            if prefix in prefixes and fence.isdigit():
                found.setdefault(int(fence), []).append(name)
        return found

    def _drop_fresh(self, cursor: Cursor[Any], order: ReleaseOrder, *, before: int) -> None:
        found = self._fresh(cursor, order)
        if any(fence > order.fence for fence in found):
            raise Conflict(f"release {order.grant} goes on under a later fence; this attempt ({order.fence}) is over.")
        for fence, names in found.items():
            for name in names if fence < before else ():
                cursor.execute(f"DROP TABLE {self._quoted(name)}")

    def _clean(self, connection: Connection[Any], order: ReleaseOrder) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            for fence, names in self._fresh(cursor, order).items():
                for name in names if fence <= order.fence else ():
                    cursor.execute(f"DROP TABLE {self._quoted(name)}")

    def _end_earlier_attempts(self, cursor: Cursor[Any], order: ReleaseOrder) -> None:
        cursor.execute(
            "SELECT pid, application_name FROM pg_stat_activity"
            " WHERE usename = current_user AND datname = current_database() AND starts_with(application_name, %s)",
            [_application(order, "")],
        )
        for process, name in cursor.fetchall():
            fence = name.rpartition(" ")[2]
            if fence.isdigit() and int(fence) < order.fence:
                cursor.execute("SELECT pg_terminate_backend(%s, %s)", [process, _END_MILLISECONDS])

    def _take_turn(self, cursor: Cursor[Any], what: str) -> None:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"maskgate {what} {self._schema}"])

    def _exists(self, cursor: Cursor[Any], name: str) -> bool:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [self._quoted(name)])
        row = cursor.fetchone()
        return bool(row and row[0])

    # --- connections -------------------------------------------------------------------------------------------

    @contextmanager
    def _connected(self, order: ReleaseOrder) -> Iterator[Connection[Any]]:
        with self._session(_application(order, order.fence)) as connection:
            yield connection

    @contextmanager
    def _session(self, name: str) -> Iterator[Connection[Any]]:
        try:
            import psycopg  # noqa: PLC0415  only who has such a destination needs the driver
        except ModuleNotFoundError:
            raise UsageError("a table needs PostgreSQL's driver: pip install 'psycopg[binary]'") from None
        try:
            with psycopg.connect(
                host=self._address["host"],
                port=self._address["port"],
                dbname=self._address["database"],
                application_name=name,
                connect_timeout=_CONNECT_SECONDS,
                options=_SETTINGS,
                autocommit=True,
                **self._options,
            ) as connection:
                yield connection
        except psycopg.Error as error:
            raise self._translated(error) from None

    def _translated(self, error: Any) -> Exception:
        """Say what PostgreSQL said, by its code alone: its words may quote a cell or an address."""
        code = error.sqlstate or type(error).__name__
        where = f"{self._address['database']} at {self._address['host']}"
        if isinstance(code, str) and code.startswith("22"):
            return Refused(f"{where} does not take a cell as it is ({code}). Nothing was released.")
        if isinstance(code, str) and code.startswith("23"):
            return Refused(
                f"{where} has a constraint that what was signed does not keep ({code}). Nothing was released."
            )
        return DatasetError(
            f"{where}: PostgreSQL did not do it ({code}). The operator has to check the address, its `options:` and "
            "rights; it can be tried again."
        )


def _make_receipts(schema: str) -> str:
    return (
        f"CREATE TABLE IF NOT EXISTS {_identifier(schema)}.{RECEIPTS} ("
        '"grant" text PRIMARY KEY, request text NOT NULL, version text NOT NULL, content_digest text NOT NULL,'
        " rows bigint NOT NULL, released_at timestamptz NOT NULL DEFAULT now())"
    )


def _fresh_prefix(order: ReleaseOrder, table: str) -> str:
    return f"maskgate_{hashlib.sha256(f'{order.grant}/{table}'.encode()).hexdigest()[:32]}"


def _fresh_name(order: ReleaseOrder, table: str) -> str:
    return f"{_fresh_prefix(order, table)}_{order.fence}"


def _application(order: ReleaseOrder, fence: int | str) -> str:
    return f"maskgate {hashlib.sha256(order.grant.encode()).hexdigest()[:32]} {fence}"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _taken(order: ReleaseOrder, name: str, what: str) -> Refused:
    return Refused(
        f'destination "{order.destination.id}": the table {name} {what}. Nothing was released; look into who can write '
        "there, or register another place."
    )
