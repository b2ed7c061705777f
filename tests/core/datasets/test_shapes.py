from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import mask_dataset
from maskgate.rules import read_rules

RULES = "{version: 1, unlisted: keep, tables: {t: {columns: {secret: {method: redact, with: x}}}}}"
# Masks in a process of its own, and says how much memory it took beyond what it had before the first row.
MEASURED = """
import sys
from pathlib import Path
from maskgate.datasets import mask_dataset
from maskgate.rules import read_rules
def peak():
    words = Path("/proc/self/status").read_text().split()
    return int(words[words.index("VmHWM:") + 1])
source, target, rules, warm = sys.argv[1:]
mask_dataset(warm, target + ".warm.parquet", read_rules(rules, "r"), table_name="t", workers=2)
before = peak()
mask_dataset(source, target, read_rules(rules, "r"), table_name="t", workers=2)
print((peak() - before) // 1024)
"""


@pytest.fixture
def rules():
    return read_rules(RULES, "rules.yaml")


@pytest.fixture
def megabytes(tmp_path):
    """Mask a file and return the megabytes that this took."""

    def measure(source):
        empty = pa.schema({"secret": pa.string()}).empty_table()
        pq.write_table(empty, tmp_path / "t.parquet")
        arguments = [source, tmp_path / "out.parquet", RULES, tmp_path / "t.parquet"]
        done = subprocess.run([sys.executable, "-c", MEASURED, *arguments], check=True, capture_output=True, text=True)
        return int(done.stdout)

    return measure


def numbers(columns, rows):
    """Return a table of as many columns."""
    random = np.random.default_rng(7)
    drawn = {f"c{at}": random.integers(0, 1 << 60, rows) for at in range(columns)}
    return pa.table({"secret": ["x"] * rows} | drawn)


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
        texts = pa.table({"secret": ["x" * 10] * 40, "kept": [f"{at:05}" * (1 << 20) for at in range(40)]})
        # A page of its own for each text, as this one may be.
        pq.write_table(texts, tmp_path / "long.parquet", use_dictionary=False, write_batch_size=1)
        # As Arrow data they take 200 MB, and a stretch of eight of them took four hundred on its way.
        assert megabytes(tmp_path / "long.parquet") < 300
        written = pq.ParquetFile(tmp_path / "out.parquet")
        assert [len(batch["kept"][0].as_py()) for batch in written.iter_batches(1, columns=["kept"])] == [5 << 20] * 40

    def test_two_thousand_columns(self, rules, tmp_path):
        wide = pa.table({"secret": ["a", "b"], **{f"c{at}": [at, at + 1] for at in range(2000)}})
        pq.write_table(wide, tmp_path / "t.parquet")
        mask_dataset(tmp_path / "t.parquet", tmp_path / "out.parquet", rules)
        written = pq.read_table(tmp_path / "out.parquet")
        assert written.drop(["secret"]) == wide.drop(["secret"])
        assert written["secret"].to_pylist() == ["x", "x"]

    def test_a_row_group_of_two_thousand_columns(self, megabytes, tmp_path):
        pq.write_table(numbers(2000, 5000), tmp_path / "wide.parquet", compression="zstd", use_dictionary=False)
        # Read from all columns at once, it takes 320 MB: a page, a buffer and a decompressor of each.
        assert megabytes(tmp_path / "wide.parquet") < 260

    def test_hundreds_of_columns_of_text(self, megabytes, tmp_path):
        pyarrow.csv.write_csv(numbers(300, 10_000), tmp_path / "wide.csv")
        # In glibc's memory it takes 290 MB, most of them holes.
        assert megabytes(tmp_path / "wide.csv") < 250
