"""Must hold 1, the other half: what was planted in the originals is nowhere, in no byte that anything has written."""

from __future__ import annotations

import sqlite3

import pyarrow.parquet as pq
import pytest
from specifications.originals import PLANTED
from specifications.world import every_file

pytestmark = [pytest.mark.timeout(900), pytest.mark.last, pytest.mark.run("signed", "gated")]


def spellings(value):
    """The value as programs write it: plain, in two-byte characters, and as JSON and URLs escape it."""
    return {value.encode(), value.encode("utf-16-le"), value.replace(" ", "%20").encode(), value.lower().encode()}


class TestNoValueLeaks:
    """Destination, staging, logs, XCom, ledger, gate database, Airflow's database: no planted value in their bytes."""

    @pytest.fixture(scope="class")
    @classmethod
    def everything(cls, world):
        # One run at least has gone all the way; databases may hold their latest pages in the -wal file alone.
        assert any(world.gate.released.iterdir())
        return every_file(world.gate.work, world.slow_gate.work, world.airflow.work, world.root / "process_logs")

    def test_databases_logs_staging_and_destination_were_looked_at(self, world, everything):
        names = {path.name for path in everything}
        assert {"gate.db", "airflow.db", "gate.log", "airflow-scheduler.log"} <= names
        assert any("task_id=mask" in str(path) for path in everything)

    @pytest.mark.parametrize("what", sorted(PLANTED))
    def test_this_way_of_looking_finds_it_in_the_originals(self, world, what):
        originals = every_file(world.root / "originals")
        assert any(text in path.read_bytes() for path in originals for text in spellings(PLANTED[what]))

    @pytest.mark.parametrize("what", sorted(PLANTED))
    def test_a_planted_value_is_nowhere(self, world, everything, what):
        found = [path for path in everything if any(text in content(path) for text in spellings(PLANTED[what]))]
        assert [path for path in found if not is_planted_there(path)] == []

    @pytest.fixture
    def released(self, world):
        found = list(world.gate.work.glob("released*/**/*.parquet"))
        assert found
        return found

    def test_no_released_cell_holds_one_either(self, released):
        for path in released:
            text = pq.read_table(path).to_pandas().to_csv()
            assert not [what for what, value in PLANTED.items() if value in text]

    def test_columns_that_were_dropped_are_not_even_named_in_the_files(self, released):
        assert not [path for path in released if b"full_name" in path.read_bytes()]

    def test_the_databases_are_whole(self, world):
        for path in (world.gate.home / "gate.db", world.airflow.database):
            with sqlite3.connect(path) as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def content(path):
    """Read a file; what a program has deleted meanwhile, such as a journal, holds nothing."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def is_planted_there(path):
    """A hostile run copies the originals into its own staging; the gate refuses that, and nobody can undo it."""
    return path.name == "originals.parquet"
