from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from demo.processes import program

ROOT = Path(__file__).resolve().parents[2]


def run_demo(answer: str, module: str = "demo.run_demo") -> subprocess.CompletedProcess[str]:
    """What `make demo` and `make demo-prefect` run, once the environments are there."""
    return subprocess.run(
        [program("server", "python"), "-m", module],
        env={**os.environ, "PYTHONPATH": str(ROOT / "sample_dags"), "ANSWER": answer, "COLUMNS": "200"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def left_behind(output: str) -> list[str]:
    """Processes that still work in the demo's folder."""
    folder = re.search(r"(\S+)/run/", output)[1]
    left = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except OSError:  # it ended while we looked
            continue
        left += [path.parent.name] if folder.encode() in command else []
    return left


class TestDemo:
    """The demo ends as it should, says so, and leaves nothing running."""

    @pytest.mark.parametrize("module", ["demo.run_demo", "demo.run_prefect_demo"])
    def test_an_unknown_answer_starts_nothing(self, module):
        done = run_demo("perhaps", module)
        assert done.returncode == 2
        assert "ANSWER=perhaps is no answer" in done.stdout

    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("module", ["demo.run_demo", "demo.run_prefect_demo"])
    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            pytest.param("approve", ["Released", "release.completed", "before and after"], id="approve releases"),
            pytest.param("reject", ["Not released", "request.denied"], id="reject releases nothing"),
        ],
    )
    def test_an_answer_is_carried_out(self, answer, words, module):
        done = run_demo(answer, module)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert [word for word in words if word not in done.stdout] == []
        assert left_behind(done.stdout) == []
