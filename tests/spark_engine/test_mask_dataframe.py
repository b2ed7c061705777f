from __future__ import annotations

import base64
import hashlib
import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.errors import KeyReferenceError, MaskingError, PlanError, UsageError
from maskgate.keys import Key, KeyRing
from maskgate.masking import mask_table

ROWS = 3001
COLUMNS = """{
  id: {method: token, domain: customer}, name: {method: fake, kind: name, locale: en_GB}, email: drop,
  born: {method: generalize, to: year, not_before: 1936}, income: {method: noise, kind: laplace, scale: 500, min: 0,
  max: 250000, round_to: 100}, joined: {method: shift_date, days: 90}, notes: {method: scrub, find: [email]},
  region: keep, money: {method: round, to: 10}, "contacts[].mail": {method: redact, with: "***"},
  "contacts[].kind": keep}
"""


@pytest.fixture(scope="module")
def table():
    """Customers of many types, with nulls."""
    chance = np.random.default_rng(3)
    at = range(ROWS)
    contact = pa.struct([("mail", pa.string()), ("kind", pa.string())])
    return pa.table(
        {
            "id": pa.array(at, pa.int64()),
            "name": [f"Planted {n}" if n % 11 else None for n in at],
            "email": [f"p{n}@planted.example" for n in at],
            "born": pa.array([date(1940 + n % 60, 1, 1 + n % 28) for n in at]),
            "income": pa.array(chance.integers(0, 90_000, ROWS), mask=chance.random(ROWS) < 0.1),
            "joined": pa.array(
                [datetime(2020, 1 + n % 12, 1 + n % 28, tzinfo=UTC) for n in at], pa.timestamp("us", "UTC")
            ),
            "notes": [f"write to p{n}@planted.example" if n % 5 else "" for n in at],
            "region": [None if n % 97 == 0 else f"r{n % 13}" for n in at],
            "money": pa.array([Decimal(n) / 4 for n in at], pa.decimal128(12, 2)),
            "contacts": pa.array([[{"mail": f"c{n}", "kind": "home"}] * (n % 3) for n in at], pa.list_(contact)),
        }
    )


@pytest.fixture(scope="module")
def dataframe(spark, table):
    """The same in Spark, in several partitions."""
    return spark.createDataFrame(table).repartition(2).cache()


def collected(masked):
    return masked.toArrow()


def as_rows(table, key="id"):
    return sorted(table.to_pylist(), key=lambda row: (row[key] is None, row[key]))


class TestMaskDataframe:
    """A DataFrame is masked by executors, with the values that one machine gives."""

    def test_values_are_those_of_one_machine(self, dataframe, table, make_rules):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415  only where there is Spark

        rules = make_rules(COLUMNS, "entity: id", "check: {unique: [id]}")
        masked, masking = mask_dataframe(dataframe, rules, table_name="t")
        expected, report = mask_table(table, rules, table_name="t")
        assert masked.columns == expected.schema.names
        assert as_rows(collected(masked)) == as_rows(expected)
        assert masking.report().as_json() == report.as_json()

    def test_no_rows_keep_their_schema(self, dataframe, make_rules):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415

        masked, masking = mask_dataframe(dataframe.limit(0), make_rules(COLUMNS, "entity: id"), table_name="t")
        assert masked.collect() == []
        assert masking.report().rows == 0

    def test_values_move_as_on_one_machine(self, spark, table, make_rules):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415

        moved = {
            "income": "shuffle",
            "swapped": "swap",
            "near": "{method: swap, rank_distance: 5}",
            "near_in_groups": "{method: swap, within: region, rank_distance: 20}",
            "joined": "shuffle",
        }
        data = table.select(["id", "region", "born", "joined", "income"])
        for name in ("swapped", "near", "near_in_groups"):
            data = data.append_column(name, data["income"])
        columns = ", ".join(f"{name}: {rule}" for name, rule in moved.items())
        columns = f"{{id: {{method: token, domain: customer}}, region: keep, born: drop, {columns}}}"
        rules = make_rules(columns, "row_key: id")
        masked, _ = mask_dataframe(spark.createDataFrame(data).repartition(2).cache(), rules, table_name="t")
        expected, _ = mask_table(data, rules, table_name="t")
        assert as_rows(collected(masked)) == as_rows(expected)
        assert not [name for name in moved if expected[name].to_pylist() == data[name].to_pylist()]


