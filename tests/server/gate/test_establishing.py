"""The first start, and what a changed policy or rules file comes to later: nothing, until it was signed."""

from __future__ import annotations

import hashlib
import stat

import pytest

from maskgate.errors import LedgerError, PolicyError
from maskgate.gate.signer import Signer
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run
from maskgate.testing.staged_tables import RULES_TEXT

GOVERNED = POLICY.replace(
    "otherwise",
    "  - name: changes of the gate\n"
    "    when: {action: [change-policy, register-rules]}\n"
    "    require: {slots: {privacy: 1}}\n"
    "otherwise",
)
LAXER = GOVERNED.replace("reason: {min_length: 10}", "reason: {min_length: 1}")


class TestFirstStart:
    """Keys, tokens, policy, rules and entry 0 are made once."""

    def test_entry_zero_names_the_key(self, tmp_path):
        world = GateWorld(tmp_path)
        first = world.entries()[0]
        assert (first["seq"], first["type"], first["fingerprint"]) == (0, "gate.created", world.signer.fingerprint)
        assert [entry["type"] for entry in world.entries()][1:] == [
            "policy.activated",
            "rules.registered",
            "gate.started",
        ]

    def test_the_database_keeps_hashes_of_tokens_alone(self, tmp_path):
        GateWorld(tmp_path).store.close()
        for role in ("pipeline", "auditor"):
            token = (tmp_path / f"{role}.token").read_bytes()
            assert token.startswith(f"mg_{role}_".encode())
            assert stat.S_IMODE((tmp_path / f"{role}.token").stat().st_mode) == 0o600
            content = (tmp_path / "gate.db").read_bytes()
            assert token not in content
            assert hashlib.sha256(token).hexdigest().encode() in content

    def test_the_second_start_changes_nothing(self, tmp_path):
        world = GateWorld(tmp_path)
        before = {path.name: path.read_bytes() for path in tmp_path.glob("*.token")}
        world.start()
        assert world.lines == ()
        assert {path.name: path.read_bytes() for path in tmp_path.glob("*.token")} == before
        assert [entry["type"] for entry in world.entries()].count("gate.created") == 1

    def test_a_policy_that_cannot_be_used_makes_nothing(self, tmp_path):
        with pytest.raises(PolicyError, match="there is nothing to choose"):
            GateWorld(tmp_path, POLICY + "default: approve\n")
        assert not (tmp_path / "pipeline.token").exists()
        world = GateWorld(tmp_path)
        assert world.entries()[0]["type"] == "gate.created"

    def test_another_signing_key_is_refused(self, tmp_path):
        world = GateWorld(tmp_path)
        (tmp_path / "signing-key.pem").unlink()
        Signer.create(tmp_path / "signing-key.pem")
        with pytest.raises(LedgerError, match="Put the key back"):
            world.start()

    @pytest.mark.parametrize("token", ["", "mg_pipeline_", "mg_pipeline_guess", "\ud800"])
    def test_what_is_no_token_is_nobodys(self, tmp_path, token):
        assert GateWorld(tmp_path).gate.caller_of(token) is None


class TestChangedPolicy:
    """A policy file that differs is a request under the policy in force."""

    def changed(self, tmp_path, before, after):
        world = GateWorld(tmp_path, before)
        world.policy = after
        world.start()
        return world

    def waiting(self, world):
        return next(each for each in world.gate.requests(world.auditor) if each["action"] == "change-policy")

    def test_is_refused_and_recorded_where_no_policy_is_about_it(self, tmp_path):
        world = self.changed(tmp_path, POLICY, POLICY.replace("min_length: 10", "min_length: 1"))
        (line,) = world.lines
        assert line.startswith("the policy file differs from the policy in force: no policy permits change-policy")
        assert line.endswith("What was in force stays so.")
        assert len(world.entries("policy.change_refused")) == 1
        assert world.ask()["policy"]["reason_min_length"] == 10

    def test_waits_for_two_people_because_nobody_is_known_to_have_asked(self, tmp_path):
        world = self.changed(tmp_path, GOVERNED, LAXER)
        document = self.waiting(world)
        assert "sign the change at http" in world.lines[0]
        assert (document["state"], document["requirement"]["distinct"]) == ("pending", 2)
        assert world.ask()["policy"]["reason_min_length"] == 10
        world.decide(document, "anna")
        assert len(world.entries("policy.activated")) == 1
        done = world.decide(document, "bert")
        assert (done["state"], done["message"]) == ("released", "The new policy is in force.")
        assert len(world.entries("policy.activated")) == 2
        assert world.ask(run=airflow_run("after"))["policy"]["reason_min_length"] == 1

    def test_shows_what_would_change(self, tmp_path):
        world = self.changed(tmp_path, GOVERNED, LAXER)
        document = self.waiting(world)
        assert document["evidence"]["changes"] == [
            "     channels: [web, airflow]",
            "-    reason: {min_length: 10}",
            "+    reason: {min_length: 1}",
            "     expires: 24h",
        ]
        assert r"\+ reason\: \{min\_length\: 1\}" in document["question"]["body"]

    def test_is_asked_once_however_often_the_gate_starts(self, tmp_path):
        world = self.changed(tmp_path, GOVERNED, LAXER)
        world.start()
        assert "pending, see http" in world.lines[0]
        assert len(world.entries("request.created")) == 1

    def test_denied_stays_denied(self, tmp_path):
        world = self.changed(tmp_path, GOVERNED, LAXER)
        world.decide(self.waiting(world), "anna", "deny")
        world.start()
        assert "denied, see http" in world.lines[0]
        assert world.ask()["policy"]["reason_min_length"] == 10

    def test_requests_that_wait_under_the_old_policy_are_withdrawn(self, tmp_path):
        world = self.changed(tmp_path, GOVERNED, LAXER)
        pending = world.ask()
        world.decide(self.waiting(world), "anna")
        world.decide(self.waiting(world), "bert")
        after = world.read(pending["id"])
        assert (after["state"], after["message"]) == (
            "withdrawn",
            "The policy changed while this request waited. Nothing was released; ask again.",
        )

    def test_a_comment_is_no_change(self, tmp_path):
        world = self.changed(tmp_path, POLICY, f"# reviewed\n{POLICY}")
        assert world.lines == ()


class TestNewRules:
    """Rules that are not registered count for nothing until they are."""

    def test_they_wait_and_then_count(self, tmp_path, monkeypatch):
        world = GateWorld(tmp_path, GOVERNED)
        monkeypatch.setattr("maskgate.testing.gate_world.RULES_TEXT", RULES_TEXT.replace("ssn: drop", "ssn: keep"))
        world.start()
        assert "rules.yaml are not registered: sign the change" in world.lines[0]
        (document,) = world.gate.requests(world.auditor, "pending")
        assert "+ customers.ssn: keep" in document["evidence"]["changes"]
        world.decide(document, "anna")
        world.decide(document, "bert")
        assert len(world.entries("rules.registered")) == 2
        world.start()
        assert world.lines == ()
