"""Releasing to tables of a real PostgreSQL: nothing before the commit, a receipt and all rows after it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import hashlib
import io
import threading
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from server.release.carrying_out import release, untold

from maskgate.errors import Conflict, DatasetError, Refused, UsageError
from maskgate.gate.content import content_digest
from maskgate.gate.locations import parse_location
from maskgate.gate.model import Destination, MeasuredTable, Sealed, SealedFile
from maskgate.gate.releaser import ReleaseOrder
from maskgate.release.postgres_table import PostgresTable
from maskgate.release.releaser import DestinationReleaser

UTC = dt.UTC
LOCAL = dt.datetime(2020, 2, 3, 4, 5, 6, 7, tzinfo=UTC).replace(tzinfo=None)


class Lake:
    """A database with a schema for releases."""

    def __init__(self, server):
        self.server = server
        self.url = server.empty_database()
        parts = urlsplit(self.url)
        self.at = f"postgresql://{parts.hostname}:{parts.port}{parts.path}"
        self.options = {"user": parts.username, "password": parts.password}

    def run(self, statement):
        with psycopg.connect(self.url, autocommit=True) as connection:
            result = connection.execute(statement)
            return result.fetchall() if result.description else []

    def tables(self):
        found = self.run("SELECT tablename FROM pg_tables WHERE schemaname = 'lake' ORDER BY 1")
        return [name for (name,) in found if name != "maskgate_receipts"]

    def receipts(self):
        return self.run('SELECT "grant", version, rows FROM lake.maskgate_receipts ORDER BY released_at, version')


@pytest.fixture(scope="module")
def database(postgres):
    made = Lake(postgres)
    yield made
    postgres.drop(made.url)


@pytest.fixture
def lake(database):
    database.run("DROP SCHEMA IF EXISTS lake CASCADE")
    database.run("CREATE SCHEMA lake")
    return database


@pytest.fixture
def sealed_of(tmp_path):
    """A sealed copy of any tables; each may come in parts."""

    def make(**tables):
        folder = tmp_path / f"sealed-{len(list(tmp_path.iterdir()))}"
        files, measured = [], []
        for name, given in tables.items():
            parts = given if isinstance(given, list) else [given]
            (folder / name).mkdir(parents=True)
            for at, part in enumerate(parts):
                sink = io.BytesIO()
                pq.write_table(part, sink)
                path = f"{name}/part-{at:05}.parquet"
                (folder / path).write_bytes(sink.getvalue())
                files.append(SealedFile(path, len(sink.getvalue()), hashlib.sha256(sink.getvalue()).hexdigest()))
            schema = tuple((field.name, str(field.type)) for field in pq.read_schema(io.BytesIO(sink.getvalue())))
            measured.append(MeasuredTable(name, sum(part.num_rows for part in parts), schema, ()))
        (folder / "manifest.json").write_bytes(b"{}")
        files.append(SealedFile("manifest.json", 2, hashlib.sha256(b"{}").hexdigest()))
        digest = content_digest("sha256:rules", tuple(files), tuple(measured))
        return Sealed(digest, str(folder), tuple(files), tuple(measured), "sha256:rules")

    return make


@pytest.fixture
def order_of(lake):
    def make(sealed, number=1, mode="append", *, fence=1, where="table=lake.customers", options=None):
        place = Destination("lake", f"{lake.at}?{where}", "internal", mode, options=options or lake.options)
        version = f"20261124T08000{number}Z-req_{number}"
        return ReleaseOrder(f"gr_{number}", fence, f"req_{number}", place, sealed, version)

    return make


@pytest.fixture
def release_of(sealed_of, order_of):
    return lambda table: release(order_of(sealed_of(customers=table)))


def people(*names):
    return pa.table({"name": pa.array(names, pa.string()), "age": pa.array(range(len(names)), pa.int64())})


class TestRelease:
    """Rows count from the commit on, all of them at once."""

    def test_nothing_counts_before(self, lake, sealed_of, order_of):
        releaser, order = DestinationReleaser(), order_of(sealed_of(customers=people("a")))
        assert releaser.probe(order) == "absent"
        releaser.copy(order, untold)
        assert "customers" not in lake.tables()
        assert releaser.probe(order) == "absent"

    def test_the_rows_of_all_parts_and_a_receipt(self, lake, sealed_of, order_of):
        order = order_of(sealed_of(customers=[people("a", None), people("", 'x"y\n')]))
        release(order)
        assert lake.run("SELECT name, age FROM lake.customers ORDER BY name NULLS FIRST") == [
            (None, 1),
            ("", 0),
            ("a", 0),
            ('x"y\n', 1),
        ]
        assert lake.receipts() == [("gr_1", order.version, 4)]
        assert lake.tables() == ["customers"]
        assert DestinationReleaser().probe(order) == "committed"

    def test_several_tables_of_a_schema(self, lake, sealed_of, order_of):
        release(order_of(sealed_of(customers=people("a"), orders=people("b")), where="schema=lake"))
        assert lake.tables() == ["customers", "orders"]

    def test_several_tables_for_one(self, lake, sealed_of, order_of):
        with pytest.raises(Refused, match="is one table, and this release has 2"):
            release(order_of(sealed_of(customers=people("a"), orders=people("b"))))
        assert lake.tables() == []

    def test_an_empty_table(self, lake, sealed_of, order_of):
        release(order_of(sealed_of(customers=people())))
        assert lake.run("SELECT count(*) FROM lake.customers") == [(0,)]


class TestModes:
    """A new table each time, one table's rows replaced, or added to; each release once."""

    def test_new_version(self, lake, sealed_of, order_of):
        for number in (1, 2):
            release(order_of(sealed_of(customers=people("a")), number, "new_version"))
        assert [name.partition("__")[2][:16] for name in lake.tables()] == ["20261124T080001Z", "20261124T080002Z"]

    def test_replace_keeps_rights_and_views(self, lake, sealed_of, order_of):
        release(order_of(sealed_of(customers=people("a", "b")), 1, "replace"))
        lake.run("CREATE VIEW lake.names AS SELECT name FROM lake.customers")
        release(order_of(sealed_of(customers=people("c")), 2, "replace"))
        assert lake.run("SELECT name FROM lake.names") == [("c",)]
        assert [receipt[0] for receipt in lake.receipts()] == ["gr_1", "gr_2"]

    def test_a_reader_sees_all_old_rows_or_all_new_ones(self, lake, sealed_of, order_of):
        release(order_of(sealed_of(customers=people("a", "b")), 1, "replace"))
        with psycopg.connect(lake.url) as reader:
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            assert reader.execute("SELECT count(*) FROM lake.customers").fetchone() == (2,)
            release(order_of(sealed_of(customers=people("c")), 2, "replace"))
            assert reader.execute("SELECT name FROM lake.customers ORDER BY 1").fetchall() == [("a",), ("b",)]
        assert lake.run("SELECT name FROM lake.customers") == [("c",)]

    def test_append(self, lake, sealed_of, order_of):
        for number, name in ((1, "a"), (2, "b")):
            release(order_of(sealed_of(customers=people(name)), number, "append"))
        assert lake.run("SELECT name FROM lake.customers ORDER BY 1") == [("a",), ("b",)]

    @pytest.mark.parametrize("mode", ["replace", "append"])
    def test_other_columns(self, lake, sealed_of, order_of, mode):
        release(order_of(sealed_of(customers=people("a")), 1, mode))
        other = pa.table({"name": ["b"], "age": pa.array([1], pa.int32())})
        releaser, order = DestinationReleaser(), order_of(sealed_of(customers=other), 2, mode)
        releaser.copy(order, untold)
        with pytest.raises(Refused, match="has other columns than what was signed"):
            releaser.commit(order)
        releaser.clean(order)
        assert lake.tables() == ["customers"]
        assert lake.run("SELECT name FROM lake.customers") == [("a",)]
        assert len(lake.receipts()) == 1

    def test_many_at_once(self, lake, sealed_of, order_of):
        orders = [order_of(sealed_of(customers=people(f"n{number}")), number) for number in range(1, 7)]
        for each in orders:
            DestinationReleaser().copy(each, untold)
        threads = [threading.Thread(target=DestinationReleaser().commit, args=(each,)) for each in orders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert lake.run("SELECT count(DISTINCT name) FROM lake.customers") == [(6,)]
        assert len(lake.receipts()) == 6


class TestOnce:
    """A grant has one receipt, whatever dies, sleeps and wakes."""

    def test_however_often_it_is_tried(self, lake, sealed_of, order_of):
        sealed = sealed_of(customers=people("a"))
        for fence in (1, 2, 3):
            release(order_of(sealed, fence=fence))
        assert lake.run("SELECT name FROM lake.customers") == [("a",)]
        assert len(lake.receipts()) == 1

    def test_one_who_was_asleep_commits_nothing(self, lake, sealed_of, order_of):
        sealed = sealed_of(customers=people("a"))
        asleep = order_of(sealed)
        DestinationReleaser().copy(asleep, untold)
        DestinationReleaser().copy(order_of(sealed, fence=2), untold)
        with pytest.raises(Conflict, match="later fence"):
            DestinationReleaser().commit(asleep)
        DestinationReleaser().commit(order_of(sealed, fence=2))
        DestinationReleaser().commit(asleep)
        assert lake.run("SELECT name FROM lake.customers") == [("a",)]
        assert lake.tables() == ["customers"]

    def test_one_who_fell_asleep_in_the_middle_of_a_copy_loses_its_session(self, lake, sealed_of, order_of):
        sealed = sealed_of(customers=[people("a"), people("b")])
        asleep, taken_over = threading.Event(), threading.Event()

        def sleep(_done, _total):
            asleep.set()
            assert taken_over.wait(60)

        failed = []

        def copy():
            try:
                DestinationReleaser().copy(order_of(sealed), sleep)
            except DatasetError as error:
                failed.append(str(error))

        thread = threading.Thread(target=copy)
        thread.start()
        assert asleep.wait(60)
        release(order_of(sealed, fence=2))
        taken_over.set()
        thread.join()
        assert "PostgreSQL did not do it" in failed[0]
        assert lake.tables() == ["customers"]
        assert lake.run("SELECT count(*) FROM lake.customers") == [(2,)]

    def test_a_receipt_for_something_else(self, lake, sealed_of, order_of):
        release(order_of(sealed_of(customers=people("a"))))
        with pytest.raises(Refused, match="has a receipt of this grant for something else"):
            DestinationReleaser().probe(order_of(sealed_of(customers=people("b"))))


class TestChangedBytes:
    """What is not what was sealed gets nowhere."""

    def test_a_changed_file(self, lake, sealed_of, order_of):
        sealed = sealed_of(customers=people("a"))
        with Path(sealed.folder, sealed.files[0].path).open("r+b") as file:
            file.seek(10)
            file.write(b"\xff")
        with pytest.raises(Refused, match="is not what was signed"):
            release(order_of(sealed))
        assert lake.tables() == []

    def test_rows_that_were_not_measured(self, lake, sealed_of, order_of):
        sealed = sealed_of(customers=people("a", "b"))
        (table,) = sealed.tables
        tables = (dataclasses.replace(table, rows=1),)
        digest = content_digest(sealed.rules_digest, sealed.files, tables)
        with pytest.raises(Refused, match="came to 2 rows instead of 1"):
            release(order_of(dataclasses.replace(sealed, tables=tables, content_digest=digest)))
        assert lake.tables() == []


class TestTypes:
    """A column has one type there that holds the same, or the release is refused."""

    @pytest.mark.parametrize(
        ("column", "sql", "cells"),
        [
            pytest.param(pa.array([True, None]), "boolean", [True, None], id="truth"),
            pytest.param(pa.array([-1, None], pa.int8()), "smallint", [-1, None], id="a byte"),
            pytest.param(pa.array([2**32 - 1], pa.uint32()), "bigint", [2**32 - 1], id="four bytes without a sign"),
            pytest.param(pa.array([2**64 - 1], pa.uint64()), "numeric", [2**64 - 1], id="eight bytes without a sign"),
            pytest.param(
                pa.array([1.5, float("inf"), None]), "double precision", [1.5, float("inf"), None], id="a float"
            ),
            pytest.param(pa.array([0.1], pa.float32()), "real", [pytest.approx(0.1)], id="a short float"),
            pytest.param(
                pa.array([decimal.Decimal("-1.20")], pa.decimal128(5, 2)),
                "numeric",
                [decimal.Decimal("-1.20")],
                id="a decimal",
            ),
            pytest.param(pa.array([b"\x00\\x", None, b""]), "bytea", [b"\x00\\x", None, b""], id="bytes"),
            pytest.param(pa.array([dt.date(1, 1, 1)]), "date", [dt.date(1, 1, 1)], id="a date"),
            pytest.param(
                pa.array([LOCAL]),
                "timestamp without time zone",
                [LOCAL],
                id="a time of no zone",
            ),
            pytest.param(
                pa.array([dt.datetime(2020, 2, 3, 4, tzinfo=UTC)], pa.timestamp("ms", tz="Europe/Oslo")),
                "timestamp with time zone",
                [dt.datetime(2020, 2, 3, 4, tzinfo=UTC)],
                id="a moment",
            ),
            pytest.param(
                pa.array([dt.time(1, 2, 3)], pa.time64("us")),
                "time without time zone",
                [dt.time(1, 2, 3)],
                id="a time of day",
            ),
            pytest.param(pa.array(["a", None, "a"]).dictionary_encode(), "text", ["a", None, "a"], id="a dictionary"),
            pytest.param(pa.nulls(2), "text", [None, None], id="nothing but nulls"),
            pytest.param(
                pa.array(["\\.", "\\N", ",", "\r\n"]),
                "text",
                ["\\.", "\\N", ",", "\r\n"],
                id="text that CSV could trip over",
            ),
        ],
    )
    def test_type(self, lake, release_of, column, sql, cells):
        release_of(pa.table({"at": range(len(column)), 'odd "name" é': column}))
        found = lake.run('SELECT "odd ""name"" é" FROM lake.customers ORDER BY at')
        assert [cell for (cell,) in found] == cells
        kinds = lake.run(
            "SELECT data_type FROM information_schema.columns WHERE table_schema = 'lake' AND table_name = 'customers'"
            " AND column_name LIKE 'odd%'"
        )
        assert kinds == [(sql,)]

    @pytest.mark.parametrize(
        ("column", "words"),
        [
            pytest.param(pa.array([[1]]), "which no type of PostgreSQL holds", id="a list"),
            pytest.param(pa.array([{"a": 1}]), "which no type of PostgreSQL holds", id="a struct"),
            pytest.param(pa.array([1], pa.duration("s")), "which no type of PostgreSQL holds", id="a duration"),
            pytest.param(
                pa.array([1], pa.timestamp("ns")), "cannot hold as they are", id="nanoseconds that would be lost"
            ),
            pytest.param(pa.array(["secret\0cell"]), "does not take a cell as it is", id="a zero byte in a text"),
        ],
    )
    def test_refused(self, lake, sealed_of, order_of, column, words):
        with pytest.raises(Refused, match=words) as caught:
            release(order_of(sealed_of(customers=pa.table({"c": column}))))
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert lake.tables() == []

    @pytest.mark.parametrize("name", ["", "x" * 64, "line\nbreak", "ctid", "xmin"])
    def test_names_that_it_does_not_take(self, lake, sealed_of, order_of, name):
        with pytest.raises(Refused, match=r"a column whose name PostgreSQL does not take|PostgreSQL keeps its own"):
            release(order_of(sealed_of(customers=pa.table({name: [1]}))))
        assert lake.tables() == []


class TestConnection:
    """What goes wrong on the way is said without a password, and can be tried again."""

    def test_a_wrong_password(self, sealed_of, order_of, lake):
        options = {**lake.options, "password": "very-secret"}
        with pytest.raises(DatasetError, match="PostgreSQL did not do it") as caught:
            release(order_of(sealed_of(customers=people("a")), options=options))
        assert "secret" not in str(caught.value)

    def test_an_option_that_it_does_not_know(self):
        with pytest.raises(UsageError, match="has no option `passwrd`"):
            PostgresTable(parse_location("postgresql://h/d?table=a.b"), {"passwrd": "very-secret"}, "append")