class TestKeys:
    """No key travels: what is sent has references, and executors resolve them."""

    def test_what_is_sent_has_no_key_in_it(self, dataframe, make_rules):
        from pyspark import cloudpickle  # noqa: PLC0415

        from maskgate.engines.spark.partition import MaskPartition  # noqa: PLC0415
        from maskgate.engines.spark.recipe import Recipe  # noqa: PLC0415

        recipe = Recipe.of(make_rules("{id: {method: token, domain: customer}}"), "t", None)
        sent = cloudpickle.dumps(MaskPartition(recipe, pa.schema([])))
        key = bytes(range(32))
        assert b"env:MASKGATE_KEY_PEOPLE" in sent
        assert not [form for form in (key, base64.b64encode(key), key.hex().encode()) if form in sent]

    def test_a_ring_of_keys_is_refused(self, dataframe, make_rules):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415

        ring = KeyRing({"people": Key("people", bytes(range(32)))})
        with pytest.raises(UsageError, match="keys must not travel to executors"):
            mask_dataframe(dataframe, make_rules(COLUMNS, "entity: id"), keys=ring, table_name="t")

    def test_other_references_stand_for_those_of_the_rules(self, dataframe, table, make_rules, monkeypatch, tmp_path):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415

        (tmp_path / "people.key").write_text(os.environ["MASKGATE_KEY_PEOPLE"])
        (tmp_path / "people.key").chmod(0o600)
        rules = make_rules("{id: {method: token, domain: customer}}")
        expected, _ = mask_table(table.select(["id"]), rules, table_name="t")
        monkeypatch.delenv("MASKGATE_KEY_PEOPLE")
        keys = {"people": f"file:{tmp_path / 'people.key'}"}
        masked, _ = mask_dataframe(dataframe.select("id"), rules, keys=keys, table_name="t")
        assert as_rows(collected(masked)) == as_rows(expected)

    def test_an_executor_that_finds_another_key_is_refused(self, make_rules, monkeypatch):
        from maskgate.engines.spark.recipe import Recipe  # noqa: PLC0415

        monkeypatch.setenv("KEY_OF_THIS_TEST", os.environ["MASKGATE_KEY_PEOPLE"])
        keys = {"people": "env:KEY_OF_THIS_TEST"}
        recipe = Recipe.of(make_rules("{id: {method: token, domain: customer}}"), "t", keys)
        monkeypatch.setenv("KEY_OF_THIS_TEST", base64.b64encode(bytes(32)).decode())
        with pytest.raises(KeyReferenceError, match='key "people": this executor finds another key'):
            recipe.plan(pa.schema([("id", pa.string())]))

    @pytest.mark.parametrize(
        ("keys", "said"),
        [({"peopel": "env:K"}, 'no key "peopel". Did you mean'), ("env:K", "references by the names of keys")],
    )
    def test_references_that_are_none(self, dataframe, make_rules, keys, said):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415

        with pytest.raises(UsageError, match=said):
            mask_dataframe(dataframe, make_rules(COLUMNS, "entity: id"), keys=keys, table_name="t")

    def test_a_key_that_is_not_there_is_missed_on_the_driver(self, dataframe, make_rules, monkeypatch):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415

        monkeypatch.delenv("MASKGATE_KEY_PEOPLE")
        with pytest.raises(KeyReferenceError, match="MASKGATE_KEY_PEOPLE is not set"):
            mask_dataframe(dataframe, make_rules(COLUMNS, "entity: id"), table_name="t")


