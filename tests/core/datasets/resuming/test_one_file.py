from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from core.datasets.resuming.people import KILLED, ROWS, RULES, Interrupting

from maskgate.datasets import Layout
from maskgate.errors import DatasetError


class TestOneFile:
    """A single file is gone on with in its middle, from where about a part of it was safely stored."""

    SUFFIXES = (".parquet", ".csv", ".csv.gz", ".jsonl.zst", ".arrow", ".arrows")

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_resumed(self, mask, tmp_path, suffix):
        mask(f"whole{suffix}")
        with pytest.raises(KeyboardInterrupt) as caught:
            mask(f"masked{suffix}", progress=Interrupting(6000))
        assert "--resume" in caught.value.__notes__[0]
        assert not (tmp_path / f"masked{suffix}").exists()
        watching = Interrupting(ROWS * 2)
        done = mask(f"masked{suffix}", resume=True, progress=watching)
        assert watching.seen[0] > 3000
        assert done.report.rows == ROWS
        assert (tmp_path / f"masked{suffix}").read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()
        assert {each.name for each in tmp_path.iterdir()} == {"people", f"whole{suffix}", f"masked{suffix}"}

    def test_more_than_once(self, mask, tmp_path):
        mask("whole.parquet")
        for rows in (3000, 5000, 7000):
            with pytest.raises(KeyboardInterrupt):
                mask("masked.parquet", resume=True, progress=Interrupting(rows), workers=1)
        report = mask("masked.parquet", resume=True).report
        assert (tmp_path / "masked.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
        assert report.columns["email"].nulls == 0

    def test_a_kill(self, mask, source, tmp_path):
        mask("whole.parquet")
        target = tmp_path / "masked.parquet"
        command = [sys.executable, "-c", KILLED, str(source), str(target), RULES % "[]", "6000", "2"]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        # What was written behind the last safe place may be anything.
        with (tmp_path / ".masked.parquet.maskgate-run" / "data" / "file").open("ab") as file:
            file.write(b"half a row group")
        mask(target.name, resume=True)
        assert target.read_bytes() == (tmp_path / "whole.parquet").read_bytes()

    def test_a_file_that_changed_is_refused(self, mask, tmp_path):
        with pytest.raises(KeyboardInterrupt):
            mask("masked.parquet", progress=Interrupting(6000))
        with (tmp_path / ".masked.parquet.maskgate-run" / "data" / "file").open("r+b") as file:
            file.seek(1000)
            file.write(b"other bytes")
        with pytest.raises(
            DatasetError, match=r"masked\.parquet: what the run .* has written of this file has changed"
        ):
            mask("masked.parquet", resume=True)

    def test_another_rule_is_refused(self, mask):
        with pytest.raises(KeyboardInterrupt):
            mask("masked.parquet", progress=Interrupting(6000))
        with pytest.raises(DatasetError, match="cannot be resumed, since something is different now: the rules"):
            mask("masked.parquet", resume=True, unique="[id]")

    def test_a_small_file_leaves_nothing(self, mask, tmp_path):
        before = sorted(tmp_path.iterdir())
        with pytest.raises(KeyboardInterrupt):
            mask("masked.parquet", layout=Layout(row_group_rows=500), progress=Interrupting(6000))
        assert sorted(tmp_path.iterdir()) == before

    def test_nothing_to_resume_is_a_beginning(self, mask, tmp_path):
        mask("whole.csv")
        mask("masked.csv", resume=True)
        assert (tmp_path / "masked.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
