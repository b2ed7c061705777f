"""The gate waits without Arrow, the methods and Alembic: another process has them, while there is work for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from maskgate.errors import MaskgateError, PolicyError
from maskgate.server.workshop import Workshop
from maskgate.testing.staged_tables import RULES_TEXT

POLICY = """\
version: 1
people: {anna: ["company|anna"]}
reviewers: {privacy: {people: [anna]}}
floor: {direct_identifier: [drop, token]}
policies:
  - {name: export, when: {action: export}, require: {slots: {privacy: 1}}, channels: [web]}
otherwise: refuse
"""


@pytest.fixture
def home(tmp_path):
    (tmp_path / "staging").mkdir()
    (tmp_path / "released").mkdir()
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "rules.yaml").write_text(RULES_TEXT)
    (tmp_path / "gate.yaml").write_text(
        "version: 1\nurl: http://127.0.0.1:1\npolicy: policy.yaml\nrules: [rules.yaml]\nstaging: {a: {uri: staging}}\n"
        "destinations: {partner: {uri: released, trust: external}}\n"
    )
    return tmp_path


@pytest.fixture
def workshop(home):
    opened = Workshop(home / "gate.yaml", home, rest=0)
    yield opened
    opened.close()


def test_the_gate_itself_loads_neither_arrow_nor_alembic():
    """Reading a policy takes them no more than importing all of the server does."""
    program = (
        "import sys; import maskgate.server.start; from maskgate.gate.policy_reader import read_policy;"
        f"read_policy({POLICY!r}, 'policy.yaml');"
        "print(sorted({'pyarrow', 'numpy', 'alembic'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class TestWorkshop:
    """It does what it is asked, says what went wrong, and is there only as long as there is work."""

    def test_it_works_and_then_rests(self, home, workshop):
        workshop.ask("check")
        assert workshop.ask("words")["keep"] == "kept as it is"
        (home / "policy.yaml").write_text("version: 1\n")
        with pytest.raises(PolicyError, match=r"policy\.yaml"):
            workshop.ask("check")
        assert workshop.is_open
        workshop.rest()
        assert not workshop.is_open

    def test_when_it_dies_the_next_task_finds_another(self, workshop):
        workshop.ask("check")
        os.kill(workshop.process_id, signal.SIGKILL)
        with pytest.raises(MaskgateError, match="has died"):
            workshop.ask("check")
        workshop.ask("check")

    def test_it_does_not_outlive_the_gate(self, home):
        """Whatever the gate dies of, nobody goes on in its name."""
        program = (
            "import os, signal; from pathlib import Path; from maskgate.server.workshop import Workshop;"
            f"shop = Workshop(Path({str(home / 'gate.yaml')!r}), Path({str(home)!r})); shop.ask('check');"
            "print(shop.process_id, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
        )
        gate = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        child, deadline = int(gate.stdout), time.monotonic() + 30
        while is_there(child) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not is_there(child)


def is_there(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
