from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import dataclass

import pyarrow.parquet as pq
import pytest

from maskgate.cli.main import run

KEYS = {
    "MASKGATE_KEY_PEOPLE": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "MASKGATE_KEY_CONTACT": "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=",
}


@dataclass(frozen=True)
class Done:
    """What a command said."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def maskgate(tmp_path, monkeypatch, capsys):
    """Run the command line in the test's folder, as a person would."""
    monkeypatch.chdir(tmp_path)

    def execute(*arguments, keys=True):
        for name, value in KEYS.items():
            if keys:
                monkeypatch.setenv(name, value)
            else:
                monkeypatch.delenv(name, raising=False)
        capsys.readouterr()
        code = run([str(each) for each in arguments])
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return execute


@pytest.fixture
def at_a_terminal(tmp_path):
    """Run the command line where stderr is a terminal; return what appears there."""

    def run(*arguments):
        ours, theirs = pty.openpty()
        command = [sys.executable, "-c", "from maskgate.cli import main; main()", *map(str, arguments)]
        with subprocess.Popen(
            command, cwd=tmp_path, env={**os.environ, **KEYS, "TERM": "xterm"}, stdout=subprocess.PIPE, stderr=theirs
        ) as process:
            os.close(theirs)
            shown = b""
            while chunk := _read(ours):
                shown += chunk
            process.wait()
        os.close(ours)
        return shown.decode()

    return run


def _read(descriptor):
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # the other end has gone
        return b""


@pytest.fixture
def data(tmp_path, customers, orders):
    """A folder with the two tables as Parquet files."""
    folder = tmp_path / "data"
    folder.mkdir()
    pq.write_table(customers, folder / "customers.parquet")
    pq.write_table(orders, folder / "orders.parquet")
    return folder
