"""What the guide to datasets shows can be run as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from deltalake import write_deltalake

from maskgate.cli.mask import mask
from maskgate.cli.rules import check

GUIDE = Path(__file__).parents[3] / "docs" / "datasets.md"
COMMANDS = re.findall(r"^\$ maskgate (.*)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
RULES = """\
version: 1
keys: {people: env:MASKGATE_KEY_PEOPLE}
tables: {customers: {columns: {id: keep, name: {method: redact, with: "***"}, zip: keep}}}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with what the commands name."""
    monkeypatch.chdir(tmp_path)
    table = pa.table({"id": [1, 2], "name": ["Planted", None], "zip": ["01234", "99999"]})
    (tmp_path / "raw").mkdir()
    pq.write_table(table, "customers.parquet")
    for name in ("customers.csv", "raw/customers-1.csv", "raw/customers-2.csv"):
        pa.csv.write_csv(table, name)
    (tmp_path / "legacy.csv").write_bytes("id;name;zip\n1;Köln;01234\n".encode("latin-1"))
    write_deltalake("lake/customers", table)
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    return tmp_path


class TestGuide:
    """Each command does what it says."""

    @pytest.mark.parametrize("line", [line for line in COMMANDS if "env:" not in line])
    def test_a_command(self, folder, line):
        name, *arguments = shlex.split(line, comments=True)
        command = mask if name == "mask" else check
        done = CliRunner().invoke(command, arguments if name == "mask" else arguments[1:])
        assert done.exit_code == 0, done.output
        if name == "mask":
            target = folder / arguments[2]
            written = [target] if target.is_file() else [path for path in target.rglob("*") if path.is_file()]
            assert written
            assert not [path for path in written if b"Planted" in path.read_bytes()]

    def test_there_are_commands(self):
        assert len(COMMANDS) == 8
