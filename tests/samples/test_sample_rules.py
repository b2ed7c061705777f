from __future__ import annotations

import base64
import json

import pyarrow.parquet as pq
import pytest
from make_data import make_data

from maskgate.datasets import mask_bundle
from maskgate.rules import load_rules

RULES = "sample_dags/rules/customers.yaml"
TABLES = ("customers", "orders")


@pytest.fixture
def masked(tmp_path, monkeypatch, pytestconfig):
    for name in ("MASKGATE_KEY_PEOPLE", "MASKGATE_KEY_CONTACT"):
        monkeypatch.setenv(name, base64.b64encode(name.encode() * 2).decode())
    make_data(tmp_path / "data", customers=500, orders=2000, seed=1)
    (tmp_path / "masked").mkdir()
    sources = {table: tmp_path / "data" / f"{table}.parquet" for table in TABLES}
    mask_bundle(sources, tmp_path / "masked", load_rules(pytestconfig.rootpath / RULES))
    return tmp_path


class TestSampleRules:
    """The sample's rules fit the sample's data."""

    def test_every_row_is_there_and_every_column_has_a_rule(self, masked):
        manifest = json.loads((masked / "masked" / "manifest.json").read_text(encoding="utf-8"))
        for table in TABLES:
            original = pq.read_table(masked / "data" / f"{table}.parquet")
            assert manifest["tables"][table]["rows"] == len(original)
            assert set(manifest["report"][table]["columns"]) == set(original.column_names)

    def test_orders_still_join_customers(self, masked):
        def ids(folder, table):
            path = masked / folder / table if folder == "masked" else masked / folder / f"{table}.parquet"
            return pq.read_table(path, columns=["customer_id"])["customer_id"].to_pylist()

        position = {customer: row for row, customer in enumerate(ids("data", "customers"))}
        token = dict(enumerate(ids("masked", "customers")))
        expected = [token[position[one]] for one in ids("data", "orders") if one in position]
        found = [
            after
            for before, after in zip(ids("data", "orders"), ids("masked", "orders"), strict=True)
            if before in position
        ]
        assert found == expected
        assert expected
