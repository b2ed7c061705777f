from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import Layout, mask_dataset
from maskgate.datasets.file_table import open_files
from maskgate.keys import Key, KeyRing
from maskgate.masking import MaskingPlan, mask_table
from maskgate.rules import read_rules

KEYS = KeyRing({"people": Key("people", bytes(range(32)))})
RULES = """
version: 1
keys: {people: "env:UNUSED"}
domains: {city: {scheme: cmac}}
tables:
  t:
    entity: n
    columns:
      n: keep
      city: %s
      country: keep
"""
ROWS = 20_000


@pytest.fixture
def table():
    chance = np.random.default_rng(3)
    city = pa.array([*(f"City {at}" for at in range(40)), None]).take(pa.array(chance.integers(0, 41, ROWS)))
    country = pa.array(["DE", "", "AT"]).take(pa.array(chance.integers(0, 3, ROWS)))
    return pa.table({"n": np.arange(ROWS), "city": city, "country": country})


class TestDictionaries:
    """Columns of few values are masked behind their dictionary, and what comes out is what would come out without."""

    @pytest.mark.parametrize(
        "rule",
        [
            "keep",
            "nullify",
            "drop",
            "{method: token, domain: city}",
            "{method: redact, with: x}",
            "{method: mask, keep_last: 2}",
            "{method: generalize, keep_first: 3}",
            "{method: fake, kind: city, key: people}",
            "{method: shuffle, key: people}",
            "[{when: {country: [DE]}, method: redact, with: y}, {method: token, domain: city}]",
        ],
    )
    @pytest.mark.parametrize("group", [None, 9000], ids=["a batch", "several batches"])
    def test_cells_and_schema_are_the_same(self, table, tmp_path, rule, group, monkeypatch):
        pq.write_table(table, tmp_path / "t.parquet", row_group_size=7000)
        rules = read_rules(RULES % rule, "rules")
        monkeypatch.setattr("maskgate.datasets.source.MOST_ROWS", 4096)
        mask_dataset(
            tmp_path / "t.parquet", tmp_path / "out.parquet", rules, keys=KEYS, layout=Layout(row_group_rows=group)
        )
        expected, _ = mask_table(table, rules, table_name="t", keys=KEYS)
        written = pq.read_table(tmp_path / "out.parquet")
        assert written.schema == expected.schema
        assert written == expected

    def test_methods_see_each_value_once(self, table, tmp_path, monkeypatch):
        pq.write_table(table, tmp_path / "t.parquet")
        seen = set()
        mask_in = MaskingPlan.mask_in
        monkeypatch.setattr(
            MaskingPlan, "mask_in", lambda self, run, held: seen.add(held[0]["city"].type) or mask_in(self, run, held)
        )
        rules = read_rules(RULES % "{method: token, domain: city}", "rules")
        mask_dataset(tmp_path / "t.parquet", tmp_path / "out.parquet", rules, keys=KEYS)
        assert seen == {pa.dictionary(pa.int32(), pa.string())}

    def test_many_values_are_read_as_they_are(self, tmp_path):
        pq.write_table(pa.table({"x": [f"value {at}" for at in range(ROWS)]}), tmp_path / "t.parquet")
        assert open_files(str(tmp_path / "t.parquet")).repeating == ()

    def test_entries_that_no_row_uses_do_not_come_out(self, tmp_path):
        codes = pa.array(np.arange(ROWS, dtype=np.int32) % 2)
        haunted = pa.DictionaryArray.from_arrays(codes, ["a", "b", "planted"])
        pq.write_table(pa.table({"x": haunted}), tmp_path / "t.parquet", store_schema=False, compression="none")
        assert b"planted" in (tmp_path / "t.parquet").read_bytes()
        assert open_files(str(tmp_path / "t.parquet")).repeating == ("x",)
        rules = read_rules("{version: 1, tables: {t: {columns: {x: keep}}}}", "rules")
        mask_dataset(tmp_path / "t.parquet", tmp_path / "out.parquet", rules, layout=Layout(compression="none"))
        assert b"planted" not in (tmp_path / "out.parquet").read_bytes()
        assert pq.read_table(tmp_path / "out.parquet")["x"].to_pylist() == ["a", "b"] * (ROWS // 2)

    def test_room_that_is_used_again_shows_nothing(self, tmp_path):
        long = pa.table({"x": ["planted" * 40 + str(at) for at in range(3000)] + ["short"] * 3000})
        pq.write_table(long, tmp_path / "t.parquet")
        rules = read_rules("{version: 1, tables: {t: {columns: {x: {method: redact, with: x}}}}}", "rules")
        layout = Layout(row_group_rows=1000, compression="none")
        mask_dataset(tmp_path / "t.parquet", tmp_path / "out.parquet", rules, layout=layout, workers=1)
        assert b"planted" not in (tmp_path / "out.parquet").read_bytes()
