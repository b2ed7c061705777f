from __future__ import annotations

import json
import traceback
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from maskgate.cli.mask import mask
from maskgate.datasets import SqlQuery, SqlTable, mask_dataset
from maskgate.errors import DatasetError, MaskingError, PlanError, UsageError
from maskgate.keys import Key, KeyRing
from maskgate.masking import mask_table
from maskgate.rules import read_rules

ROWS = 5000
RULES = """\
version: 1
keys: {people: env:MASKGATE_KEY_PEOPLE}
domains: {customer: {scheme: cmac}}
tables:
  customers:
    entity: id
    columns:
      id: {method: token, domain: customer}
      mail: {method: redact, with: "***"}
      born: {method: generalize, to: year, not_before: 1936}
      joined: {method: shift_date, days: 90}
      tags: keep
      amount: {method: noise, kind: laplace, scale: 5, min: 0, max: 1000, round_to: 1}
"""
QUERY = "SELECT id, mail, born, joined, tags, amount FROM people ORDER BY id"
PASSWORD = "planted-password"
KEYS = KeyRing({"people": Key("people", bytes(range(32)))})


@pytest.fixture(scope="module")
def url(postgres):
    """A database with people in it; its URL has a password."""
    found = postgres.empty_database()
    statements = (
        "CREATE TABLE people (id bigint, mail text, born date, joined timestamptz, tags text[], amount float8)",
        f"""INSERT INTO people SELECT n, 'p' || n || '@planted.example', date '1980-01-01' + (n % 5000)::int,
            timestamptz '2024-01-01 10:00Z' + n * interval '1 second', ARRAY['a', null], n % 900
            FROM generate_series(1, {ROWS}) AS n""",
        "INSERT INTO people VALUES (0, null, null, null, null, null)",
    )
    for statement in statements:
        postgres.execute(statement, found)
    yield found
    postgres.drop(found)


@pytest.fixture
def database(url, monkeypatch):
    """A reference to it."""
    monkeypatch.setenv("WAREHOUSE", url)
    return "env:WAREHOUSE"


@pytest.fixture
def rules():
    """Rules for the people."""
    return read_rules(RULES, "rules.yaml")


@pytest.fixture
def keys():
    """Their key."""
    return KEYS


@pytest.fixture
def ask(postgres, url):
    """Ask the database."""
    return lambda statement: postgres.execute(statement, url)


