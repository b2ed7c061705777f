"""`maskgate gate keys` asks the gate over HTTP; what a person signs there is done, and nothing else."""

from __future__ import annotations

import json

import pytest
from server.web.running_gate import POLICY, RunningGate

from maskgate.cli.main import run
from maskgate.errors import LedgerError
from maskgate.gate.ring import Ring
from maskgate.gate.signer import Signer
from maskgate.server.home import Home
from maskgate.server.ledger_check import check_ledger

KEYS = """\
  - name: keys of the gate
    when: {action: [rotate-gate-key, revoke-gate-key]}
    require: {slots: {privacy: 1}, distinct: 1}
    channels: [web]
    expires: 24h
otherwise: refuse
"""
MORE = "tokens: {pipeline: {owner: requester}, keys: {role: operator, owner: requester}}"


@pytest.fixture(scope="module")
def gate(tmp_path_factory, provider):
    policy = POLICY.replace("otherwise: refuse\n", KEYS)
    running = RunningGate(tmp_path_factory.mktemp("gate"), provider.issuer, policy=policy, more=MORE)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def ask(gate, monkeypatch, capsys):
    """Run the command with a token; return exit code, output, and what was said."""
    monkeypatch.setenv("MASKGATE_URL", gate.url)

    def call(*arguments, token="keys"):
        monkeypatch.setenv("MASKGATE_TOKEN", gate.token(token))
        code = run(["gate", "keys", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def ring(ask):
    return json.loads(ask("export")[1])


class TestCommand:
    """List, export, rotate and revoke."""

    def test_export_is_a_ring_to_pin(self, ask, tmp_path):
        code, out, _ = ask("export")
        (tmp_path / "ring.json").write_text(out)
        assert code == 0
        assert Ring.load(tmp_path / "ring.json").first.fingerprint == json.loads(out)["gate"]

    def test_rotate_and_revoke(self, gate, ask, browser):
        first = gate.gate.fingerprint
        code, out, err = ask("rotate", "--why", "a year has gone by")
        assert code == 4
        request = out.split(":")[0]
        assert f"{gate.url}/requests/{request}" in err
        assert ring(ask)["keys"][-1]["kid"] == first, "asking changes nothing"
        reviewer = browser("reviewer")
        page = reviewer.page(request)
        assert "a year has gone by" in page
        assert first in page
        assert reviewer.decide(request).status_code == 303
        second = ring(ask)["keys"][-1]["kid"]
        assert second == gate.gate.fingerprint != first
        code, out, _ = ask("revoke", first, "--json")
        assert code == 4
        assert browser("reviewer").decide(json.loads(out)["id"]).status_code == 303
        code, out, _ = ask("list")
        old, new = out.splitlines()
        assert old.startswith(f"{first}  revoked at ")
        assert new.startswith(f"{second}  in use since ")

    def test_who_asks_does_not_sign(self, ask, browser):
        _, out, _ = ask("rotate", "--json")
        answer = browser("requester").http.get(f"/requests/{json.loads(out)['id']}")
        assert "cannot also decide it" in answer.text

    @pytest.mark.parametrize("token", ["pipeline", "auditor"])
    def test_other_tokens_do_not_ask(self, ask, token):
        code, _, err = ask("rotate", token=token)
        assert code == 3
        assert "a token of the role operator" in err

    @pytest.mark.parametrize(
        ("key", "code", "words"),
        [
            pytest.param("nonsense", 2, "key", id="no fingerprint"),
            pytest.param("sha256:" + "0" * 64, 3, "has never signed by", id="a key that was never there"),
        ],
    )
    def test_revoke_what_is_not_there(self, ask, key, code, words):
        found, _, err = ask("revoke", key)
        assert found == code
        assert words in err

    def test_the_key_in_use(self, gate, ask):
        code, _, err = ask("revoke", gate.gate.fingerprint)
        assert code == 3
        assert "Rotate it first" in err


class TestOperatorsToken:
    """It asks for changes of the gate's keys, sees the requests about them, and reads nothing else."""

    @pytest.mark.parametrize(
        "path", ["standing", "post-reviews", "ledger/entries", "ledger/checkpoint", "reconciliation"]
    )
    def test_what_auditors_and_people_read_is_refused(self, gate, path):
        answers = {}
        for token in ("keys", "pipeline", "auditor"):
            with gate.bearer(token) as http:
                answers[token] = http.get(f"/api/v1/{path}").status_code
        assert answers == {"keys": 403, "pipeline": 403, "auditor": 200}

    def test_a_request_of_a_pipeline_is_not_there(self, gate, ask):
        export, about_keys = gate.request(), json.loads(ask("rotate", "--json")[1])
        with gate.bearer("keys") as http:
            seen = [each["id"] for each in http.get("/api/v1/requests?limit=100").json()["requests"]]
            assert about_keys["id"] in seen
            assert export["id"] not in seen
            for tail in ("", "/policy"):
                assert http.get(f"/api/v1/requests/{export['id']}{tail}").status_code == 404
            assert http.get("/api/v1/delegations").json() == {"delegations": []}


class TestLedgerCheck:
    """Checkpoints and grants are verified across a rotation, from the home alone."""

    def test_checkpoints_of_before_and_after(self, gate, ask, browser, tmp_path):
        def keep(name):
            with gate.client("auditor") as client:
                (tmp_path / name).write_text(client.checkpoint()["note"])
            return tmp_path / name

        def signed(*arguments):
            assert browser("reviewer").decide(json.loads(ask(*arguments, "--json")[1])["id"]).status_code == 303

        first, before = gate.gate.fingerprint, keep("before")
        signed("rotate")
        after = keep("after")
        for checkpoint in (before, after, None):
            assert check_ledger(gate.home, gate.store, checkpoint).holds
        signed("revoke", first)
        assert check_ledger(gate.home, gate.store, after).holds
        with pytest.raises(LedgerError, match="a key that was revoked since"):
            check_ledger(gate.home, gate.store, before)

    def test_without_the_pinned_ring_the_first_key_leads_to_it(self, gate, tmp_path):
        """As from a copy of the home that an earlier version made."""
        home = Home(tmp_path)
        (tmp_path / "signing-key.pem").write_bytes(gate.home.signing_key.read_bytes())
        (tmp_path / "signing-key.pem").chmod(0o600)
        for file in gate.home.signing_keys.glob("*.pem"):
            (tmp_path / "signing-key.pem").write_bytes(file.read_bytes())
        assert check_ledger(home, gate.store, None).holds

    def test_another_key_leads_nowhere(self, gate, tmp_path):
        Signer.create(tmp_path / "signing-key.pem")
        with pytest.raises(LedgerError, match="Put the key back"):
            check_ledger(Home(tmp_path), gate.store, None)
