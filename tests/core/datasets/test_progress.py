from __future__ import annotations

import json

import pytest

from maskgate.datasets import Layout, mask_dataset
from maskgate.datasets.progress import Progress
from maskgate.rules import read_rules

RULES = read_rules("version: 1\ntables: {people: {columns: {id: keep, name: keep}}}", "r")
ROWS = 200_000


class TestProgress:
    """A line of a log says how far a table is, how fast it goes, and when it will be done, as far as that is known."""

    def test_rows_that_are_known(self):
        progress = Progress("people", 250, 1000, 5000, "part-00000.parquet", seconds=2.0)
        assert str(progress) == "people: 250 of 1,000 rows (25%), 5.0 kB, 125 rows/s, 6 s left, part-00000.parquet"

    def test_rows_that_are_guessed(self):
        progress = Progress("people", 250, None, 5000, seconds=2.0, about_rows=500)
        assert str(progress) == "people: 250 of about 500 rows (50%), 5.0 kB, 125 rows/s, 2 s left"
        assert progress.as_json()["seconds_left"] == 2.0

    def test_a_guess_that_is_passed_is_none(self):
        progress = Progress("people", 501, None, 5000, seconds=1.0, about_rows=500)
        assert str(progress) == "people: 501 rows, 5.0 kB, 501 rows/s"
        assert progress.as_json()["seconds_left"] is None

    @pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
    def test_texts_tell_about_how_many_rows_there_are(self, tmp_path, suffix):
        names = [f"person {at % 977}" for at in range(ROWS)]
        if suffix == ".csv":
            lines = ["id,name", *(f"{at},{name}" for at, name in enumerate(names))]
        else:
            lines = [json.dumps({"id": at, "name": name}) for at, name in enumerate(names)]
        (tmp_path / f"people{suffix}").write_text("\n".join(lines) + "\n")
        seen = []
        layout = Layout(row_group_rows=50_000)
        mask_dataset(tmp_path / f"people{suffix}", tmp_path / "masked", RULES, progress=seen.append, layout=layout)
        assert seen[0].about_rows == pytest.approx(ROWS, rel=0.1)
        assert seen[0].total_rows is None
        assert seen[0].seconds_left > 0
