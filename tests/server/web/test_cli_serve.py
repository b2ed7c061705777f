"""``maskgate serve`` and its companions, as processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from maskgate.server.serving import bind
from maskgate.testing.staged_tables import RULES_TEXT

POLICY = """\
version: 1
people: {reviewer: ["company|reviewer"]}
reviewers: {privacy: {people: [reviewer]}}
policies:
  - name: export
    when: {action: export}
    require: {slots: {privacy: 1}, distinct: 1}
    channels: [web]
otherwise: refuse
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Home:
    """A folder with all that a gate needs, and the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        (folder / "staging").mkdir()
        (folder / "released").mkdir()
        (folder / "policy.yaml").write_text(POLICY)
        (folder / "rules.yaml").write_text(RULES_TEXT)
        self.configure()

    def configure(self, more: str = "") -> None:
        (self.folder / "gate.yaml").write_text(
            f"version: 1\nurl: {self.url}\npolicy: policy.yaml\nrules: [rules.yaml]\nstaging: {{a: {{uri: staging}}}}\n"
            f"destinations: {{partner: {{uri: released, trust: external}}}}\n{more}"
        )

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "MASKGATE_HOME": str(self.folder), "MASKGATE_URL": self.url}

    def command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("maskgate")), *arguments]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.command(*arguments),
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def token(self, role: str) -> str:
        return (self.folder / f"{role}.token").read_text().strip()


@contextmanager
def served(home: Home):
    """Start the gate of a home as often as asked; kill in the end what still runs."""
    started: list[subprocess.Popen] = []

    def start(*arguments: str) -> subprocess.Popen:
        process = subprocess.Popen(
            home.command("serve", *arguments),
            env=home.environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        for line in process.stderr:
            process.said = [*getattr(process, "said", []), line.strip()]
            if line.startswith("token of role auditor"):
                return process
        raise AssertionError(process.said)

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@pytest.fixture
def serve(home):
    with served(home) as start:
        yield start


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """The home of a gate that runs; nobody stops or changes it."""
    home = Home(tmp_path_factory.mktemp("running"))
    with served(home) as start:
        start()
        yield home


def rewrite(home: Home, statement: str) -> None:
    """Change the ledger as somebody does who has the database in their hands."""
    with sqlite3.connect(home.folder / "gate.db") as database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute(statement)


class TestServe:
    """One process, made ready by its first start, stopped in good order."""

    @pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
    def test_from_the_first_start_to_the_end(self, home, serve, how):
        process = serve()
        said = "\n".join(process.said)
        health = httpx.get(f"{home.url}/healthz", timeout=20).json()
        assert "first start" in said
        assert home.url in said
        assert health["fingerprint"] in said
        for name in ("gate.db", "signing-key.pem", "pipeline.token", "auditor.token"):
            assert stat.S_IMODE((home.folder / name).stat().st_mode) == 0o600, name
        assert stat.S_IMODE((home.folder / "sealed").stat().st_mode) == 0o700
        assert home.token("pipeline") not in said
        process.send_signal(how)
        out, _ = process.communicate(timeout=15)
        assert process.returncode == 0
        assert out == ""

    def test_a_second_start_goes_on(self, home, serve):
        one = serve()
        before = home.token("pipeline"), httpx.get(f"{home.url}/healthz", timeout=20).json()
        one.send_signal(signal.SIGKILL)
        one.communicate()
        other = serve()
        assert "first start" not in "\n".join(other.said)
        assert (home.token("pipeline"), httpx.get(f"{home.url}/healthz", timeout=20).json()) == before

    def test_nothing_that_was_sent_is_logged(self, home, serve):
        process = serve()
        secret = "mg_pipeline_very-secret"
        httpx.get(f"{home.url}/requests/{secret}?code={secret}", timeout=20)
        httpx.get(f"{home.url}/api/v1/requests", headers={"Authorization": f"Bearer {secret}"}, timeout=20)
        process.terminate()
        assert secret not in "".join(process.communicate(timeout=15))

    def test_a_home_serves_one_gate(self, running, tmp_path):
        other = tmp_path / "other.yaml"
        text = (running.folder / "gate.yaml").read_text().replace(running.url, f"http://127.0.0.1:{free_port()}")
        for before in ("policy: ", "rules: [", "uri: "):
            text = text.replace(before, f"{before}{running.folder}/")
        other.write_text(text)
        second = running.run("serve", "--config", str(other))
        assert second.returncode == 1
        assert "another gate runs on" in second.stderr


class TestRefusedStart:
    """A start that cannot be is one clear message, and makes nothing."""

    def test_a_port_in_use(self, home):
        with bind("127.0.0.1", int(home.url.rpartition(":")[2])):
            done = home.run("serve")
        assert done.returncode == 1
        assert "is in use" in done.stderr
        assert not (home.folder / "gate.db").exists()

    @pytest.mark.parametrize(
        ("file", "text", "words"),
        [
            pytest.param("gate.yaml", "version: 1\n", "`url` is missing", id="a configuration with a block missing"),
            pytest.param("gate.yaml", "nonsense: [", "not YAML", id="a configuration that is no YAML"),
            pytest.param("policy.yaml", "version: 1\n", "policy.yaml", id="a policy that permits nothing"),
            pytest.param("rules.yaml", "version: 9\n", "rules.yaml", id="rules of another version"),
        ],
    )
    def test_a_file_that_is_wrong(self, home, file, text, words):
        (home.folder / file).write_text(text)
        done = home.run("serve")
        assert done.returncode == 2, done.stderr
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert not (home.folder / "gate.db").exists()

    @pytest.mark.parametrize("file", ["gate.yaml", "policy.yaml", "rules.yaml"])
    def test_a_file_that_is_missing(self, home, file):
        (home.folder / file).unlink()
        done = home.run("serve")
        assert done.returncode in {1, 2}
        assert file in done.stderr
        assert "Traceback" not in done.stderr


class TestLedger:
    """The record can be shown, checked against itself, and against a checkpoint from outside."""

    def test_shown_from_the_home(self, running):
        shown = json.loads(running.run("ledger", "show", "--json").stdout)["entries"]
        assert (shown[0]["seq"], shown[0]["type"]) == (0, "gate.created")
        only = running.run("ledger", "show", "--type", "rules.registered").stdout
        assert "rules.registered" in only
        assert "gate.created" not in only

    def test_shown_by_the_gate_to_an_auditor_elsewhere(self, running, tmp_path):
        elsewhere = str(tmp_path)
        done = running.run("ledger", "show", MASKGATE_HOME=elsewhere, MASKGATE_TOKEN=running.token("auditor"))
        assert "gate.created" in done.stdout
        refused = running.run("ledger", "show", MASKGATE_HOME=elsewhere, MASKGATE_TOKEN=running.token("pipeline"))
        assert refused.returncode == 3

    def test_alone_it_only_agrees_with_itself(self, running):
        done = running.run("ledger", "verify", "--json")
        assert done.returncode == 0
        verdict = json.loads(done.stdout)
        assert verdict["holds"] is True
        assert "checkpoint" in verdict["verdict"], "it says what it cannot show"

    def test_what_was_changed_afterwards_is_found(self, home, serve):
        process = serve()
        note = home.run("ledger", "checkpoint", MASKGATE_TOKEN=home.token("auditor"))
        process.kill()
        process.wait()
        kept = home.folder / "checkpoint"
        kept.write_text(note.stdout)
        against = ("ledger", "verify", "--checkpoint", str(kept))
        assert home.run(*against).returncode == 0
        rewrite(home, "UPDATE ledger SET body = CAST(replace(body, 'customers', 'x') || ' ' AS BLOB) WHERE seq = 2")
        changed = home.run("ledger", "verify")
        assert changed.returncode == 1
        assert "entry 2" in changed.stderr
        rewrite(home, "DELETE FROM ledger WHERE seq > 1")
        assert home.run(*against).returncode == 1
        size = note.stdout.split("\n")[1]
        kept.write_text(note.stdout.replace(f"\n{size}\n", "\n2\n"))
        forged = home.run(*against)
        assert forged.returncode == 1
        assert "signature" in forged.stderr, "the checkpoint's signature covers its size"

    def test_a_database_that_was_put_back_is_not_served(self, home, serve):
        def stop(process):
            process.terminate()
            process.wait(timeout=15)

        kept, older = home.folder / "checkpoint", home.folder / "older.db"
        stop(serve())
        shutil.copy(home.folder / "gate.db", older)
        second = serve()
        kept.write_text(home.run("ledger", "checkpoint", MASKGATE_TOKEN=home.token("auditor")).stdout)
        stop(second)
        stop(serve("--checkpoint", str(kept)))
        for part in ("gate.db-wal", "gate.db-shm"):
            (home.folder / part).unlink(missing_ok=True)
        older.replace(home.folder / "gate.db")
        refused = home.run("serve", "--checkpoint", str(kept))
        assert refused.returncode == 1
        assert "put back" in refused.stderr
        assert "Traceback" not in refused.stderr

    def test_a_checkpoint_belongs_to_a_gate_that_is_there(self, home):
        (home.folder / "checkpoint").write_text("x")
        refused = home.run("serve", "--checkpoint", str(home.folder / "checkpoint"))
        assert refused.returncode == 1
        assert "holds no gate yet" in refused.stderr
        assert not (home.folder / "signing-key.pem").exists()

    def test_no_gate_here(self, home):
        done = home.run("ledger", "verify")
        assert done.returncode == 2
        assert "there is no gate" in done.stderr


class TestRequests:
    """The list of requests, for people and programs."""

    def test_an_empty_list(self, running):
        done = running.run("requests", MASKGATE_TOKEN=running.token("pipeline"))
        assert (done.returncode, done.stdout) == (0, "")
        listed = running.run("requests", "--json", MASKGATE_TOKEN=running.token("pipeline"))
        assert json.loads(listed.stdout) == {"requests": []}

    def test_a_token_that_is_none(self, running):
        assert running.run("requests", MASKGATE_TOKEN="x").returncode == 3

    def test_a_gate_that_does_not_answer(self, home):
        assert home.run("requests", MASKGATE_TOKEN="x").returncode == 5

    def test_a_setting_that_is_missing(self, home):
        done = home.run("requests", MASKGATE_TOKEN="")
        assert done.returncode == 2
        assert "MASKGATE_TOKEN" in done.stderr
