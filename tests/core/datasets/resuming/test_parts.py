from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from core.datasets.resuming.people import ROWS, files

from maskgate.datasets import Layout


class TestParts:
    """A folder gets parts of about one size, in the order of the rows."""

    def test_parts_are_numbered_and_listed(self, mask, tmp_path):
        done = mask()
        (table,) = done.manifest["tables"].values()
        names = [file["path"] for file in table["files"]]
        assert names == [f"part-{at:05}.parquet" for at in range(len(names))]
        assert len(names) > 5
        assert files(tmp_path / "masked").keys() == {*names, "manifest.json"}
        for file in table["files"]:
            content = (tmp_path / "masked" / file["path"]).read_bytes()
            assert (file["size"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        read = [pq.read_table(tmp_path / "masked" / name) for name in names]
        assert pa.concat_tables(read)["id"].to_pylist() == list(range(ROWS))

    @pytest.mark.parametrize("workers", [1, 2, 5])
    def test_the_bytes_are_the_same_for_any_number_of_workers(self, mask, whole, tmp_path, workers):
        mask(workers=workers)
        assert files(tmp_path / "masked") == whole

    def test_one_file_is_not_cut(self, mask, tmp_path):
        mask("masked.parquet")
        assert pq.ParquetFile(tmp_path / "masked.parquet").metadata.num_row_groups == ROWS // 500

    def test_a_row_group_of_many_batches(self, mask, tmp_path):
        mask("one", layout=Layout(row_group_rows=7000))
        metadata = pq.ParquetFile(tmp_path / "one" / "part-00000.parquet").metadata
        assert [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)] == [7000, 3000]
