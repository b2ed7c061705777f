from __future__ import annotations

import hashlib
import json

import fsspec
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import mask_bundle
from maskgate.errors import DatasetError, PlanError, UsageError


@pytest.fixture
def staging(tmp_path):
    folder = tmp_path / "staging"
    folder.mkdir()
    return folder


@pytest.fixture
def sources(raw, orders):
    return {"orders": orders, "customers": str(raw / "customers.parquet")}


class TestMaskBundle:
    """Tables that belong together are masked together, and the manifest comes last."""

    def test_each_table_has_its_folder(self, sources, staging, rules, keys):
        bundle = mask_bundle(sources, staging, rules, keys=keys)
        written = sorted(path.relative_to(staging).as_posix() for path in staging.rglob("*") if path.is_file())
        assert written == ["customers/part-00000.parquet", "manifest.json", "orders/part-00000.parquet"]
        assert bundle.manifest == json.loads((staging / "manifest.json").read_text(encoding="utf-8"))
        for table in bundle.manifest["tables"].values():
            for file in table["files"]:
                content = (staging / file["path"]).read_bytes()
                assert (file["size"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())

    def test_the_tables_still_join(self, sources, staging, rules, keys):
        mask_bundle(sources, staging, rules, keys=keys)
        read = {name: pq.read_table(staging / name) for name in sources}
        customers = set(read["customers"]["customer_id"].to_pylist())
        assert set(read["orders"]["customer_id"].to_pylist()) < customers

    def test_lineage_is_told_names_versions_and_counts(self, sources, staging, rules, keys, raw):
        bundle = mask_bundle(sources, staging, rules, keys=keys)
        assert bundle.tables["customers"]["source"] == str(raw / "customers.parquet")
        assert bundle.tables["orders"]["source"] is None
        assert bundle.tables["orders"]["rows"] == 4
        assert [column["key"] for column in bundle.tables["orders"]["columns"]] == ["people", "people", "people", None]
        assert bundle.report == bundle.manifest["report"]

    def test_the_manifest_is_written_last(self, sources, staging, rules, keys):
        seen = []
        mask_bundle(
            sources, staging, rules, keys=keys, progress=lambda _: seen.append((staging / "manifest.json").exists())
        )
        assert seen == [False, False]

    def test_an_object_store_is_written(self, sources, rules, keys, staging):
        store = fsspec.filesystem("memory")
        bundle = mask_bundle(sources, "memory://stagings/stg_1", rules, keys=keys)
        local = mask_bundle(sources, staging, rules, keys=keys)
        assert bundle.manifest == local.manifest
        for name in ("customers/part-00000.parquet", "manifest.json"):
            assert store.cat(f"/stagings/stg_1/{name}") == (staging / name).read_bytes()
        with pytest.raises(DatasetError, match="something is there already"):
            mask_bundle(sources, "memory://stagings/stg_1", rules, keys=keys)


class TestFailures:
    """Whatever fails, the staging is as empty as it was."""

    def test_no_tables(self, staging, rules, keys):
        with pytest.raises(UsageError, match="no table to mask"):
            mask_bundle({}, staging, rules, keys=keys)

    def test_a_staging_that_is_not_there(self, sources, tmp_path, rules, keys):
        with pytest.raises(DatasetError, match="there is no such folder"):
            mask_bundle(sources, tmp_path / "nowhere", rules, keys=keys)

    def test_a_staging_that_is_used(self, sources, staging, rules, keys):
        (staging / "manifest.json").write_text("{}", encoding="utf-8")
        with pytest.raises(DatasetError, match="the folder is not empty"):
            mask_bundle(sources, staging, rules, keys=keys)
        assert (staging / "manifest.json").read_text(encoding="utf-8") == "{}"

    def test_a_table_without_rules(self, sources, staging, rules, keys):
        with pytest.raises(PlanError, match="the rules have no such table"):
            mask_bundle({**sources, "others": sources["orders"]}, staging, rules, keys=keys)

    def test_every_table_is_planned_before_any_is_written(self, staging, rules, keys, customers, orders):
        wrong = {"customers": customers.drop(["notes"]), "orders": orders.append_column("x", [[1] * 4])}
        with pytest.raises(UsageError) as caught:
            mask_bundle(wrong, staging, rules, keys=keys)
        assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
            'table "customers"',
            'table "orders"',
        ]
        assert list(staging.iterdir()) == []

    @pytest.mark.parametrize("target", ["local", "memory://stagings/failed"])
    def test_a_table_that_fails_takes_the_others_with_it(self, sources, staging, rules, keys, target):
        def stop_at_orders(progress):
            if progress.table == "orders":
                raise KeyboardInterrupt

        place = staging if target == "local" else target
        with pytest.raises(KeyboardInterrupt):
            mask_bundle(sources, place, rules, keys=keys, progress=stop_at_orders)
        assert list(staging.iterdir()) == []
        assert fsspec.filesystem("memory").find("/stagings/failed") == []
