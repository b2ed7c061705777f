from __future__ import annotations

import traceback
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from maskgate.datasets import mask_dataset
from maskgate.errors import DatasetError, PlanError, UsageError
from maskgate.keys import Key, KeyRing
from maskgate.masking import mask_table
from maskgate.rules import read_rules

COLUMNS = "{id: {method: token, domain: customer}, email: {method: redact, with: '***'}, city: keep}"
ROWS = {"id": [7, 8, 9], "email": ["a@planted.example", None, ""], "city": ["Bonn", "Köln", None]}


@pytest.fixture
def run(make_rules):
    """Mask whatever it is, by rules for its columns."""

    def mask(source, columns=COLUMNS, **more):
        keys = KeyRing({"people": Key("people", bytes(range(32)))})
        return mask_table(source, make_rules(columns, **more), table_name="t", keys=keys)[0]

    return mask


@pytest.fixture
def expected(run):
    """The masked rows, as a table of pyarrow has them."""
    return run(pa.table(ROWS)).to_pylist()


class Carrier:
    """Somebody's own table, that speaks Arrow."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


class Returning(Carrier):
    """One that also makes itself from Arrow data."""

    @classmethod
    def from_arrow(cls, table):
        return cls(table)


class OneBatch:
    """One that has a single batch."""

    def __arrow_c_array__(self, requested_schema=None):
        return pa.record_batch(ROWS).__arrow_c_array__(requested_schema)


class TestArrow:
    """Whatever speaks Arrow is masked, and comes back as what it was where that can be."""

    def test_a_record_batch_comes_back_as_one(self, run, expected):
        masked = run(pa.record_batch(ROWS))
        assert isinstance(masked, pa.RecordBatch)
        assert masked.to_pylist() == expected

    def test_a_batch_without_rows_does_too(self, run):
        assert run(pa.record_batch(ROWS).slice(0, 0)).num_rows == 0

    def test_a_reader_comes_back_as_one(self, run, expected):
        masked = run(pa.table(ROWS).to_reader(max_chunksize=1))
        assert isinstance(masked, pa.RecordBatchReader)
        assert masked.read_all().to_pylist() == expected

    def test_a_stream_of_an_unknown_class_comes_back_as_a_table(self, run, expected):
        masked = run(Carrier(pa.table(ROWS)))
        assert isinstance(masked, pa.Table)
        assert masked.to_pylist() == expected

    def test_a_class_that_says_how_gets_its_own_back(self, run, expected):
        masked = run(Returning(pa.table(ROWS)))
        assert isinstance(masked, Returning)
        assert masked.table.to_pylist() == expected

    def test_one_batch_of_an_unknown_class_comes_back_as_a_batch(self, run, expected):
        masked = run(OneBatch())
        assert isinstance(masked, pa.RecordBatch)
        assert masked.to_pylist() == expected

    def test_a_batch_of_a_device_is_copied_to_the_host(self, run, expected):
        class Array:
            def __arrow_c_device_array__(self, requested_schema=None, **more):
                return pa.record_batch(ROWS).__arrow_c_device_array__(requested_schema, **more)

        masked = run(Array())
        assert isinstance(masked, pa.RecordBatch)
        assert masked.to_pylist() == expected

    @pytest.mark.parametrize("source", [[{"id": 1}], {"id": [1]}, None, pa.array([1])], ids=type)
    def test_anything_else_is_refused(self, run, source):
        with pytest.raises(UsageError):
            run(source)


class TestPandas:
    """A data frame keeps its index, the order of its columns and its dtypes as far as masked types allow."""

    @pytest.mark.parametrize("backend", ["numpy", "pyarrow", "object", "nullable"])
    def test_columns_of_every_kind_are_masked_alike(self, run, expected, backend):
        frame = pa.table(ROWS).to_pandas(types_mapper=pd.ArrowDtype if backend == "pyarrow" else None)
        frame = frame.astype(object) if backend == "object" else frame
        frame = frame.convert_dtypes() if backend == "nullable" else frame
        masked = run(frame)
        assert isinstance(masked, pd.DataFrame)
        assert list(masked.columns) == ["id", "email", "city"]
        assert [dict(row) for row in pa.Table.from_pandas(masked).to_pylist()] == expected
        assert masked["city"].dtype == frame["city"].dtype
        assert backend != "object" or set(masked.dtypes) == {np.dtype(object)}

    def test_no_rows_keep_their_dtypes(self, run):
        frame = pd.DataFrame({"id": pd.Series([], dtype="int64"), "city": pd.Series([], dtype="object")})
        masked = run(frame, "{id: keep, city: keep}")
        assert list(masked.dtypes) == list(frame.dtypes)
        assert len(masked) == 0

    def test_what_is_kept_is_as_it_was(self, run):
        frame = pd.DataFrame(
            {
                "text": ["a", "", None],
                "mixed": pd.Series(["a", None, "c"], dtype=object),
                "number": [1, 2, 3],
                "small": np.array([1, 2, 3], "uint8"),
                "real": [1.5, float("nan"), 2.0],
                "truth": [True, False, True],
                "moment": pd.to_datetime(["2024-01-01 10:00", None, "2024-02-29 00:00"]),
                "zoned": pd.to_datetime(["2024-01-01 10:00", None, "2024-02-29 00:00"]).tz_localize("Europe/Berlin"),
                "day": pd.Series([date(2024, 1, 1), None, date(2024, 2, 29)], dtype=object),
                "money": pd.Series([Decimal("1.50"), None, Decimal("2.25")], dtype=object),
                "kind": pd.Categorical(["x", None, "y"]),
                "maybe": pd.array([1, None, 3], dtype="Int64"),
                "zones": pd.Categorical(pd.to_datetime(["2024-01-01", None, "2024-01-02"]).tz_localize("Asia/Tokyo")),
                "cut": pd.cut([1.0, float("nan"), 3.0], [0.0, 2.0, 4.0]),
                "months": pd.Categorical(pd.PeriodIndex(["2024-03", None, "2024-01"], freq="M")),
                "arrow": pd.Series(["a", None, "c"], dtype=pd.ArrowDtype(pa.large_string())),
                "list": pd.Series([[1, 2], None, []], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
                "month": pd.Series(pd.PeriodIndex(["2024-01", None, "2024-03"], freq="M")),
                "range": pd.Series(pd.arrays.IntervalArray.from_tuples([(0, 1), None, (1, 2)])),
            }
        ).rename_axis(columns="fields")
        masked = run(frame, "{" + ", ".join(f"{name}: keep" for name in frame.columns) + "}")
        pd.testing.assert_frame_equal(masked, frame)

    def test_periods_that_are_masked_are_none_any_more(self, run):
        frame = pd.DataFrame({"month": pd.period_range("2024-01", periods=3, freq="M")})
        assert run(frame, "{month: {method: redact, with: x}}")["month"].tolist() == ["x"] * 3

    def test_row_numbers_stay(self, run):
        frame = pd.DataFrame(ROWS, index=pd.RangeIndex(10, 40, 10))
        assert run(frame).index.equals(frame.index)

    def test_an_index_is_a_column_with_a_rule(self, run, expected):
        frame = pd.DataFrame(ROWS).set_index("id")
        with pytest.raises(PlanError, match=r'column "id" .* not covered by any rule'):
            run(frame, "{email: {method: redact, with: '***'}, city: keep}")
        masked = run(frame)
        assert masked.index.name == "id"
        assert list(masked.index) == [row["id"] for row in expected]
        assert list(masked.columns) == ["email", "city"]

    def test_an_index_without_a_name_is_one_too(self, run):
        frame = pd.DataFrame({"city": ["Bonn", "Köln"]}, index=["Planted Person", "Another"])
        with pytest.raises(PlanError, match=r'column "index" .* not covered by any rule'):
            run(frame, "{city: keep}")
        masked = run(frame, "{index: {method: redact, with: '***'}, city: keep}")
        assert list(masked.index) == ["***", "***"]
        assert masked.index.name is None

    def test_levels_are_masked_each_by_its_rule(self, run):
        frame = pd.DataFrame({**ROWS, "year": [1, 2, 3]}).set_index(["id", "year"])
        masked = run(frame, COLUMNS[:-1] + ", year: keep}")
        assert masked.index.names == ["id", "year"]
        assert list(masked.index.get_level_values("year")) == [1, 2, 3]
        assert list(run(frame, COLUMNS[:-1] + ", year: drop}").index.names) == ["id"]

    def test_an_index_that_is_dropped_leaves_row_numbers(self, run):
        masked = run(pd.DataFrame(ROWS).set_index("email"), COLUMNS.replace("{method: redact, with: '***'}", "drop"))
        assert masked.index.equals(pd.RangeIndex(3))

    def test_names_that_are_no_text_come_back(self, run):
        masked = run(pd.DataFrame({0: ["a"], 1: [2]}), '{"0": keep, "1": keep}')
        assert list(masked.columns) == [0, 1]

    def test_integers_with_nulls_keep_all_their_digits(self, run):
        frame = pd.DataFrame({"n": pd.Series([2**62 + 1, None], dtype=object)})
        assert run(frame, "{n: keep}")["n"].tolist() == [2**62 + 1, None]
        rule = "{n: {method: nullify}, when: drop}"
        masked = run(pd.DataFrame({"n": [2**62 + 1, 1], "when": ["a", "b"]}), rule)
        assert masked["n"].isna().all()

    def test_notes_on_the_frame_stay_behind(self, run):
        frame = pd.DataFrame(ROWS)
        frame.attrs["note"] = "planted"
        assert run(frame).attrs == {}

    def test_a_column_of_several_types_is_refused_without_its_values(self, run):
        frame = pd.DataFrame({"c": pd.Series(["planted", 1, b"x"], dtype=object)})
        with pytest.raises(UsageError, match=r'column "c" .* values of one type') as caught:
            run(frame, "{c: keep}")
        assert "planted" not in "".join(traceback.format_exception(caught.value))

    @pytest.mark.parametrize(
        "mixed",
        [
            pytest.param([date(2024, 1, 1), datetime(2024, 1, 1, 5)], id="days and moments"),  # noqa: DTZ001  on purpose
            pytest.param(
                [datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC)],  # noqa: DTZ001  likewise
                id="moments with a zone and without",
            ),
            pytest.param([time(10, tzinfo=UTC)], id="times with a zone"),
            pytest.param(["a", b"b"], id="texts and bytes"),
            pytest.param([pd.Timestamp("2024-01-01 00:00:00.000000001")], id="nanoseconds of moments"),
            pytest.param([pd.Timedelta(1, "ns")], id="nanoseconds of durations"),
            pytest.param([{"a"}], id="sets, which have no order"),
            pytest.param([[date(2024, 1, 1), datetime(2024, 1, 1, 5)]], id="inside of lists"),  # noqa: DTZ001  likewise
            pytest.param([{"a": [{"b": "x"}, {"b": b"x"}]}], id="inside of dicts in lists"),
        ],
    )
    def test_what_arrow_would_change_without_a_word_is_refused(self, run, mixed, tmp_path):
        frame = pd.DataFrame({"c": pd.Series([None, *mixed], dtype=object)})
        with pytest.raises(UsageError, match=r'column "c" .* some would change.* values of one type'):
            run(frame, "{c: keep}")
        with pytest.raises(UsageError, match=r'column "c" .* some would change'):
            run(frame.set_index("c"), "{c: keep}")
        with pytest.raises(DatasetError, match=r'column "c" .* some would change'):
            mask_dataset(frame, tmp_path / "o", read_rules("{version: 1, tables: {t: {columns: {c: keep}}}}", "r"))


class TestPolars:
    """A frame of Polars comes back as one, eager or lazy."""

    def test_a_data_frame(self, run, expected):
        masked = run(pl.DataFrame(ROWS))
        assert isinstance(masked, pl.DataFrame)
        assert masked.to_dicts() == expected

    def test_a_lazy_frame_is_collected_and_lazy_again(self, run, expected):
        masked = run(pl.LazyFrame(ROWS))
        assert isinstance(masked, pl.LazyFrame)
        assert masked.collect().to_dicts() == expected

    def test_what_is_kept_is_as_it_was(self, run):
        frame = pl.DataFrame(
            {
                "text": ["a", "", None],
                "number": pl.Series([1, 2, None], dtype=pl.UInt16),
                "real": [1.5, float("nan"), None],
                "truth": [True, None, False],
                "day": [date(2024, 1, 1), None, date(2024, 2, 29)],
                "moment": [datetime(2024, 1, 1, 10), None, datetime(2024, 2, 29)],  # noqa: DTZ001  zoneless on purpose
                "hour": [time(1, 2, 3), None, time(4)],
                "lasts": [timedelta(hours=1), None, timedelta(0)],
                "kind": pl.Series(["x", None, "y"], dtype=pl.Categorical),
                "size": pl.Series(["m", None, "l"], dtype=pl.Enum(["m", "l"])),
                "money": pl.Series([Decimal("1.50"), None, Decimal("2.25")], dtype=pl.Decimal(10, 2)),
                "list": [[1, 2], None, []],
                "struct": [{"a": 1, "b": "x"}, {"a": None, "b": None}, {"a": 3, "b": ""}],
                "bytes": [b"a", None, b""],
            }
        )
        masked = run(frame, "{" + ", ".join(f"{name}: keep" for name in frame.columns) + "}")
        assert masked.schema == frame.schema
        assert masked.equals(frame)

    def test_an_enumeration_has_no_value_that_is_gone(self, run):
        frame = pl.DataFrame({"size": pl.Series(["m", "s"], dtype=pl.Enum(["s", "planted", "m"]))})
        assert run(frame, "{size: keep}").schema == {"size": pl.Enum(["s", "m"])}
        assert run(frame, "{size: {method: redact, with: x}}")["size"].to_list() == ["x", "x"]
        some = "{size: [{when: {size: m}, method: nullify}, keep]}"
        assert run(frame, some).schema == {"size": pl.Enum(["s"])}

    def test_an_enumeration_inside_of_another_column_has_none_either(self, run, tmp_path):
        size = pl.Enum(["s", "planted", "m"])
        kinds = {"list": pl.List(size), "struct": pl.Struct({"size": size}), "array": pl.Array(size, 1)}
        frame = pl.DataFrame({"list": [["m", "s"]], "struct": [{"size": "s"}], "array": [["m"]]}, schema=kinds)
        masked = run(frame, "{list: keep, struct.size: keep, array: keep}")
        assert masked.schema["list"] == pl.List(pl.Enum(["s", "m"]))
        assert masked.schema["struct"] == pl.Struct({"size": pl.Enum(["s"])})
        assert "planted" not in f"{masked.schema}"
        assert masked.to_dicts() == frame.to_dicts()
        rules = "{version: 1, unlisted: keep, tables: {t: {columns: {list: keep}}}}"
        mask_dataset(frame, tmp_path / "o.parquet", read_rules(rules, "r"))
        assert pl.read_parquet(tmp_path / "o.parquet").to_dicts() == frame.to_dicts()
        assert b"planted" not in (tmp_path / "o.parquet").read_bytes()
        emptied = run(frame, "{list: nullify, struct: {method: shuffle, key: people}, array: nullify}")
        assert "planted" not in f"{emptied.schema}"

    @pytest.mark.parametrize("kind", [pl.Int128, pl.List(pl.UInt128), pl.Struct({"n": pl.Int128})], ids=str)
    def test_integers_that_arrow_does_not_have_are_refused_by_their_column(self, run, kind):
        with pytest.raises(UsageError, match=r'column "n" \(.*128.*\): it would come as something else'):
            run(pl.DataFrame(schema={"n": kind}), "{n: keep}")

    def test_objects_are_refused_and_no_address_of_one_comes_out(self, run):
        frame = pl.DataFrame({"o": pl.Series([object()], dtype=pl.Object)})
        for held in (frame, frame.lazy()):
            with pytest.raises(UsageError, match=r'column "o" \(Object\): it would come as something else'):
                run(held, "{o: keep}")

    def test_a_failing_plan_of_a_lazy_frame_shows_no_value(self, run):
        lazy = pl.LazyFrame({"c": ["planted"]}).with_columns(pl.col("c").cast(pl.Int64))
        with pytest.raises(UsageError) as caught:
            run(lazy, "{c: keep}")
        assert "planted" not in "".join(traceback.format_exception(caught.value))


class TestDuckdb:
    """A relation comes back as a relation of the same connection."""

    def test_a_relation_can_still_be_joined(self, run, expected):
        connection = duckdb.connect()
        connection.register("held", pa.table(ROWS))
        masked = run(connection.sql("SELECT * FROM held"))
        assert isinstance(masked, duckdb.DuckDBPyRelation)
        assert masked.to_arrow_table().to_pylist() == expected
        joined = connection.sql("SELECT count(*) FROM masked JOIN held USING (city)")
        assert joined.fetchall() == [(2,)]

    @pytest.mark.parametrize(
        "value", ["bit '101'", "timetz '10:00+02'", "1::uhugeint", "'1'::bignum", "'a'::variant", "{'a': [bit '1']}"]
    )
    def test_what_would_come_as_something_else_is_refused(self, run, value, tmp_path):
        relation = duckdb.connect().sql(f"SELECT {value} AS c, 'a'::ENUM('a') AS d")
        with pytest.raises(UsageError, match=r'column "c" \(.*\): it would come as something else. Cast it first'):
            run(relation, "{c: keep, d: keep}")
        with pytest.raises(UsageError, match="it would come as something else"):
            mask_dataset(relation, tmp_path / "o", read_rules("{version: 1, tables: {t: {columns: {c: keep}}}}", "r"))

    @pytest.mark.parametrize("theirs", ["masked", "table", "relation", "source", "original", "maskgate_original"])
    def test_no_table_of_the_database_is_taken_for_the_masked_one(self, run, theirs):
        connection = duckdb.connect()
        connection.execute(f"CREATE TABLE \"{theirs}\" AS SELECT 'planted' AS a")
        masked = run(connection.sql("SELECT 'a' AS a"), "{a: redact}")
        assert masked.fetchall() == [("***",)]
        assert connection.table(f'"{theirs}"').fetchall() == [("planted",)]
        connection.execute(f'DROP TABLE "{theirs}"')
        assert masked.fetchall() == [("***",)]

    @pytest.mark.parametrize("setting", ["python_enable_replacements", "enable_external_access"])
    def test_a_connection_that_takes_no_tables_of_python(self, run, setting):
        connection = duckdb.connect()
        connection.execute(f"SET {setting} = false")
        with pytest.raises(UsageError, match=r"takes no tables of Python .* Mask `relation.to_arrow_table\(\)`"):
            run(connection.sql("SELECT 'a' AS a"), "{a: redact}")

    def test_two_masked_relations_live_side_by_side(self, run):
        connection = duckdb.connect()
        first = run(connection.sql("SELECT 1 AS a"), "{a: keep}")
        second = run(connection.sql("SELECT 2 AS a"), "{a: keep}")
        assert (first.fetchall(), second.fetchall()) == ([(1,)], [(2,)])

    def test_a_query_that_fails_shows_no_value(self, run):
        relation = duckdb.connect().sql("SELECT CAST(c AS INTEGER) AS c FROM (VALUES ('planted')) AS t(c)")
        with pytest.raises(UsageError) as caught:
            run(relation, "{c: keep}")
        assert "planted" not in "".join(traceback.format_exception(caught.value))


class TestEqualValues:
    """The same values have the same tokens, whatever holds them."""

    def test_every_library_has_the_same_tokens(self, expected):
        rules = read_rules(
            "version: 1\nkeys: {people: env:A}\ndomains: {customer: {scheme: cmac}}\n"
            f"tables: {{t: {{columns: {COLUMNS}}}}}\n",
            "rules.yaml",
        )
        keys = KeyRing({"people": Key("people", bytes(range(32)))})
        for source in (pd.DataFrame(ROWS), pl.DataFrame(ROWS), duckdb.from_arrow(pa.table(ROWS))):
            masked, report = mask_table(source, rules, table_name="t", keys=keys)
            assert list(pa.table(masked)["id"].to_pylist()) == [row["id"] for row in expected]
            assert report.rows == 3
