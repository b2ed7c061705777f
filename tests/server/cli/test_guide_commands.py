"""What a guide shows after a `$` can be typed: here it is, line by line, at a gate whose people sign what is asked."""

from __future__ import annotations

import base64
import json
import re
import shlex
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from demo.processes import wait_until
from make_data import make_data
from server.web.running_gate import POLICY, REASON, RunningGate

from maskgate import load_rules, mask_table
from maskgate.cli.main import run
from maskgate.gate.model import DecisionInput, Identity

ROOT = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"^ *```console\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
# What needs more than one gate, or never ends: how it begins, the test that runs it, and what it is called there.
ELSEWHERE = {
    "maskgate serve": ("server/web/test_cli_serve.py", '"serve"'),
    "maskgate releaser": ("server/release", '"releaser"'),
    "maskgate mcp": ("server/approval/test_agents.py", '"mcp"'),
    "maskgate approve": ("server/approval/test_commands.py", '"approve"'),
    "make demo": ("samples/test_demo.py", "demo.run_demo"),
}
# This guide is about masking alone, and is typed there.
TYPED_ELSEWHERE = {"datasets.md": "core/datasets/test_guide.py"}
# These install, run the tests, or set what the next line needs.
NOT_RUN = ("pip install ", "export ", "make test", "make check", "MASKGATE_URL=")
CODES = {"maskgate gate keys rotate": 4, "maskgate gate keys revoke": 4, "maskgate doctor --report": 1}
ACTIONS = """\
  - name: actions
    when: {action: [deploy, purge, detokenize, mask, rotate-gate-key, revoke-gate-key]}
    require: {slots: {privacy: 1}}
    channels: [web]
    expires: 1h
otherwise: refuse
"""
MORE = """\
tokens: {pipeline: {owner: requester}, keys: {role: operator, owner: requester}}
handlers:
  purge: {kind: command, command: [echo, "{resource}", "{days}"], input: {days: {type: integer}}}
sources: {crm: {rules: rules.yaml, tables: {customers: originals/customers.parquet}}}
"""
PEOPLE = {
    "email": ["a@example.com", "b@example.com"],
    "full_name": ["Ann", "Ben"],
    "ssn": ["1", "2"],
    "country": ["NO", "SE"],
}
RULES = """\
version: 1
keys: {people: env:MASKGATE_KEY_PEOPLE}
domains: {email: {scheme: encrypt, key: people}}
tables: {customers: {columns: {email: {method: token, domain: email}}}}
"""
FACTS = {"action": "export", "destination": "partner", "trust": "external", "rows": 1, "level": "release"}


def lines(block: str) -> list[str]:
    """The commands of a block, without what they print."""
    shown = re.findall(r"^\s*\$ (.*)$", block, re.MULTILINE)
    return shown or [line.strip() for line in block.splitlines() if line.strip().startswith(("make ", "maskgate "))]


def guides() -> list:
    """Every guide with something to type in it that is typed here."""
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    here = [file for file in files if file.name not in TYPED_ELSEWHERE]
    shown = {file.name: "\n".join(BLOCK.findall(file.read_text(encoding="utf-8"))) for file in here}
    typed = {
        name: [line for line in lines(block) if not line.startswith((*ELSEWHERE, *NOT_RUN))]
        for name, block in shown.items()
    }
    return [pytest.param(found, id=name) for name, found in typed.items() if found]


class Signed(RunningGate):
    """A gate whose reviewer signs whatever waits."""

    def __init__(self, folder: Path) -> None:
        policy = POLICY.replace("otherwise: refuse\n", ACTIONS)
        super().__init__(folder, "http://127.0.0.1:9", policy=policy, more=MORE, home=folder)
        self.over = threading.Event()
        self.signing = threading.Thread(target=self.sign, daemon=True)

    def sign(self) -> None:
        while not self.over.wait(0.1):
            with self.client("auditor") as client:
                for each in client.requests("pending"):
                    who = Identity(("company|reviewer",), "web", ("privacy-team",), self.services.clock.now())
                    digests = (each["intent_digest"], each["context_digest"])
                    self.gate.decide(each["id"], DecisionInput(who, "approve", REASON, *digests))


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guides")
    (folder / "originals").mkdir()
    pq.write_table(pa.table(PEOPLE), folder / "originals" / "customers.parquet")
    running = Signed(folder)
    running.start()
    running.signing.start()
    yield running
    running.over.set()
    running.signing.join()
    running.stop()


