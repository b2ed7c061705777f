"""``maskgate doctor``: with a real home, real files, a host that answers and a worker that probes."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote

import fsspec
import pytest
from server.web.running_gate import RunningGate

from maskgate.cli.doctor_probe import is_reached
from maskgate.cli.main import run
from maskgate.gate.client import GateClient
from maskgate.gate.model import Destination
from maskgate.server.doctor_checks import Facts, PlaceFacts, diagnose
from maskgate.server.doctor_facts import held_by, place_of
from maskgate.server.doctor_values import marks_of

SALT = "ab" * 16
WORKER = {
    "name": "worker-1",
    "machine": "another",
    "user": 2000,
    "readable": [],
    "writable": ["/srv/staging"],
    "set": [],
    "host_secrets": [],
}
HEALTHY = {
    "user": 1000,
    "url": "https://gate.example",
    "secrets": {"/srv/gate/signing-key.pem": 0o600},
    "destinations": (PlaceFacts("partner", "/srv/released", ("env:PARTNER_KEY", "file:/etc/partner")),),
    "staging": (PlaceFacts("shared", "/srv/staging"),),
    "clocks": {"the database": timedelta(0)},
    "checkpoint_age": timedelta(hours=1),
    "workers": (WORKER,),
}
ORIGINALS = (PlaceFacts("crm.customers", "/srv/originals", ("env:CONTACT_KEY",)),)


def findings(**changes):
    worker = WORKER | changes.pop("worker", {})
    return diagnose(Facts(**HEALTHY | {"workers": (worker,)} | changes))


class TestChecks:
    """Each check finds its own trouble, and says what, why and what to do."""

    def test_nothing_is_found_where_all_is_well(self):
        assert findings() == ()

    @pytest.mark.parametrize(
        ("changes", "check", "words"),
        [
            ({"secrets": {"/srv/gate/signing-key.pem": 0o644}}, "secrets", "has mode 0644"),
            (
                {"worker": {"readable": ["/srv/gate/signing-key.pem"]}},
                "secrets",
                "can read /srv/gate/signing-key.pem",
            ),
            ({"worker": {"writable": ["/srv/staging", "/srv/released"]}}, "destinations", "can write to destination"),
            ({"worker": {"set": ["env:PARTNER_KEY"]}}, "destinations", "has env:PARTNER_KEY"),
            ({"worker": {"readable": ["/etc/partner"]}}, "destinations", "has file:/etc/partner"),
            (
                {"worker": {"holds": {"partner": ["env:AIRFLOW_CONN_LAKE"]}}},
                "destinations",
                "has a credential of destination partner as env:AIRFLOW_CONN_LAKE",
            ),
            ({"worker": {"reached": ["/srv/released"]}}, "destinations", "can look into destination partner"),
            ({"unshared": ("sealed copies lie in /srv/gate/sealed",)}, "sealed copies", "lie in /srv/gate/sealed"),
            (
                {"sources": ORIGINALS, "worker": {"readable": ["/srv/originals"]}},
                "sources",
                "can read the originals of crm.customers",
            ),
            ({"sources": ORIGINALS, "worker": {"set": ["env:CONTACT_KEY"]}}, "sources", "has env:CONTACT_KEY"),
            ({"worker": {"host_secrets": ["jwt_secret of airflow.cfg"]}}, "host secret", "has jwt_secret"),
            ({"worker": {"user": 1000, "machine": "same"}}, "embedded", "are one operating system user"),
            ({"url": "http://gate.example"}, "embedded", "http://gate.example"),
            ({"clocks": {"the host prod": timedelta(seconds=-40)}}, "clocks", "-40.0 s from this machine's"),
            ({"clocks": {"the host prod": None}}, "clocks", "could not be asked"),
            ({"checkpoint_age": None}, "checkpoints", "no checkpoint was shown"),
            ({"checkpoint_age": timedelta(hours=49)}, "checkpoints", "49 hours old"),
            ({"worker": {"writable": []}}, "staging", "cannot write to staging root shared"),
            ({"workers": ()}, "workers", "no worker was probed"),
        ],
    )
    def test_one_trouble(self, changes, check, words):
        (found,) = findings(**changes)
        assert found.check == check
        assert words in found.what
        assert found.why
        assert found.do

    def test_what_it_says_to_do_leaves_a_home_usable(self, tmp_path):
        home = tmp_path / "home"
        home.mkdir(mode=0o755)
        (found,) = findings(secrets={str(home): 0o755})
        subprocess.run(found.do.split(), check=True)
        assert stat.S_IMODE(home.stat().st_mode) == 0o700


PASSWORD = "pass word/7 of the lake"
LAKE = Destination("lake", "s3://lake/in", "external", options={"secret": PASSWORD, "client": {"region": "eu-north-1"}})


class TestMarks:
    """A credential is found by its value, wherever a worker keeps it, and no value is in what is told of it."""

    @pytest.mark.parametrize(
        "kept",
        [
            pytest.param(PASSWORD, id="in a variable"),
            pytest.param(f"aws://AKIA:{quote(PASSWORD, safe='')}@/?region_name=eu", id="in an address"),
            pytest.param(json.dumps({"conn_type": "aws", "password": PASSWORD}), id="in a connection"),
            pytest.param(json.dumps({"extra": json.dumps({"keys": [PASSWORD]})}), id="in what is in a connection"),
            pytest.param({"conn_type": "aws", "extra": {"secret": PASSWORD}}, id="in an export"),
            pytest.param(f"AccountName=lake;AccountKey={PASSWORD};Suffix=x", id="in an account's string"),
            pytest.param(f"postgres://host/db?password={quote(PASSWORD)}", id="in a query"),
        ],
    )
    def test_found(self, kept):
        worker = {"salt": SALT, "marks": marks_of({"env:LAKE": kept, "env:PATH": "/usr/bin:/bin"}, SALT)}
        assert held_by(worker, [LAKE], ["eu-north-1"])["holds"] == {"lake": ["env:LAKE"]}
        assert PASSWORD not in json.dumps(worker)

    @pytest.mark.parametrize(
        ("named", "salt"),
        [
            pytest.param({"env:LAKE": PASSWORD + "!"}, SALT, id="another value"),
            pytest.param({"env:AWS_REGION": "eu-north-1"}, SALT, id="what is no secret"),
            pytest.param({"env:LAKE": PASSWORD}, "00" * 16, id="of another look-over"),
            pytest.param({"env:X": "", "env:Y": "short"}, SALT, id="too little to be one"),
        ],
    )
    def test_not_found(self, named, salt):
        assert held_by({"salt": SALT, "marks": marks_of(named, salt)}, [LAKE], ["eu-north-1"])["holds"] == {}

    def test_a_report_of_before_has_none(self):
        assert held_by(WORKER, [LAKE], [])["holds"] == {}


class TestReached:
    """A bucket is reached if it can be listed with what lies about on the worker, whatever that is."""

    def test_one_that_answers(self, monkeypatch):
        store = fsspec.filesystem("memory")
        store.pipe("/lake/in/x", b"x")
        assert is_reached({"uri": "memory://lake/in", "endpoint": ""})
        assert is_reached({"uri": "memory://lake/elsewhere", "endpoint": ""})

    @pytest.mark.parametrize("uri", ["nothing-like-it://lake/in", "s3://lake/in"])
    def test_one_that_does_not(self, uri, monkeypatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        assert not is_reached({"uri": uri, "endpoint": "http://127.0.0.1:9"})


@pytest.fixture(scope="module")
def host():
    """A host whose clock is an hour slow."""

    class Slow(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200)
            self.end_headers()

        def date_time_string(self, timestamp=None):
            return "Mon, 01 Jan 2024 00:00:00 GMT"

        def log_message(self, *_):
            return

    server = HTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def gate(tmp_path_factory, host):
    work = tmp_path_factory.mktemp("looked_over")
    (work / "password").write_text("x")
    (work / "password").chmod(0o600)
    more = f'airflow: {{prod: {{url: "{host}", username: gate, password: "file:password"}}}}'
    running = RunningGate(work, "http://127.0.0.1:9", more=more)
    running.start()
    with GateClient(running.url, running.token("auditor")) as client:
        (work / "checkpoint").write_text(client.checkpoint()["note"])
    yield running
    running.stop()


@pytest.fixture
def said(gate, capsys):
    def call(*arguments):
        options = ["--config", gate.configuration.file, "--home", gate.home.folder]
        code = run(["doctor", *map(str, [*options, *arguments])])
        return code, capsys.readouterr().out

    return call


class TestCommand:
    """The whole of it: asked here, probed on a worker, reported here."""

    def test_a_gate_beside_its_worker(self, gate, said, tmp_path):
        code, asked = said("--ask")
        assert code == 0
        (tmp_path / "ask.json").write_text(asked)
        command = [
            sys.executable,
            "-c",
            "from maskgate.cli import main; main()",
            "doctor",
            "--probe",
            str(tmp_path / "ask.json"),
        ]
        environment = {"PATH": "/usr/bin", "HOME": str(tmp_path), "AIRFLOW__API_AUTH__JWT_SECRET": "very secret"}
        (tmp_path / "connections.json").write_text('{"lake": {"conn_type": "aws", "password": "very secret too"}}')
        command += ["--export", str(tmp_path / "connections.json")]
        probed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        assert "very secret" not in probed
        assert {"env:AIRFLOW__API_AUTH__JWT_SECRET", "lake of connections.json"} <= json.loads(probed)["marks"].keys()
        (tmp_path / "report.json").write_text(probed)
        checkpoint = gate.configuration.file.parent / "checkpoint"
        code, out = said("--report", tmp_path / "report.json", "--checkpoint", checkpoint, "--json")
        told = json.loads(out)
        assert (code, told["ok"]) == (1, False)
        assert told["levels"] == {"partner": "release", "regulator": "release"}
        found = {(each["check"], each["what"].rpartition(" ")[2]) for each in told["findings"]}
        assert ("secrets", str(gate.home.signing_key)) in found
        assert ("destinations", "partner") in found
        checks = {each["check"] for each in told["findings"]}
        assert checks == {"secrets", "destinations", "host secret", "embedded", "clocks"}

    def test_a_destination_has_the_level_of_its_configuration(self):
        partner = Destination("partner", "s3://partner/in", "external", level="broker", role="arn:aws:iam::1:role/in")
        assert place_of(partner, {}).level == "broker"

    def test_without_a_report(self, said):
        code, out = said()
        assert code == 1
        assert "destination partner is enforced at level release" in out
        assert "no worker was probed" in out
        assert "no checkpoint was shown" in out
        assert "the clock of the host prod is -" in out

    def test_a_file_that_is_no_report(self, said, tmp_path):
        (tmp_path / "report.json").write_text("{}")
        assert said("--report", tmp_path / "report.json")[0] == 2

    def test_no_gate(self, tmp_path, capsys):
        assert run(["doctor", "--home", str(tmp_path / "nowhere")]) == 2
        assert "Name its home by --home" in capsys.readouterr().err

    def test_a_home_whose_database_is_elsewhere(self, tmp_path, capsys, monkeypatch):
        monkeypatch.delenv("MASKGATE_DATABASE_URL", raising=False)
        (tmp_path / "signing-key.pem").touch()
        assert run(["doctor", "--home", str(tmp_path)]) == 2
        assert "Name it by MASKGATE_DATABASE_URL" in capsys.readouterr().err
