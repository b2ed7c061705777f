from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import mask_dataset
from maskgate.rules import read_rules

RULES = "{version: 1, unlisted: keep, tables: {t: {columns: {secret: {method: redact, with: x}}}}}"
# Masks in a process of its own, and says how much memory it took beyond what it had before the first row.
MEASURED = """
import resource, sys
import pyarrow as pa
from maskgate.datasets import mask_dataset
from maskgate.rules import read_rules
source, target, rules, warm = sys.argv[1:]
mask_dataset(warm, target + ".warm.parquet", read_rules(rules, "r"), table_name="t", workers=2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
mask_dataset(source, target, read_rules(rules, "r"), table_name="t", workers=2)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.fixture
def rules():
    return read_rules(RULES, "rules.yaml")


@pytest.fixture
def megabytes(tmp_path):
    """Mask a file and return the megabytes that this took."""

    def measure(source):
        pq.write_table(pq.ParquetFile(source).schema_arrow.empty_table(), tmp_path / "t.parquet")
        arguments = [source, tmp_path / "out.parquet", RULES, tmp_path / "t.parquet"]
        done = subprocess.run([sys.executable, "-c", MEASURED, *arguments], check=True, capture_output=True, text=True)
        return int(done.stdout)

    return measure


class TestShapes:
    """Whatever shape the data has, it is masked, in memory that does not depend on it."""

    def test_ten_thousand_small_files(self, rules, tmp_path):
        folder = tmp_path / "t"
        folder.mkdir()
        pq.write_table(pa.table({"n": [1, 2], "secret": ["a", None]}), folder / "00000.parquet")
        for at in range(1, 10_000):
            os.link(folder / "00000.parquet", folder / f"{at:05}.parquet")
        done = mask_dataset(folder, tmp_path / "out", rules)
        assert done.report.rows == 20_000
        assert [each.name for each in (tmp_path / "out").glob("*.parquet")] == ["part-00000.parquet"]

    def test_one_row_group_that_is_much_larger_than_memory_may_be(self, megabytes, tmp_path):
        rows = 20_000_000 if os.environ.get("MASKGATE_SOAK") else 6_000_000
        repeated = pa.array([f"{at:0100}" for at in range(10)]).take(pa.array(np.arange(rows) % 10))
        one = {"row_group_size": rows, "use_dictionary": False, "compression": "zstd"}
        pq.write_table(pa.table({"secret": repeated}), tmp_path / "large.parquet", **one)
        del repeated
        assert pq.ParquetFile(tmp_path / "large.parquet").metadata.num_row_groups == 1
        # As Arrow data, and within the file, it takes 600 MB; in `make soak`, 2 GB.
        assert megabytes(tmp_path / "large.parquet") < 250
        assert pq.ParquetFile(tmp_path / "out.parquet").metadata.num_rows == rows

    def test_texts_of_five_megabytes(self, megabytes, tmp_path):
        texts = pa.table({"secret": ["x" * 10] * 20, "kept": [f"{at:05}" * (1 << 20) for at in range(20)]})
        pq.write_table(texts, tmp_path / "long.parquet", use_dictionary=False)
        # As Arrow data they take 100 MB.
        assert megabytes(tmp_path / "long.parquet") < 150
        written = pq.ParquetFile(tmp_path / "out.parquet")
        assert [len(batch["kept"][0].as_py()) for batch in written.iter_batches(1, columns=["kept"])] == [5 << 20] * 20

    def test_two_thousand_columns(self, rules, tmp_path):
        wide = pa.table({"secret": ["a", "b"], **{f"c{at}": [at, at + 1] for at in range(2000)}})
        pq.write_table(wide, tmp_path / "t.parquet")
        mask_dataset(tmp_path / "t.parquet", tmp_path / "out.parquet", rules)
        written = pq.read_table(tmp_path / "out.parquet")
        assert written.drop(["secret"]) == wide.drop(["secret"])
        assert written["secret"].to_pylist() == ["x", "x"]
