"""How many files are looked at together."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest

from maskgate.datasets.formats import arrow_ipc, csv, json_lines
from maskgate.datasets.sources import open_source


def written(suffix):
    """Return what a file holds of which one row takes much memory."""
    match suffix:
        case "csv":
            return b"x\n" + b"y" * 300_000 + b"\n"
        case "jsonl":
            return b'{"x": "' + b"y" * (5 << 20) + b'"}\n'
    sink, table = pa.BufferOutputStream(), pa.table({"x": ["y"]})
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


class TestLooking:
    """Files are looked at together, but for those whose first rows take much memory."""

    @pytest.mark.parametrize(
        ("suffix", "module", "step"),
        [("arrow", arrow_ipc, "_read"), ("csv", csv, "guessed_type"), ("jsonl", json_lines, "_whole_lines")],
    )
    def test_what_takes_much_memory_is_looked_at_alone(self, tmp_path, monkeypatch, suffix, module, step):
        running, at_once, whole = [], [], getattr(module, step)

        def watched(*how):
            running.append(step)
            time.sleep(0.01)
            at_once.append(len(running))
            running.pop()
            return whole(*how)

        for name in range(4):
            (tmp_path / f"{name}.{suffix}").write_bytes(written(suffix))
        monkeypatch.setattr(arrow_ipc, "_LARGE_FILE", 1)
        monkeypatch.setattr(module, step, watched)
        open_source("t", str(tmp_path / f"*.{suffix}"))
        assert at_once == [1] * 4