@pytest.fixture
def tables(ask):
    """Names of all tables in the database."""

    def names():
        found = ask(
            "SELECT table_schema || '.' || table_name FROM information_schema.tables "
            "WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        return sorted(row[0] for row in found)

    return names


def people():
    """The same rows in memory."""
    at = range(1, ROWS + 1)
    epoch = date(1980, 1, 1).toordinal()
    start = int(datetime(2024, 1, 1, 10, tzinfo=UTC).timestamp())
    return pa.table(
        {
            "id": pa.array([0, *at]),
            "mail": [None, *(f"p{n}@planted.example" for n in at)],
            "born": [None, *(date.fromordinal(epoch + n % 5000) for n in at)],
            "joined": pa.array(
                [None, *(datetime.fromtimestamp(start + n, UTC) for n in at)], pa.timestamp("us", "UTC")
            ),
            "tags": [None, *([["a", None]] * ROWS)],
            "amount": [None, *(float(n % 900) for n in at)],
        }
    )


class TestPostgresql:
    """A query is masked into files or into a new table; values are those of the same rows in memory."""

    def test_a_query_into_files(self, database, rules, keys, tmp_path):
        masked = mask_dataset(SqlQuery(database, QUERY), tmp_path / "o.parquet", rules, keys=keys)
        expected, report = mask_table(people(), rules, table_name="customers", keys=keys)
        assert pq.read_table(tmp_path / "o.parquet").to_pylist() == expected.to_pylist()
        assert masked.report.as_json() == report.as_json()

    def test_a_query_that_ends_in_a_comment(self, database, tmp_path):
        rules = read_rules("{version: 1, tables: {t: {columns: {id: keep}}}}", "rules.yaml")
        for end in ("-- all of them", ";", " ;\n"):
            query = SqlQuery(database, f"SELECT id FROM people {end}")
            masked = mask_dataset(query, tmp_path / f"{len(end)}.parquet", rules)
            assert masked.report.rows == ROWS + 1

    def test_a_query_into_a_table(self, database, rules, keys, ask):
        target = SqlTable(database, "public.masked_people")
        masked = mask_dataset(SqlQuery(database, QUERY), target, rules, keys=keys, table_name="customers")
        expected, _ = mask_table(people(), rules, table_name="customers", keys=keys)
        found = ask("SELECT id, mail, born, joined, tags, amount FROM masked_people")
        rows = [tuple(row.values()) for row in expected.to_pylist()]
        assert sorted(map(tuple, found)) == sorted(rows)
        assert ask("SELECT count(*) FROM pg_class WHERE relname LIKE 'maskgate%'") == [(0,)]
        assert masked.manifest["tables"]["customers"]["rows"] == ROWS + 1
        ask("DROP TABLE masked_people")

    def test_a_file_into_a_table(self, database, rules, keys, ask, tmp_path):
        pq.write_table(people().slice(0, 0), tmp_path / "customers.parquet")
        mask_dataset(tmp_path / "customers.parquet", SqlTable(database, "none"), rules, keys=keys)
        assert ask("SELECT count(*) FROM none")[0][0] == 0
        ask("DROP TABLE none")

    def test_a_decimal_comes_back_from_a_table_as_it_went_in(self, database, ask, tmp_path):
        rules = read_rules("{version: 1, unlisted: keep, tables: {t: {columns: {b: redact}}}}", "r")
        table = pa.table({'a "b"': pa.array([Decimal("1.50"), None]), "b": ["x", None]})
        mask_dataset(table, SqlTable(database, "decimals"), rules)
        mask_dataset(SqlQuery(database, "SELECT * FROM decimals"), tmp_path / "o.parquet", rules, table_name="t")
        assert pq.read_table(tmp_path / "o.parquet").drop_columns(["b"]).equals(table.drop_columns(["b"]))
        ask("DROP TABLE decimals")

    def test_the_command(self, database, tmp_path, monkeypatch, ask):
        monkeypatch.setenv("MASKGATE_KEY_PEOPLE", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
        (tmp_path / "rules.yaml").write_text(RULES)
        arguments = [str(tmp_path / "rules.yaml"), database, database, "--json"]
        done = CliRunner().invoke(mask, [*arguments, "--query", QUERY, "--target-table", "by_command"])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["manifest"]["tables"]["customers"]["rows"] == ROWS + 1
        assert f"{ROWS + 1:,} rows masked into env:WAREHOUSE, table by_command\n" in done.stderr
        assert ask("SELECT count(*) FROM by_command")[0][0] == ROWS + 1
        ask("DROP TABLE by_command")


class TestTypes:
    """A type of PostgreSQL arrives as a value that people know, or is refused with the cast that helps."""

    RULES = "{version: 1, unlisted: keep, tables: {t: {columns: {name: {method: redact, with: x}}}}}"

    @pytest.fixture
    def arrived(self, database, tmp_path):
        def read(*values):
            columns = ", ".join(f"{value} AS c{at}" for at, value in enumerate(values))
            query = f"SELECT 'Ann' AS name, {columns}"
            mask_dataset(SqlQuery(database, query), tmp_path / "o.parquet", read_rules(self.RULES, "r"), table_name="t")
            table = pq.read_table(tmp_path / "o.parquet").drop_columns(["name"])
            return [(str(item.type), table[item.name][0].as_py()) for item in table.schema]

        return read

    def test_known_ones(self, arrived):
        found = arrived(
            "1.50::numeric(10, 2)",
            "1.50::numeric",
            "'8f5c5ce1-0d6f-4a43-b2f0-00ff00ff0001'::uuid",
            """'{"a": 1}'::jsonb""",
            "'10.0.0.1'::inet::text",
            "timestamptz '2024-01-01 10:00+02'",
            "'{1,null}'::int[]",
            "'a%b :c'",
        )
        assert found == [
            ("decimal128(10, 2)", Decimal("1.50")),
            ("string", "1.50"),
            ("string", "8f5c5ce1-0d6f-4a43-b2f0-00ff00ff0001"),
            ("string", '{"a": 1}'),
            ("string", "10.0.0.1/32"),
            ("timestamp[us, tz=UTC]", datetime(2024, 1, 1, 8, tzinfo=UTC)),
            ("list<element: int32>", [1, None]),
            ("string", "a%b :c"),
        ]

    def test_nulls_among_them(self, database, tmp_path):
        values = "(VALUES (null), ('8f5c5ce1-0d6f-4a43-b2f0-00ff00ff0001'::uuid), (null)) AS t(v)"
        rules = read_rules("{version: 1, tables: {t: {columns: {v: keep}}}}", "r")
        mask_dataset(SqlQuery(database, f"SELECT v FROM {values}"), tmp_path / "o.jsonl", rules)
        cells = [json.loads(line)["v"] for line in (tmp_path / "o.jsonl").read_text().splitlines()]
        assert cells == [None, "8f5c5ce1-0d6f-4a43-b2f0-00ff00ff0001", None]

    def test_those_that_would_come_as_something_else(self, arrived):
        with pytest.raises(DatasetError) as caught:
            arrived("'10.0.0.1'::inet", "1::money", "'{1.5}'::numeric[]", "'[1,2)'::int4range", "'a'::text")
        lines = str(caught.value).splitlines()
        assert [line.partition("column ")[2].partition(":")[0] for line in lines[:3]] == [
            '"c0" (inet)',
            '"c1" (money)',
            '"c2" (numeric[])',
        ]
        assert lines[2].endswith('Cast it in the query, such as "c2"::text[].')
        assert len(lines) == 4

    @pytest.mark.parametrize(
        "value",
        [
            "date 'infinity'",
            "date '-infinity'",
            "timestamp 'infinity'",
            "timestamptz '-infinity'",
            "ARRAY[date '2024-01-01', 'infinity']",
            "timestamp '294276-12-31'",
        ],
    )
    def test_a_day_that_is_none(self, arrived, value):
        with pytest.raises(DatasetError, match=r'column "c0": some day or moment is infinite'):
            arrived(value)

    def test_the_first_days_and_the_last(self, arrived):
        kinds = [kind for kind, _ in arrived("date '0001-01-01'", "timestamp '4713-01-01 BC' + interval '6714 years'")]
        assert kinds == ["date32[day]", "timestamp[us]"]

    def test_a_number_that_is_none(self, arrived):
        with pytest.raises(DatasetError, match=r'column "c0": some number is none that decimal128\(5, 2\) holds'):
            arrived("'NaN'::numeric(5, 2)")


class TestAllOrNothing:
    """What fails leaves the database as it was."""

    def test_a_table_that_is_there_is_not_replaced(self, database, rules, keys, tables):
        before = tables()
        with pytest.raises(DatasetError, match="there is a table people already"):
            mask_dataset(SqlQuery(database, QUERY), SqlTable(database, "people"), rules, keys=keys)
        assert tables() == before

    def test_of_two_runs_to_one_table_the_quicker_wins(self, database, rules, keys, ask, tables):
        before, target = tables(), SqlTable(database, "both")

        def second(_progress):
            if "public.both" not in tables():
                mask_dataset(SqlQuery(database, QUERY), target, rules, keys=keys, table_name="customers")

        with pytest.raises(DatasetError, match="there is a table both already"):
            mask_dataset(SqlQuery(database, QUERY), target, rules, keys=keys, table_name="customers", progress=second)
        assert tables() == sorted([*before, "public.both"])
        assert ask('SELECT count(*) FROM "both"')[0][0] == ROWS + 1
        ask('DROP TABLE "both"')

    def test_a_check_that_does_not_hold(self, database, keys, tables):
        before = tables()
        rules = read_rules(RULES + "    check: {unique: [mail]}\n", "rules.yaml")
        with pytest.raises(MaskingError, match="stand there a second time"):
            mask_dataset(SqlQuery(database, QUERY), SqlTable(database, "masked"), rules, keys=keys)
        assert tables() == before

    def test_a_value_that_cannot_be_taken(self, database, keys, tables):
        before = tables()
        rules = read_rules(
            RULES.replace('{method: redact, with: "***"}', "{method: pram, retain: 0.5, categories: [a, b]}"), "r"
        )
        with pytest.raises(MaskingError, match="none of the categories") as caught:
            mask_dataset(SqlQuery(database, QUERY), SqlTable(database, "masked"), rules, keys=keys)
        assert "planted" not in "".join(traceback.format_exception(caught.value))
        assert tables() == before

    def test_a_query_cannot_change_anything(self, database, rules, keys, ask, tmp_path):
        query = "WITH gone AS (DELETE FROM people RETURNING *) SELECT * FROM gone"
        with pytest.raises(DatasetError):
            mask_dataset(SqlQuery(database, query), tmp_path / "o.parquet", rules, keys=keys)
        assert ask("SELECT count(*) FROM people")[0][0] == ROWS + 1

    @pytest.mark.parametrize(
        ("column", "written"),
        [
            pytest.param(
                pa.array([1_700_000_000_000_001_000], pa.timestamp("ns")), "2023-11-14 22:13:20.000001", id="ns"
            ),
            pytest.param(pa.array([86_400_000], pa.date64()), "1970-01-02", id="date64"),
            pytest.param(pa.array([Decimal("1.50")], pa.decimal32(5, 2)), "1.50", id="decimal32"),
            pytest.param(
                pa.array([1_700_000_000_000_000_001], pa.timestamp("ns")), None, id="digits that would be lost"
            ),
        ],
    )
    def test_a_type_that_it_has_in_another_form(self, database, ask, column, written):
        rules = read_rules("version: 1\ntables: {t: {columns: {a: keep}}}\n", "r")
        if written is None:
            with pytest.raises(DatasetError, match=r'column "a": some masked value does not fit into timestamp\[us\]'):
                mask_dataset(pa.table({"a": column}), SqlTable(database, "forms"), rules)
            assert ask("SELECT to_regclass('forms')::text") == [(None,)]
            return
        mask_dataset(pa.table({"a": column}), SqlTable(database, "forms"), rules)
        assert ask("SELECT a::text FROM forms") == [(written,)]
        ask("DROP TABLE forms")

    @pytest.mark.parametrize("table", ["Nowhere.t", "pg_temp.t"])
    def test_a_schema_that_is_not_there_or_does_not_last(self, database, table):
        rules = read_rules("{version: 1, tables: {t: {columns: {a: keep}}}}", "rules.yaml")
        with pytest.raises(DatasetError, match=r"there is no schema .* that new tables can be in"):
            mask_dataset(pa.table({"a": [1]}), SqlTable(database, table), rules)

    def test_a_name_that_would_be_cut_short(self, database, tables):
        rules = read_rules("{version: 1, unlisted: keep, tables: {t: {columns: {a: keep}}}}", "rules.yaml")
        before = tables()
        with pytest.raises(PlanError, match=r"postgresql://.* cuts names after 63 bytes"):
            mask_dataset(pa.table({"a": [1], "ö" * 32: [2]}), SqlTable(database, "o"), rules)
        assert tables() == before

    def test_a_type_that_it_has_not(self, database, tables):
        rules = read_rules("version: 1\ntables: {t: {columns: {a: keep}}}\n", "r")
        before = tables()
        with pytest.raises(PlanError, match="has no such type"):
            mask_dataset(pa.table({"a": [{"b": 1}]}), SqlTable(database, "masked"), rules)
        assert tables() == before


class TestNothingIsShown:
    """No password, no query and no value is in an error, a representation or a manifest."""

    @pytest.mark.parametrize(
        "query",
        [
            pytest.param("SELECT 'planted-value'::int AS id", id="a cell that fails"),
            pytest.param("SELECT * FROM planted_table", id="a table that is not there"),
            pytest.param(
                QUERY.replace("tags", "1 / (mail = 'planted-value')::int AS tags"), id="a row that fails later"
            ),
        ],
    )
    def test_a_query_that_fails(self, database, rules, tmp_path, query):
        with pytest.raises(DatasetError, match="the database refused") as caught:
            mask_dataset(SqlQuery(database, query), tmp_path / "o.parquet", rules, keys=KEYS, table_name="customers")
        assert "planted" not in "".join(traceback.format_exception(caught.value)).replace("planted_table", "")
        assert not (tmp_path / "o.parquet").exists()

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("SELECT * FROM planted_table", "there is no such table"),
            ("SELEKT", "no SQL"),
            (f"WITH gone AS (DELETE FROM people RETURNING *) {QUERY}", "read"),
        ],
    )
    def test_what_was_wrong_is_told_in_words(self, database, rules, tmp_path, query, said):
        with pytest.raises(DatasetError, match=f"SQLSTATE .*{said}"):
            mask_dataset(SqlQuery(database, query), tmp_path / "o.parquet", rules, keys=KEYS)

    def test_a_url_where_a_file_belongs(self, url, rules, tmp_path):
        with pytest.raises(UsageError, match=r"it names a database\. Say which rows") as caught:
            mask_dataset(url, tmp_path / "o.parquet", rules, table_name="customers")
        assert url.partition("://")[2].rpartition("@")[0] not in str(caught.value)
        with pytest.raises(UsageError, match=r"it names a database\. Name the new table"):
            mask_dataset(SqlQuery(url, QUERY), url, rules, keys=KEYS)

    def test_a_server_that_is_not_there(self, rules, keys, monkeypatch, tmp_path):
        monkeypatch.setenv("WAREHOUSE", f"postgresql://me:{PASSWORD}@127.0.0.1:1/db?sslkey={PASSWORD}")
        with pytest.raises(DatasetError, match=r"postgresql://127\.0\.0\.1:1/db") as caught:
            mask_dataset(SqlQuery("env:WAREHOUSE", QUERY), tmp_path / "o.parquet", rules, keys=keys)
        assert PASSWORD not in "".join(traceback.format_exception(caught.value))

    def test_a_representation(self):
        source = SqlQuery(f"postgresql://me:{PASSWORD}@host/db", "SELECT 'planted'")
        assert "planted" not in repr(source) + repr(SqlTable(source.database, "t"))

    def test_a_result(self, database, url, rules, keys, tmp_path):
        masked = mask_dataset(SqlQuery(database, QUERY), tmp_path / "out", rules, keys=keys)
        account = url.partition("://")[2].rpartition("@")[0]
        assert account
        assert account not in json.dumps([masked.manifest, masked.table])
        assert masked.table["source"].startswith("postgresql://")

    @pytest.mark.parametrize(
        ("reference", "said"),
        [("env:NOT_SET", "NOT_SET is not set"), ("file:/not/there", "cannot be read"), ("db", "is named by env:NAME")],
    )
    def test_a_reference_that_leads_nowhere(self, rules, tmp_path, reference, said):
        with pytest.raises(UsageError, match=said):
            mask_dataset(SqlQuery(reference, QUERY), tmp_path / "o.parquet", rules)
