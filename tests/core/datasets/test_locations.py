"""Every format is read from and written to a place that is no disk."""

from __future__ import annotations

import traceback

import duckdb
import fsspec
import polars as pl
import pyarrow as pa
import pytest

from maskgate.datasets import mask_dataset
from maskgate.datasets.sources import open_source
from maskgate.errors import DatasetError, PlanError
from maskgate.rules import read_rules

RULES = "version: 1\ntables: {people: {columns: {id: keep, name: {method: redact, with: x}}}}\n"
ROWS = pa.table({"id": [1, 2], "name": ["Planted", None]})
NAMES = ["p.parquet", "p.csv", "p.tsv.gz", "p.jsonl.zst", "p.ndjson", "p.arrow", "p.arrows", "p.csv.bz2"]


@pytest.fixture
def memory():
    """A store in memory, empty before and after."""
    store = fsspec.filesystem("memory")
    if store.exists("/place"):
        store.rm("/place", recursive=True)
    yield store
    store.rm("/place", recursive=True)


class TestLocations:
    """What stands at the URI is the file, and nothing else is left there."""

    @pytest.mark.parametrize("name", NAMES)
    def test_a_store(self, memory, name):
        rules = read_rules(RULES, "rules.yaml")
        mask_dataset(ROWS, f"memory://place/{name}", rules)
        mask_dataset(f"memory://place/{name}", f"memory://place/again/{name}", rules, table_name="people")
        batches = open_source("people", f"memory://place/again/{name}").batches()
        assert pa.Table.from_batches(batches).to_pylist() == [{"id": 1, "name": "x"}, {"id": 2, "name": None}]
        assert sorted(memory.find("/place")) == [f"/place/again/{name}", f"/place/{name}"]
        assert b"Planted" not in memory.cat_file(f"/place/again/{name}")

    def test_a_table_of_delta_lake(self, memory):
        mask_dataset(ROWS, "memory://place/lake", read_rules(RULES, "r"), target_format="delta")
        names = [name.rpartition("/place/")[2] for name in memory.find("/place")]
        assert sorted(names) == [f"lake/_delta_log/{0:020}.json", "lake/manifest.json", "lake/part-00000.parquet"]


class TestHeld:
    """What somebody holds in memory is written as files are."""

    @pytest.mark.parametrize(
        "source",
        [
            pytest.param(ROWS.to_pandas(), id="pandas"),
            pytest.param(pl.from_arrow(ROWS), id="Polars"),
            pytest.param(pl.from_arrow(ROWS).lazy(), id="Polars, lazy"),
            pytest.param(duckdb.from_arrow(ROWS), id="DuckDB"),
            pytest.param(ROWS.to_reader(), id="a reader"),
        ],
    )
    def test_it_is_masked(self, tmp_path, source):
        mask_dataset(source, tmp_path / "o.csv", read_rules(RULES, "r"))
        assert (tmp_path / "o.csv").read_text() == "id,name\n1,x\n2,\n"


class TestFarValues:
    """What a format cannot hold is refused, not written as something else, and not shown."""

    RULES = read_rules("{version: 1, tables: {t: {columns: {at: keep}}}}", "r")

    @pytest.mark.parametrize(
        ("name", "column"),
        [
            pytest.param("o.csv", pa.array([2**31 - 1], pa.date32()), id="a day in CSV"),
            pytest.param("o.csv", pa.array([4611686018427387904], pa.timestamp("s")), id="a moment in CSV"),
            pytest.param("o.jsonl", pa.array([2**31 - 1], pa.date32()), id="a day in JSON"),
            pytest.param("o.jsonl", pa.array([4611686018427387904], pa.timestamp("s")), id="a moment in JSON"),
            pytest.param("o.parquet", pa.array([4611686018427387904], pa.timestamp("s")), id="a moment in Parquet"),
        ],
    )
    def test_a_year_that_has_no_text(self, tmp_path, name, column):
        with pytest.raises(DatasetError, match=r"beyond the year 32767|a moment of a far year") as caught:
            mask_dataset(pa.table({"at": column}), tmp_path / name, self.RULES)
        assert "4611686018427387904" not in "".join(traceback.format_exception(caught.value))
        assert list(tmp_path.iterdir()) == []

    def test_a_decimal_with_a_negative_scale(self, tmp_path):
        column = pa.array([None], pa.decimal128(10, -2))
        with pytest.raises(PlanError, match="parquet cannot hold this type"):
            mask_dataset(pa.table({"at": column}), tmp_path / "o.parquet", self.RULES)
