from __future__ import annotations

import json
import subprocess
import sys

import click
import pyarrow.parquet as pq
import pytest

from maskgate.cli.main import run

RULES = """\
version: 1
keys: {people: env:MASKGATE_KEY_PEOPLE}
domains: {customer: {scheme: hmac}}
tables:
  orders:
    entity: customer_id
    columns:
      order_id: drop
      customer_id: {method: token, domain: customer}
      ordered_at: {method: shift_date, days: 180}
      gift_note: {method: redact, with: "***"}
"""


@pytest.fixture
def rules_file(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    return path


@pytest.fixture
def everything(tmp_path, data, rules_file):
    """All files in the test's folder, with some that are torn or wrong."""
    (tmp_path / "torn.parquet").write_bytes((data / "orders.parquet").read_bytes()[:900])
    bad = "version: 1\ntables:\n  orders: {columns: {\n    email: redcat}}\n"
    (tmp_path / "bad.yaml").write_text(bad, encoding="utf-8")
    return lambda: sorted(tmp_path.rglob("*"))


class TestMask:
    """The command masks, tells people what it did on stderr, and programs on stdout."""

    def test_it_masks_and_reports_counts(self, maskgate, data, rules_file, tmp_path):
        done = maskgate("mask", rules_file, data / "orders.parquet", "masked")
        assert (done.returncode, done.stdout) == (0, "")
        assert "orders: 4 rows masked into masked" in done.stderr
        assert "token (domain=customer, hmac)" in done.stderr
        assert "planted" not in done.stderr
        assert pq.read_table(tmp_path / "masked" / "part-00000.parquet").num_rows == 4

    def test_json_is_one_document_on_stdout(self, maskgate, data, rules_file, tmp_path):
        done = maskgate("mask", rules_file, data / "orders.parquet", "masked", "--json")
        document = json.loads(done.stdout)
        assert document["table"] == "orders"
        assert document["manifest"] == json.loads((tmp_path / "masked" / "manifest.json").read_text(encoding="utf-8"))

    def test_a_terminal_shows_a_bar(self, at_a_terminal, data, rules_file):
        assert "masking orders" in at_a_terminal("mask", rules_file, data / "orders.parquet", "masked")

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            pytest.param(
                ["rules.yaml", "nope.parquet", "out"], 1, "nope.parquet: there is no such file.", id="no source"
            ),
            pytest.param(
                ["rules.yaml", "torn.parquet", "out"], 1, "torn.parquet: it is not a Parquet file", id="a torn file"
            ),
            pytest.param(
                ["rules.yaml", "data/orders.parquet", "data"], 1, "data: it exists already", id="a target in use"
            ),
            pytest.param(
                ["nope.yaml", "data/orders.parquet", "out"], 2, "nope.yaml: the rules cannot be read", id="no rules"
            ),
            pytest.param(["bad.yaml", "data/orders.parquet", "out"], 2, "bad.yaml:4, column", id="a bad rule"),
            pytest.param(
                ["torn.parquet", "data/orders.parquet", "out"], 2, "this is not YAML", id="rules that are no text"
            ),
            pytest.param(
                ["rules.yaml", "data/customers.parquet", "out"], 2, 'table "orders": column', id="other columns"
            ),
            pytest.param(
                ["rules.yaml", "data/orders.parquet", "out", "--table", "order"],
                2,
                "Did you mean 'orders'?",
                id="no such table",
            ),
            pytest.param(["rules.yaml"], 2, "Missing argument 'SOURCE'", id="too few arguments"),
        ],
    )
    def test_an_error_is_one_message_and_nothing_is_written(self, maskgate, everything, arguments, code, message):
        before = everything()
        done = maskgate("mask", *arguments)
        assert done.returncode == code
        assert message in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
        assert everything() == before

    def test_a_key_that_is_not_set(self, maskgate, data, rules_file, tmp_path):
        done = maskgate("mask", rules_file, data / "orders.parquet", "masked", keys=False)
        assert done.returncode == 2
        assert "the environment variable MASKGATE_KEY_PEOPLE is not set" in done.stderr
        assert not (tmp_path / "masked").exists()


class TestMain:
    """The command line says what it knows, and is quick to say it."""

    def test_help_lists_every_command(self, maskgate):
        done = maskgate("--help")
        assert done.returncode == 0
        assert all(name in done.stdout for name in ("init", "mask", "keys", "serve", "ledger", "requests"))

    def test_an_unknown_command_is_bad_usage(self, maskgate):
        done = maskgate("msk")
        assert done.returncode == 2
        assert "No such command 'msk'" in done.stderr

    def test_the_command_line_alone_needs_no_arrow(self):
        script = "import sys, maskgate.cli; print(*{'pyarrow', 'numpy', 'rich', 'httpx'} & set(sys.modules))"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == ""

    def test_stopped_while_it_is_being_imported(self):
        stops = "type('Stops', (), {'find_spec': staticmethod(lambda name, *_: stop() if name == 'click' else None)})"
        code = (
            "import sys\ndef stop(): raise KeyboardInterrupt\n"
            f"sys.meta_path.insert(0, {stops})\nfrom maskgate.cli import main"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (130, "\nmaskgate: stopped.\n")

    def test_an_unexpected_error_shows_no_value(self, monkeypatch, capsys):
        def fail():
            raise ValueError("planted")

        monkeypatch.setattr("maskgate.cli.mask.mask", click.Command("mask", callback=fail))
        assert run(["mask"]) == 1
        said = capsys.readouterr().err
        assert "unexpected ValueError" in said
        assert "planted" not in said