@pytest.fixture
def folder(gate, tmp_path, monkeypatch):
    """The folder that somebody types in: what the commands name is there."""
    monkeypatch.setenv("STAGE", "production")
    for name in ("MASKGATE_KEY_PEOPLE", "MASKGATE_KEY_CONTACT", "MASKGATE_TEST_KEY"):
        monkeypatch.setenv(name, base64.b64encode(name.encode() * 2).decode())
    surroundings = {"HOME": gate.home.folder, "URL": gate.url, "FINGERPRINT": gate.gate.fingerprint}
    for name, value in surroundings.items():
        monkeypatch.setenv(f"MASKGATE_{name}", str(value))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    make_data(tmp_path / "data", customers=50, orders=100, seed=1)
    (tmp_path / "deploy.sh").write_text("#!/bin/sh\necho deployed $1\n")
    (tmp_path / "deploy.sh").chmod(0o700)
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "customers.yaml").write_text((ROOT / "sample_dags/rules/customers.yaml").read_text(encoding="utf-8"))
    (tmp_path / "policy.yaml").write_text(gate.configuration.policy.read_text(encoding="utf-8"))
    (tmp_path / "facts.json").write_text(json.dumps(FACTS))
    return tmp_path


class Typist:
    """Types what a guide shows, with real ids where it leaves them out."""

    def __init__(self, gate: Signed, folder: Path, capfd, monkeypatch) -> None:
        self.gate, self.folder, self.capfd, self.monkeypatch = gate, folder, capfd, monkeypatch
        self.first_key = gate.gate.fingerprint
        self.request = ""

    def word(self, word: str) -> str:
        if word == "req_…":
            self.request = self.request or self.approved()
            return self.request
        if word == "sha256:5f1c…":
            wait_until(lambda: self.gate.gate.fingerprint != self.first_key, what="the key is another", timeout=60)
            return self.first_key
        if "…" in word:
            table = pa.table({"email": ["ann@example.com"]})
            masked, _ = mask_table(table, load_rules(self.folder / "rules.yaml"), table_name="customers")
            return word.replace("…", masked["email"][0].as_py())
        return word.replace("/mnt/elsewhere", str(self.folder / "elsewhere"))

    def approved(self) -> str:
        with self.gate.client() as client:
            asked = client.create_request(staging=self.gate.stage(client), destination="partner", why="for the report")
        # Whoever signs may be quicker than whoever looks.
        wait_until(lambda: self.gate.read(asked["id"])["state"] == "approved", what="it is signed", timeout=60)
        return asked["id"]

    def type(self, line: str) -> None:
        words = [self.word(word) for word in shlex.split(line, comments=True)]
        target = self.folder / words.pop() if words[-2] == ">" else None
        token = {"gate": "keys", "ledger": "auditor"}.get(words[1], "pipeline")
        self.monkeypatch.setenv("MASKGATE_TOKEN", self.gate.token(token))
        self.capfd.readouterr()
        code = run(words[1:] if target is None else words[1:-1])
        printed = self.capfd.readouterr()
        expected = next((code for begins, code in CODES.items() if line.startswith(begins)), 0)
        assert code == expected, f"{line}\n{printed.out}{printed.err}"
        if target is not None:
            target.write_text(printed.out, encoding="utf-8")
        if words[1] == "request":
            self.request = re.search(r"req_\w+", printed.out)[0]
        elif words[1] == "release":
            self.request = ""


class TestGuides:
    """Every command that a guide shows ends as it should, as it is written, in the order of the guide."""

    @pytest.mark.parametrize("typed", guides())
    def test_it_can_be_typed(self, typed, gate, folder, capfd, monkeypatch):
        typist = Typist(gate, folder, capfd, monkeypatch)
        for line in typed:
            typist.type(line)

    @pytest.mark.parametrize(("guide", "where"), TYPED_ELSEWHERE.items())
    def test_a_guide_that_is_not_typed_here_is_typed_elsewhere(self, guide, where):
        assert f'"{guide}"' in (ROOT / "tests" / where).read_text(encoding="utf-8")

    @pytest.mark.parametrize(("begins", "where"), [pytest.param(*each, id=each[0]) for each in ELSEWHERE.items()])
    def test_what_is_not_typed_here_is_run_elsewhere(self, begins, where):
        place, word = ROOT / "tests" / where[0], where[1]
        files = [place] if place.is_file() else place.glob("test_*.py")
        assert any(word in file.read_text(encoding="utf-8") for file in files)