class TestRefusals:
    """What cannot be had is refused on the driver, before a row is read."""

    @pytest.mark.parametrize(
        ("columns", "more", "said"),
        [
            pytest.param("{id: keep}", [], "not covered by any rule", id="a column without a rule"),
            pytest.param("{id: keep, income: shuffle}", [], "needs `row_key:`", id="shuffle without a row key"),
            pytest.param(
                "{id: keep, income: [{when: {id: [1]}, method: shuffle}, {method: nullify}]}",
                ["row_key: id"],
                "cannot depend on the row",
                id="shuffle of some rows",
            ),
            pytest.param(
                "{id: keep, income: keep}",
                ["check: {no_value_survives: [id]}"],
                "not in Spark",
                id="a check that nobody makes there",
            ),
        ],
    )
    def test_rules_that_do_not_fit(self, dataframe, make_rules, columns, more, said):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415

        with pytest.raises(PlanError, match=said):
            mask_dataframe(dataframe.select("id", "income"), make_rules(columns, *more), table_name="t")

    @pytest.mark.parametrize(
        ("column", "said"),
        [
            pytest.param("1 AS `e.mail`", 'column "e.mail": Spark takes no dot', id="a dot in a name"),
            pytest.param(
                "array() AS v", r'column "v" \(array<void>\): Spark does not hand over', id="a list of nothing"
            ),
            pytest.param("interval 1 month AS v", "Spark does not hand over this type", id="an interval"),
            pytest.param("parse_json('1') AS v", 'column "v": Spark hands over a variant as bytes', id="a variant"),
        ],
    )
    def test_columns_that_do_not_come_as_they_are(self, spark, make_rules, column, said):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415

        with pytest.raises(PlanError, match=said):
            mask_dataframe(
                spark.sql(f"SELECT 1 AS id, {column}"),
                make_rules("{id: keep, '`e.mail`': keep}" if "mail" in column else "{id: keep, v: keep}"),
                table_name="t",
            )

    def test_names_alike_but_for_capitals(self, spark, make_rules):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415

        with pytest.raises(PlanError, match="columns ID, id: they are one to Spark"):
            mask_dataframe(spark.sql("SELECT 1 AS id, 2 AS ID"), make_rules("{id: keep, ID: keep}"), table_name="t")

    def test_rows_with_one_key(self, dataframe, make_rules):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415

        rules = make_rules("{region: keep, income: shuffle}", "row_key: region")
        with pytest.raises(MaskingError, match="rows have the `row_key:` of another"):
            mask_dataframe(dataframe.select("region", "income").dropna(), rules, table_name="t")

    def test_a_row_without_a_key(self, spark, make_rules):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415

        rules = make_rules("{region: keep, income: shuffle}", "row_key: region")
        data = spark.createDataFrame(pa.table({"region": ["a", None], "income": [1, 2]}))
        with pytest.raises(MaskingError, match=r"^column \"income\": 1 rows have no `row_key:`[^\n]*$"):
            mask_dataframe(data, rules, table_name="t")

    def test_values_that_stand_twice(self, dataframe, make_rules):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415

        rules = make_rules("{region: {method: token, domain: customer}}", "check: {unique: [region]}")
        with pytest.raises(MaskingError, match=r"values stand there a second time"):
            mask_dataframe(dataframe.select("region"), rules, table_name="t")

    def test_a_value_that_cannot_be_taken_is_not_shown(self, spark, make_rules):
        from pyspark.errors import PythonException  # noqa: PLC0415

        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415

        head = "{c: {method: pram, retain: 0.5, categories: [a, b]}, id: keep}"
        data = spark.createDataFrame(pa.table({"id": [1], "c": ["planted-value"]}))
        masked, _ = mask_dataframe(data, make_rules(head, "entity: id"), table_name="t")
        with pytest.raises(PythonException, match="none of the categories") as caught:
            masked.collect()
        assert "planted-value" not in str(caught.value)


class TestWrite:
    """Written results have a manifest that comes last."""

    def test_files_are_as_the_manifest_says(self, dataframe, table, make_rules, tmp_path):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415

        rules = make_rules("{id: {method: token, domain: customer}, income: keep, email: drop}")
        names = ["id", "income", "email"]
        _, masking = mask_dataframe(dataframe.select(names), rules, table_name="t")
        manifest = masking.write(tmp_path / "out")
        assert json.loads((tmp_path / "out" / "manifest.json").read_text()) == manifest
        for file in manifest["tables"]["t"]["files"]:
            data = (tmp_path / "out" / file["path"]).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (file["size"], file["sha256"])
            assert b"planted" not in data
        expected, report = mask_table(table.select(names), rules, table_name="t")
        read = pa.concat_tables(pq.read_table(each) for each in sorted((tmp_path / "out").glob("*.parquet")))
        assert as_rows(read) == as_rows(expected)
        assert manifest["report"]["t"] == report.as_json()
        assert manifest["keys"] == {"people": 1}

    def test_what_fails_leaves_nothing(self, spark, make_rules, tmp_path):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415

        rules = make_rules("{c: {method: pram, retain: 0.5, categories: [a, b]}, id: keep}", "entity: id")
        _, masking = mask_dataframe(spark.createDataFrame(pa.table({"id": [1], "c": ["x"]})), rules, table_name="t")
        with pytest.raises(MaskingError, match=r'^column "c": 1 values are none of the categories [^\n]*$'):
            masking.write(tmp_path / "out")
        spark.conf.set("spark.sql.pyspark.jvmStacktrace.enabled", "true")
        try:
            with pytest.raises(MaskingError, match=r'^column "c": 1 values are none of the categories [^\n]*$'):
                masking.report()
        finally:
            spark.conf.unset("spark.sql.pyspark.jvmStacktrace.enabled")
        assert list(tmp_path.iterdir()) == []

    def test_what_is_there_is_not_replaced(self, dataframe, make_rules, tmp_path):
        from maskgate.engines.spark import mask_dataframe  # noqa: PLC0415
        from maskgate.errors import DatasetError  # noqa: PLC0415

        (tmp_path / "out").mkdir()
        _, masking = mask_dataframe(dataframe.select("id"), make_rules("{id: keep}"), table_name="t")
        with pytest.raises(DatasetError, match="something is there already"):
            masking.write(tmp_path / "out")
