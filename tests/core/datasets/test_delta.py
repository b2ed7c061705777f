from __future__ import annotations

import json
import shutil
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake

from maskgate.datasets import Layout, mask_dataset
from maskgate.errors import DatasetError, PlanError, UsageError
from maskgate.rules import read_rules

RULES = "version: 1\ntables: {t: {columns: {id: keep, mail: {method: redact, with: '*'}}}}\n"
SHORT = "version: 1\ntables: {t: {columns: {id: keep}}}\n"


@pytest.fixture
def lake(tmp_path):
    """A table partitioned by personal data, of three versions: two rows, three, and one of them deleted."""
    place = str(tmp_path / "lake" / "t")
    write_deltalake(place, pa.table({"id": [1, 2], "mail": ["planted-one", "planted-two"]}), partition_by=["mail"])
    write_deltalake(place, pa.table({"id": [3], "mail": ["planted-two"]}), mode="append")
    DeltaTable(place).delete("id = 1")
    return place


@pytest.fixture
def rules():
    """Rules that mask the partition column."""
    return read_rules(RULES, "rules.yaml")


def ids(target):
    return sorted(DeltaTable(str(target)).to_pyarrow_table()["id"].to_pylist())


class TestDelta:
    """One version of a table is read; a new table is written."""

    @pytest.mark.parametrize(
        ("version", "expected"), [("", [2, 3]), ("@v0", [1, 2]), ("@v1", [1, 2, 3]), ("@v2", [2, 3])]
    )
    def test_a_version_is_read(self, lake, rules, tmp_path, version, expected):
        mask_dataset(f"{lake}{version}", tmp_path / "out", rules, table_name="t", target_format="delta")
        assert ids(tmp_path / "out") == expected

    def test_a_version_as_an_option(self, lake, rules, tmp_path):
        mask_dataset(lake, tmp_path / "out.csv", rules, table_name="t", source_options={"version": 0})
        assert (tmp_path / "out.csv").read_bytes().count(b"\n") == 3

    def test_the_stem_names_the_table(self, lake, tmp_path):
        more = RULES.replace("tables: {", "tables: {other: {columns: {x: keep}}, ")
        masked = mask_dataset(f"{lake}@v0", tmp_path / "out", read_rules(more, "r"))
        assert masked.table["table"] == "t"
        assert masked.table["source"].endswith("/t@v0")

    def test_no_value_is_in_any_byte_or_name(self, lake, rules, tmp_path):
        mask_dataset(f"{lake}@v1", tmp_path / "out", rules, table_name="t", target_format="delta")
        files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
        assert not [
            path for path in files if b"planted" in path.read_bytes() or "planted" in str(path.relative_to(tmp_path))
        ]

    def test_a_partition_column_without_a_rule_is_refused(self, lake, tmp_path):
        with pytest.raises(PlanError, match='column "mail"'):
            mask_dataset(
                lake, tmp_path / "out", read_rules(RULES.partition(", mail")[0] + "}}}\n", "r"), table_name="t"
            )

    def test_the_log_knows_rows_and_parts(self, rules, tmp_path):
        moments = pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * 9, pa.timestamp("us", "UTC"))
        table = pa.table({"id": range(9), "mail": ["planted"] * 9, "at": moments, "local": pc.local_timestamp(moments)})
        more = read_rules(RULES.replace("id: keep", "id: keep, at: keep, local: keep"), "r")
        layout = Layout(file_bytes=1, row_group_rows=4)
        mask_dataset(table, tmp_path / "out", more, table_name="t", target_format="delta", layout=layout)
        lines = (tmp_path / "out" / "_delta_log" / f"{0:020}.json").read_text().splitlines()
        adds = [json.loads(line)["add"] for line in lines if "add" in json.loads(line)]
        assert [json.loads(add["stats"]) for add in adds] == [{"numRecords": 4}, {"numRecords": 4}, {"numRecords": 1}]
        read = DeltaTable(str(tmp_path / "out")).to_pyarrow_table().sort_by("id")
        assert read["at"].to_pylist() == table["at"].to_pylist()
        assert read["local"].to_pylist() == table["local"].to_pylist()

    def test_the_same_run_gives_the_same_log(self, lake, rules, tmp_path):
        for name in ("one", "two"):
            mask_dataset(lake, tmp_path / name, rules, table_name="t", target_format="delta")
        logs = [(tmp_path / name / "_delta_log" / f"{0:020}.json").read_bytes() for name in ("one", "two")]
        assert logs[0] == logs[1]

    @pytest.mark.parametrize("kind", [pa.uint64(), pa.timestamp("ns"), pa.time64("us")])
    def test_a_type_that_it_has_not(self, tmp_path, rules, kind):
        table = pa.table({"id": pa.array([1]).cast(kind), "mail": ["x"]})
        with pytest.raises(PlanError, match="delta cannot hold this type"):
            mask_dataset(table, tmp_path / "out", rules, table_name="t", target_format="delta")

    def test_a_version_that_is_not_there(self, lake, rules, tmp_path):
        with pytest.raises(DatasetError, match="cannot be read") as caught:
            mask_dataset(f"{lake}@v9", tmp_path / "out", rules, table_name="t")
        assert "planted" not in "".join(traceback.format_exception(caught.value))

    @pytest.mark.parametrize(
        ("protocol", "configuration", "said"),
        [
            pytest.param(
                {"minReaderVersion": 2, "minWriterVersion": 5},
                {"delta.columnMapping.mode": "name"},
                "column mapping",
                id="column mapping as a version",
            ),
            pytest.param(
                {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["columnMapping"]},
                {},
                "column mapping",
                id="column mapping as a feature",
            ),
            pytest.param(
                {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"]},
                {},
                "deletion vectors",
                id="deletion vectors",
            ),
        ],
    )
    def test_a_feature_that_is_not_read(self, rules, tmp_path, protocol, configuration, said):
        write_deltalake(tmp_path / "t", pa.table({"id": [1], "mail": ["planted"]}))
        log = tmp_path / "t" / "_delta_log" / f"{0:020}.json"
        entries = [json.loads(line) for line in log.read_text().splitlines()]
        for entry in entries:
            if "protocol" in entry:
                entry["protocol"] = protocol | {"writerFeatures": protocol.get("readerFeatures")}
            if "metaData" in entry:
                schema = json.loads(entry["metaData"]["schemaString"])
                for at, field in enumerate(schema["fields"]):
                    field["metadata"] = {"delta.columnMapping.id": at, "delta.columnMapping.physicalName": f"c{at}"}
                entry["metaData"] |= {"configuration": configuration, "schemaString": json.dumps(schema)}
        log.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
        with pytest.raises(DatasetError, match=f"{said}.*such tables are not read here"):
            mask_dataset(tmp_path / "t", tmp_path / "out", rules)
        assert not (tmp_path / "out").exists()

    def test_a_file_that_is_damaged(self, lake, rules, tmp_path):
        for file in (tmp_path / "lake").rglob("*.parquet"):
            file.write_bytes(b"PAR1 torn PAR1")
        with pytest.raises(DatasetError, match=r"t@v2, file mail=…/part-.*parquet: it is gone, damaged") as caught:
            mask_dataset(lake, tmp_path / "out", rules)
        assert "planted" not in "".join(traceback.format_exception(caught.value))

    @pytest.mark.parametrize("inside", ["*/*.parquet", "**/*.parquet", "../[a-z]*/*/*.parquet", "{}", "{}/*.parquet"])
    def test_a_pattern_or_a_partition_would_bring_deleted_rows_back(self, lake, rules, tmp_path, inside):
        partition = next(Path(lake).glob("*=*")).name
        with pytest.raises(DatasetError, match=r"some belong to earlier versions\. Name its folder") as caught:
            mask_dataset(f"{lake}/{inside.format(partition)}", tmp_path / "o.parquet", rules, table_name="t")
        assert "planted" not in str(caught.value)

    def test_another_format_would_bring_them_back(self, lake, rules, tmp_path):
        with pytest.raises(DatasetError, match="some belong to earlier versions"):
            mask_dataset(lake, tmp_path / "o.parquet", rules, source_format="parquet")

    def test_a_folder_that_is_called_like_a_file_is_read_by_its_log_too(self, lake, rules, tmp_path):
        renamed = tmp_path / "t.parquet"
        shutil.copytree(lake, renamed)
        masked = mask_dataset(renamed, tmp_path / "o.parquet", rules)
        assert masked.report.rows == mask_dataset(lake, tmp_path / "p.parquet", rules).report.rows

    def test_columns_that_are_one_to_delta_lake(self, rules, tmp_path):
        table = pa.table({"id": ["a"], "mail": ["b"], "Mail": ["c"]})
        rules = read_rules("{version: 1, unlisted: keep, tables: {t: {columns: {id: keep}}}}", "rules.yaml")
        with pytest.raises(PlanError, match='columns "mail" and "Mail" are one to Delta Lake'):
            mask_dataset(table, tmp_path / "out", rules, table_name="t", target_format="delta")
        assert not (tmp_path / "out").exists()

    def test_a_file_is_no_table(self, lake, rules, tmp_path):
        with pytest.raises(UsageError, match="is a folder"):
            mask_dataset(lake, tmp_path / "out.parquet", rules, table_name="t", target_format="delta")
