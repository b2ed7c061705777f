from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from core.datasets.resuming.people import KILLED, ROWS, RULES, files, people


class TestKilled:
    """A run that was killed at any moment leaves the target as it was, and is resumed to the same bytes."""

    ROUNDS = 3 if not os.environ.get("MASKGATE_SOAK") else 100

    def test_by_the_system(self, mask, whole, source, tmp_path):
        chance = random.Random(7)
        environment = {**os.environ, "MASKGATE_KEY_PEOPLE": "x"}
        for attempt in range(self.ROUNDS):
            target = tmp_path / f"killed{attempt}"
            rows, workers = chance.randrange(500, ROWS, 250), chance.choice([1, 2])
            arguments = [str(source), str(target), RULES % "[]", str(rows), str(workers)]
            killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], env=environment, check=False)
            assert killed.returncode == -signal.SIGKILL
            assert not target.exists()
            mask(target.name, resume=True)
            assert files(target) == whole


class TestStopped:
    """Ctrl-C stops a run within moments, says how to go on, and leaves the target as it was."""

    def test_by_a_person(self, source, tmp_path):
        rules = tmp_path / "rules.yaml"
        rules.write_text(RULES % "[]", encoding="utf-8")
        many = pa.concat_tables([people()] * 300)
        pq.write_table(many, source / "4.parquet")
        maskgate = Path(sys.executable).with_name("maskgate")
        command = [maskgate, "mask", rules, source, tmp_path / "masked", "--table", "people"]
        environment = {**os.environ, "MASKGATE_KEY_PEOPLE": "AAECAwQFBgcICQoLDA0ODw=="}
        process = subprocess.Popen(
            [*command, "--file-size", "100kB", "--row-group-size", "1000"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        journal = tmp_path / ".masked.maskgate-run" / "journal"
        while not journal.exists() or len(journal.read_bytes().splitlines()) < 3:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "run it again with --resume" in said
        assert said.endswith("stopped.\n")
        assert not (tmp_path / "masked").exists()
