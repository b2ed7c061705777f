from __future__ import annotations

import json
import threading

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import mask_dataset
from maskgate.datasets.sources import open_source
from maskgate.masking import MaskingPlan
from maskgate.rules import read_rules

COUNTING = "version: 1\ntables: {counts: {columns: {n: keep, text: {method: redact, with: x}}}}"


def written(table, path, form):
    """Write a table in a format, and return where."""
    match form:
        case "parquet":
            pq.write_table(table, path, use_dictionary=False)
        case "csv":
            pyarrow.csv.write_csv(table, path)
        case "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
        case _:
            opened = pa.ipc.new_file if form == "arrow" else pa.ipc.new_stream
            with opened(path, table.schema) as writer:
                writer.write_table(table)
    return path


class TestStreaming:
    """However long a table is, a few batches of it are in memory."""

    ROWS = 1_000_000

    @pytest.fixture
    def counting(self):
        return read_rules(COUNTING, "rules.yaml")

    def reader(self, batch_rows, living):
        schema = pa.schema({"n": pa.int64(), "text": pa.string()})

        def batches():
            for start in range(0, self.ROWS, batch_rows):
                living.append(start)
                numbers = pa.array(range(start, min(start + batch_rows, self.ROWS)))
                yield pa.record_batch({"n": numbers, "text": numbers.cast(pa.string())})

        return pa.RecordBatchReader.from_batches(schema, batches())

    def test_the_source_is_never_far_ahead_of_what_is_written(self, counting, tmp_path):
        read, ahead = [], []
        mask_dataset(
            self.reader(65_536, read),
            tmp_path / "out",
            counting,
            workers=2,
            progress=lambda progress: ahead.append(len(read) * 65_536 - progress.rows),
        )
        assert sum(ahead) > 0
        assert max(ahead) <= 6 * 131_072

    def test_arrow_holds_a_few_batches_at_most(self, counting, tmp_path):
        with pq.ParquetWriter(tmp_path / "counts.parquet", pa.schema({"n": pa.int64(), "text": pa.string()})) as writer:
            for batch in self.reader(65_536, []):
                writer.write_batch(batch)
        whole = pq.read_table(tmp_path / "counts.parquet").nbytes
        peaks = []
        before = pa.total_allocated_bytes()
        mask_dataset(
            tmp_path / "counts.parquet",
            tmp_path / "out",
            counting,
            progress=lambda _: peaks.append(pa.total_allocated_bytes() - before),
        )
        assert len(peaks) == -(-self.ROWS // 131_072)
        assert max(peaks) < whole

    def test_nothing_of_the_rows_is_held_when_they_are_written(self, counting, tmp_path):
        held = []
        before = pa.total_allocated_bytes()
        mask_dataset(
            self.texts(131_072, 8),
            tmp_path / "out",
            counting,
            workers=1,
            progress=lambda _: held.append(pa.total_allocated_bytes() - before),
        )
        assert len(held) == 8
        assert max(held) < 131_072 * 100

    def texts(self, rows, batches):
        """Batches of which the texts take some hundred bytes a row, each made when it is read."""
        schema = pa.schema({"n": pa.int64(), "text": pa.string()})
        made = (pa.record_batch([range(rows), ["x" * 400] * rows], schema=schema) for _ in range(batches))
        return pa.RecordBatchReader.from_batches(schema, made)

    def test_the_size_of_the_batches_that_come_in_does_not_show(self, counting, tmp_path):
        written = set()
        for at, size in enumerate((50_000, 131_072, 400_000)):
            mask_dataset(self.reader(size, []), tmp_path / f"{at}.parquet", counting)
            written.add((tmp_path / f"{at}.parquet").read_bytes())
        assert len(written) == 1

    @pytest.mark.parametrize("form", ["parquet", "arrow", "arrow-stream", "csv", "jsonl", "in memory"])
    def test_wide_rows_come_in_smaller_batches(self, form, counting, tmp_path, monkeypatch):
        wide = pa.table({"n": range(3000), "text": [f"{at:05}" * 4000 for at in range(3000)]})
        source = wide if form == "in memory" else written(wide, tmp_path / "counts", form)
        sizes = []
        plan = MaskingPlan.mask_in
        monkeypatch.setattr(
            MaskingPlan, "mask_in", lambda self, run, held: sizes.append(held[0].num_rows) or plan(self, run, held)
        )
        mask_dataset(
            source,
            tmp_path / "out",
            counting,
            table_name="counts",
            source_format=None if form == "in memory" else form,
        )
        assert sum(sizes) == 3000
        # 20 MB; as text of JSON is counted, where a character may take two bytes, half of it.
        assert max(sizes) == (512 if form == "jsonl" else 1024)

    def test_very_long_rows_come_by_a_few_megabytes(self, counting, tmp_path):
        wide = pa.table({"n": range(40), "text": ["x" * (1 << 20)] * 40})
        pq.write_table(wide, tmp_path / "counts.parquet", use_dictionary=False)
        assert open_source("counts", str(tmp_path / "counts.parquet")).batch_rows == 4

    def test_columns_that_nobody_has_seen_a_cell_of_count_by_their_types(self):
        def rows(columns):
            schema = pa.schema({f"c{at}": pa.int64() for at in range(columns)})
            return open_source("t", pa.RecordBatchReader.from_batches(schema, [])).batch_rows

        assert [rows(10), rows(2000)] == [131_072, 4096]

    def test_as_many_threads_mask_at_once_as_there_are_workers(self, counting, tmp_path, monkeypatch):
        threads, together = set(), threading.Barrier(3)
        plan = MaskingPlan.mask_in

        def meet(self, run, held):
            if threading.get_ident() not in threads:
                threads.add(threading.get_ident())
                together.wait(60)
            return plan(self, run, held)

        monkeypatch.setattr(MaskingPlan, "mask_in", meet)
        mask_dataset(self.reader(131_072, []), tmp_path / "out", counting, workers=3)
        assert len(threads) == 3
