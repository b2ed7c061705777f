from __future__ import annotations

import sqlite3
import traceback
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from maskgate.datasets import SqlQuery, SqlTable, mask_dataset
from maskgate.errors import DatasetError, MaskingError, PlanError
from maskgate.rules import read_rules


class TestOtherDatabases:
    """Databases that SQLAlchemy knows can be read."""

    @pytest.fixture
    def sqlite(self, tmp_path, monkeypatch):
        with sqlite3.connect(tmp_path / "people.db") as connection:
            connection.execute("CREATE TABLE people (id INTEGER, mail TEXT)")
            connection.executemany(
                "INSERT INTO people VALUES (?, ?)", [(n, f"p{n}@planted.example") for n in range(25_000)]
            )
        monkeypatch.setenv("LITE", f"sqlite:///{tmp_path / 'people.db'}")
        return "env:LITE"

    def test_a_query(self, sqlite, tmp_path):
        rules = read_rules("version: 1\ntables: {t: {columns: {id: keep, mail: {method: redact, with: x}}}}\n", "r")
        mask_dataset(SqlQuery(sqlite, "SELECT id, mail FROM people ORDER BY id"), tmp_path / "o.csv", rules)
        lines = (tmp_path / "o.csv").read_text().splitlines()
        assert (lines[0], lines[1], lines[-1], len(lines)) == ("id,mail", "0,x", "24999,x", 25_001)

    def test_values_of_several_types(self, sqlite, tmp_path):
        rules = read_rules("version: 1\ntables: {t: {columns: {v: keep}}}\n", "r")
        query = "SELECT CASE WHEN id < 24000 THEN id ELSE mail END AS v FROM people ORDER BY id"
        with pytest.raises(DatasetError, match=r'column "v": .* Cast it') as caught:
            mask_dataset(SqlQuery(sqlite, query), tmp_path / "o.csv", rules)
        assert "planted" not in "".join(traceback.format_exception(caught.value))

    def test_a_column_that_begins_with_nulls(self, sqlite, tmp_path):
        rules = read_rules("version: 1\ntables: {t: {columns: {v: keep}}}\n", "r")
        query = "SELECT CASE WHEN id >= 5000 THEN id END AS v FROM people ORDER BY id"
        done = mask_dataset(SqlQuery(sqlite, query), tmp_path / "o.csv", rules)
        assert done.manifest["tables"]["t"]["schema"] == [{"name": "v", "type": "int64"}]

    def test_a_query_is_what_it_says(self, sqlite, tmp_path):
        rules = read_rules("version: 1\ntables: {t: {columns: {v: keep}}}\n", "r")
        mask_dataset(SqlQuery(sqlite, "SELECT ':v %s %(v)s' AS v FROM people LIMIT 1"), tmp_path / "o.csv", rules)
        assert (tmp_path / "o.csv").read_text() == "v\n:v %s %(v)s\n"

    @pytest.mark.parametrize(
        ("first", "then"),
        [("id", "id + 0.5"), ("mail", "CAST(mail AS BLOB)"), ("CAST(mail AS BLOB)", "mail"), ("id", "mail")],
    )
    @pytest.mark.parametrize("until", [5, 24_000])
    def test_no_value_is_cut_to_the_type_of_the_first_ones(self, sqlite, tmp_path, first, then, until):
        rules = read_rules("version: 1\ntables: {t: {columns: {v: keep}}}\n", "r")
        query = f"SELECT CASE WHEN id < {until} THEN {first} ELSE {then} END AS v FROM people ORDER BY id"
        if (until, then) == (5, "id + 0.5"):
            mask_dataset(SqlQuery(sqlite, query), tmp_path / "o.csv", rules)
            assert (tmp_path / "o.csv").read_text().splitlines()[-1] == "24999.5"
            return
        with pytest.raises(DatasetError, match="not all of the type of the first ones"):
            mask_dataset(SqlQuery(sqlite, query), tmp_path / "o.parquet", rules)

    def test_a_file_that_is_not_there_is_not_made(self, monkeypatch, tmp_path):
        rules = read_rules("version: 1\ntables: {t: {columns: {v: keep}}}\n", "r")
        monkeypatch.setenv("LITE", f"sqlite:///{tmp_path / 'none.db'}")
        with pytest.raises(DatasetError, match="there is no such file"):
            mask_dataset(SqlQuery("env:LITE", "SELECT 1 AS v"), tmp_path / "o.csv", rules)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM people",
            "DROP TABLE people",
            "CREATE TABLE more AS SELECT 1",
            "DELETE FROM people RETURNING id AS v",
        ],
    )
    def test_a_statement_changes_nothing(self, sqlite, tmp_path, statement):
        rules = read_rules("version: 1\ntables: {t: {columns: {v: keep}}}\n", "r")
        with pytest.raises(DatasetError, match=r"the database refused"):
            mask_dataset(SqlQuery(sqlite, statement), tmp_path / "o.csv", rules)
        with sqlite3.connect(tmp_path / "people.db") as connection:
            assert connection.execute("SELECT count(*) FROM people").fetchone() == (25_000,)

    def test_a_query_into_a_table(self, sqlite, tmp_path):
        rules = read_rules("version: 1\ntables: {t: {columns: {id: keep, mail: {method: redact, with: x}}}}\n", "r")
        mask_dataset(SqlQuery(sqlite, "SELECT * FROM people ORDER BY id"), SqlTable(sqlite, "masked"), rules)
        with sqlite3.connect(tmp_path / "people.db") as connection:
            assert connection.execute("SELECT count(*), max(id), max(mail) FROM masked").fetchone() == (
                25_000,
                24999,
                "x",
            )
            assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("people",), ("masked",)]
        with pytest.raises(DatasetError, match="there is a table masked already"):
            mask_dataset(pa.table({"id": [1], "mail": ["a"]}), SqlTable(sqlite, "masked"), rules)

    def test_a_table_of_rows_whose_number_is_guessed(self, sqlite, tmp_path):
        rules = read_rules("version: 1\ntables: {t: {columns: {id: keep}}}\n", "r")
        (tmp_path / "t.csv").write_text("\n".join(["id", *map(str, range(1000))]))
        seen = []
        mask_dataset(tmp_path / "t.csv", SqlTable(sqlite, "masked"), rules, progress=seen.append)
        assert seen[-1].about_rows == pytest.approx(1000, rel=0.1)

    def test_values_in_a_table(self, sqlite, tmp_path):
        table = pa.table(
            {
                "an odd: name": [1, None],
                "u": pa.array([2**64 - 1, None], pa.uint64()),
                "d": pa.array([Decimal("12345678901234567890.50"), None]),
                "at": pa.array([datetime(2024, 1, 1, 8, tzinfo=UTC), None]),
                "local": pa.array([datetime(2024, 1, 1, 8), None]),  # noqa: DTZ001  a column without a zone
                "day": pa.array([date(2024, 1, 1), None]),
                "b": [b"x", None],
                "f": [0.5, None],
                "c": pa.array(["a", None]).dictionary_encode(),
                "t": [True, None],
            }
        )
        rules = read_rules("{version: 1, unlisted: keep, tables: {t: {columns: {c: keep}}}}", "r")
        mask_dataset(table, SqlTable(sqlite, "odd"), rules)
        with sqlite3.connect(tmp_path / "people.db") as connection:
            first, second = connection.execute("SELECT * FROM odd").fetchall()
        at = ("2024-01-01 08:00:00.000000Z", "2024-01-01 08:00:00.000000", "2024-01-01")
        assert first == (1, str(2**64 - 1), "12345678901234567890.50", *at, b"x", 0.5, "a", 1)
        assert second == (None,) * 10

    def test_what_fails_leaves_no_table(self, sqlite, tmp_path):
        rules = read_rules("{version: 1, tables: {t: {columns: {id: keep}, check: {unique: [id]}}}}", "r")
        for source in (pa.table({"id": [1] * 20_000}), SqlQuery(sqlite, "SELECT id / 2 AS id FROM people")):
            with pytest.raises(MaskingError, match="stand there a second time"):
                mask_dataset(source, SqlTable(sqlite, "masked"), rules)
        unchecked = read_rules("{version: 1, tables: {t: {columns: {id: keep}}}}", "r")
        with pytest.raises(DatasetError, match=r'column "id": some value is no number \(NaN\)'):
            mask_dataset(pa.table({"id": [0.5, float("nan")]}), SqlTable(sqlite, "masked"), unchecked)
        with pytest.raises(PlanError, match=r'column "id" \(list<item: int64>\): sqlite:.* has no such type'):
            mask_dataset(pa.table({"id": [[1]]}), SqlTable(sqlite, "masked"), unchecked)
        with sqlite3.connect(tmp_path / "people.db") as connection:
            assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("people",)]

    def test_a_database_that_nobody_knows(self, monkeypatch):
        monkeypatch.setenv("OTHER", "nosuch://me:planted-password@host/db")
        rules = read_rules("version: 1\ntables: {t: {columns: {v: keep}}}\n", "r")
        with pytest.raises(DatasetError, match=r"nosuch://host/db: the database refused") as caught:
            mask_dataset(pa.table({"v": [1]}), SqlTable("env:OTHER", "t"), rules)
        assert "planted-password" not in "".join(traceback.format_exception(caught.value))
