from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from core.cli.conftest import KEYS

RULES = "version: 1\ntables: {people: {columns: {id: keep}}}\n"
STOPPED = """
import os, signal
from maskgate.cli.main import main
from maskgate.datasets import progress

def stopping(say):
    return lambda shown: shown.rows >= 4000 and os.kill(os.getpid(), signal.{0})

progress.every_few_seconds = stopping
main()
"""

STOPPED_WHEN_DONE = """
import json, os, signal
from maskgate.cli.main import main

write = json.dumps

def stopped(told, **how):
    if "manifest" in told:
        os.kill(os.getpid(), signal.{0})
    return write(told, **how)

json.dumps = stopped
main()
"""


@pytest.fixture
def people(tmp_path):
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "people.csv").write_text("\n".join(["id", *map(str, range(10_000))]))
    return tmp_path


class TestEnding:
    """Whatever becomes of a run, programs are told by one JSON document, and what was begun is taken back."""

    def stopped(self, folder, name, *options, script=STOPPED):
        command = [sys.executable, "-c", script.format(name), "mask", "rules.yaml", "people.csv", *options]
        environment = {**os.environ, **KEYS}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    @pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
    def test_a_signal(self, people, name, code):
        before = sorted(people.iterdir())
        done = self.stopped(people, name, "masked", "--row-group-size", "1000", "--json")
        assert done.returncode == code
        assert "maskgate: stopped." in done.stderr
        assert json.loads(done.stdout) == {
            "target": "masked",
            "error": {"kind": "Stopped", "message": "stopped.", "exit_code": code},
            "resumable": False,
        }
        assert sorted(people.iterdir()) == before

    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
    def test_a_signal_when_all_is_done(self, people, name):
        """The document is on its way by then, and is the only one."""
        done = self.stopped(people, name, "masked.arrow", "--json", script=STOPPED_WHEN_DONE)
        assert done.returncode == 0
        assert json.loads(done.stdout)["table"] == "people"

    def test_a_signal_when_parts_are_finished(self, people):
        options = ["masked", "--row-group-size", "1000", "--file-size", "100", "--json"]
        done = self.stopped(people, "SIGTERM", *options)
        assert json.loads(done.stdout)["resumable"]
        assert "--resume" in done.stderr
        done = self.stopped(people, "SIGTERM", *options, "--resume")
        assert json.loads(done.stdout)["resumable"]

    @pytest.mark.parametrize(
        ("arguments", "kind", "code"),
        [
            (["rules.yaml", "nope.csv", "masked"], "DatasetError", 1),
            (["nope.yaml", "people.csv", "masked"], "RulesError", 2),
            (["rules.yaml", "people.csv", "people.csv"], "DatasetError", 1),
            (["rules.yaml", "people.csv", "masked", "--source-option", "types.di=int64"], "UsageError", 2),
            (["rules.yaml", "people.csv", "masked", "--compression", "zstd:x"], "UsageError", 2),
        ],
        ids=["no source", "no rules", "a target that is there", "a wrong option", "a level that is none"],
    )
    def test_a_refusal(self, maskgate, people, arguments, kind, code):
        done = maskgate("mask", *arguments, "--json")
        told = json.loads(done.stdout)
        assert done.returncode == code
        assert (told["error"]["kind"], told["error"]["exit_code"]) == (kind, code)
        assert told["error"]["message"] in done.stderr
        assert (told["target"], told["resumable"]) == (arguments[2], False)

    @pytest.mark.parametrize(("name", "code"), [("masked", 0), ("masked.xlsx", 2)], ids=["done", "refused"])
    def test_the_target_is_told_without_its_credentials(self, maskgate, people, name, code):
        done = maskgate("mask", "rules.yaml", "people.csv", f"memory://me:planted@bucket/{name}", "--json")
        assert done.returncode == code
        assert json.loads(done.stdout)["target"] == f"memory://bucket/{name}"
        assert "planted" not in done.stdout + done.stderr

    def test_how_far_it_came_is_told_at_last(self, maskgate, people):
        done = maskgate("mask", "rules.yaml", "people.csv", "masked", "--json")
        told = [json.loads(line)["progress"] for line in done.stderr.splitlines() if line.startswith("{")]
        assert (told[-1]["rows"], told[-1]["table"], told[-1]["file"]) == (10_000, "people", "part-00000.parquet")

    def test_an_unexpected_error_shows_no_value(self, maskgate, people, monkeypatch):
        def fail(*_, **__):
            raise ValueError("planted")

        monkeypatch.setattr("maskgate.datasets.mask_dataset", fail)
        done = maskgate("mask", "rules.yaml", "people.csv", "masked", "--json")
        assert json.loads(done.stdout)["error"]["message"] == "unexpected ValueError."
        assert "planted" not in done.stdout + done.stderr
