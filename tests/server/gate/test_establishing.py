"""The first start, and what a changed policy or rules file comes to later: nothing, until it was signed."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import replace
from typing import ClassVar

import pytest

from maskgate.errors import Conflict, LedgerError, PolicyError, Refused
from maskgate.gate.signer import Signer
from maskgate.store import tables
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
GOVERNED = GOVERNED.replace("[change-policy, register-rules]", "[change-policy, register-rules, change-destinations]")
LAXER = GOVERNED.replace("reason: {min_length: 10}", "reason: {min_length: 1}")


class TestFirstStart:
    """Keys, tokens, policy, rules and entry 0 are made once."""

    def test_entry_zero_names_the_key(self, tmp_path):
        world = GateWorld(tmp_path)
        first = world.entries()[0]
        assert (first["seq"], first["type"], first["fingerprint"]) == (0, "gate.created", world.signer.fingerprint)
        types = [entry["type"] for entry in world.entries()][1:]
        assert [type_ for type_ in types if not type_.startswith("token.")] == [
            "policy.activated",
            "rules.registered",
            *["destination.registered"] * 3,
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

    @pytest.mark.parametrize(
        ("after", "waiting"),
        [
            pytest.param(LAXER.replace("min_length: 1}", "min_length: 2}"), 1, id="another draft"),
            pytest.param(GOVERNED, 0, id="the file as it was"),
        ],
    )
    def test_what_the_file_does_not_say_any_more_cannot_be_signed(self, tmp_path, after, waiting):
        world = self.changed(tmp_path, GOVERNED, LAXER)
        draft = self.waiting(world)
        world.decide(draft, "anna")
        world.policy = after
        world.start()
        assert world.read(draft["id"])["state"] == "withdrawn"
        assert len(world.gate.requests(world.auditor, "pending")) == waiting
        with pytest.raises(Conflict):
            world.decide(draft, "bert")
        assert len(world.entries("policy.activated")) == 1

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

    def test_people_are_an_action_of_their_own_where_the_policy_has_one(self, tmp_path):
        own = "  - {name: people, when: {action: change-reviewers}, require: {slots: {legal: 2}}}\notherwise"
        before = GOVERNED.replace("otherwise", own)
        world = self.changed(tmp_path, before, before.replace("okta|dora", "okta|dora2"))
        (document,) = world.gate.requests(world.auditor, "pending")
        assert (document["action"], document["policy"]["name"]) == ("change-reviewers", "people")
        world.decide(document, "bert")
        assert world.decide(document, "cleo")["message"] == "The new policy is in force."

    def test_people_and_anything_else_are_a_change_of_the_policy(self, tmp_path):
        own = "  - {name: people, when: {action: change-reviewers}, require: {slots: {legal: 2}}}\notherwise"
        before = GOVERNED.replace("otherwise", own)
        after = before.replace("okta|dora", "okta|dora2").replace("min_length: 10", "min_length: 1")
        assert self.waiting(self.changed(tmp_path, before, after))["policy"]["name"] == "changes of the gate"

    def test_says_why_its_policy_counts(self, tmp_path):
        document = self.waiting(self.changed(tmp_path, GOVERNED, LAXER))
        assert document["policy"]["because"][0].startswith("action change-policy or register-rules")

    def test_what_nobody_can_read_at_once_is_refused(self, tmp_path):
        longer = GOVERNED.replace("okta|dora", "okta|dora" + '", "'.join(["", *(f"okta|d{n}" for n in range(9))]))
        many = longer.replace("people:", "people:\n" + "".join(f'  p{n}: ["okta|p{n}"]\n' for n in range(5001)), 1)
        world = self.changed(tmp_path, GOVERNED, many)
        assert "which nobody can read at once" in world.lines[0]

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
        assert document["evidence"]["changes"][0] == "! looser: customers.ssn: keep instead of drop"
        assert "+ customers.ssn: keep" in document["evidence"]["changes"]
        world.decide(document, "anna")
        world.decide(document, "bert")
        assert len(world.entries("rules.registered")) == 2
        world.start()
        assert world.lines == ()

    @pytest.mark.parametrize(
        "stricter",
        [
            pytest.param(RULES_TEXT.replace("country: keep", "country: drop"), id="a column is dropped"),
            pytest.param(RULES_TEXT.replace("amount: keep", "amount: {method: round, to: 10}"), id="one is rounded"),
        ],
    )
    def test_stricter_ones_need_nobody_and_are_recorded(self, tmp_path, monkeypatch, stricter):
        world = GateWorld(tmp_path)
        monkeypatch.setattr("maskgate.testing.gate_world.RULES_TEXT", stricter)
        world.start()
        (line,) = world.lines
        assert line.endswith("are no looser than those that were registered, and are registered now.")
        first, second = world.entries("rules.registered")
        assert (second["not_looser_than"], "not_looser_than" in first) == (first["rules"], False)
        assert world.gate.requests(world.auditor) == []
        world.start()
        assert world.lines == ()

    def test_looser_ones_are_refused_where_no_policy_is_about_them(self, tmp_path, monkeypatch):
        world = GateWorld(tmp_path)
        monkeypatch.setattr("maskgate.testing.gate_world.RULES_TEXT", RULES_TEXT.replace("ssn: drop", "ssn: keep"))
        world.start()
        assert "no policy permits register-rules" in world.lines[0]
        assert len(world.entries("rules.registered")) == 1


class Moved(GateWorld):
    """A gate whose configuration leads elsewhere than the one that was started here before."""

    changes: ClassVar = {}

    @property
    def registry(self):
        before = super().registry
        changed = {name: replace(before.destinations[name], **change) for name, change in self.changes.items()}
        more = {"attic": replace(before.destinations["archive"], id="attic")}
        return replace(before, destinations={**before.destinations, **changed, **(more if not self.changes else {})})


class TestDestinations:
    """A destination that was added or changed is of no use until somebody has signed it."""

    def moved(self, tmp_path, policy=GOVERNED, **changes):
        world = GateWorld(tmp_path, policy)
        world.store.close()
        return type("MovedThere", (Moved,), {"changes": changes})(tmp_path, policy)

    def test_those_of_the_first_start_count(self, tmp_path):
        assert GateWorld(tmp_path).ask()["state"] == "pending"

    def test_a_new_one(self, tmp_path):
        world = self.moved(tmp_path)
        (line,) = world.lines
        assert line.startswith("the destination attic is new: sign the change at http")
        with pytest.raises(Refused, match="nobody has signed that yet"):
            world.ask(destination="attic")
        (document,) = world.gate.requests(world.auditor, "pending")
        assert (document["action"], document["requirement"]["distinct"]) == ("change-destinations", 2)
        assert '+ "id": "attic",' in document["evidence"]["changes"]
        world.decide(document, "anna")
        done = world.decide(document, "bert")
        assert (done["state"], done["message"]) == (
            "released",
            "The destination attic can be used as it is configured.",
        )
        assert world.ask(destination="attic")["state"] == "approved"
        assert world.entries("destination.registered")[-1]["request"] == document["id"]
        world.start()
        assert world.lines == ()

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"trust": "internal"}, id="another trust"),
            pytest.param({"uri": "/srv/elsewhere"}, id="another place"),
            pytest.param({"options": {"endpoint_url": "https://evil.example"}}, id="another service behind the place"),
            pytest.param({"options": {"client_kwargs": {"endpoint_url": "https://evil.example"}}}, id="deeper in it"),
        ],
    )
    def test_a_changed_one(self, tmp_path, change):
        world = self.moved(tmp_path, partner=change)
        assert world.lines[0].startswith("the destination partner is not the one that was signed: sign the change")
        with pytest.raises(Refused, match="partner was added to the gate's configuration or changed there"):
            world.ask()
        assert world.ask(destination="archive")["state"] == "approved"

    def test_another_secret_is_no_change_and_is_not_kept(self, tmp_path):
        world = self.moved(
            tmp_path, partner={"options": {"secret": "very-secret", "client_kwargs": {"api_token": "t0p"}}}
        )
        (line,) = world.lines  # that there are options of a client at all is said
        assert "partner" in line
        document = world.gate.requests(world.auditor, "pending")[0]
        assert "very-secret" not in str(document)
        assert "t0p" not in str(document)

    def test_what_was_signed_before_does_not_leave_through_a_changed_one(self, tmp_path):
        before = GateWorld(tmp_path, GOVERNED)
        approved = before.decide(before.ask())
        before.store.close()
        options = {"endpoint_url": "https://evil.example"}
        world = type("MovedThere", (Moved,), {"changes": {"partner": {"options": options}}})(tmp_path, GOVERNED)
        world.host.runs = before.host.runs
        with pytest.raises(Refused, match="nobody has signed that yet"):
            world.release(approved)
        assert world.released() == []

    def test_no_policy_about_it(self, tmp_path):
        world = self.moved(tmp_path, POLICY)
        assert "no policy permits change-destinations" in world.lines[0]
        assert len(world.entries("destination.change_refused")) == 1

    def test_a_database_without_any_takes_those_that_are_configured(self, tmp_path):
        world = GateWorld(tmp_path, GOVERNED)
        with world.store.write() as work:
            work.execute(tables.destinations.delete())
            work.execute(tables.settings.delete().where(tables.settings.c.name == "destinations-begun"))
        world.start()
        assert world.lines == ()
        assert len(world.entries("destination.registered")) == 6

    def test_one_that_began_without_any_takes_none_by_itself(self, tmp_path):
        class Nowhere(GateWorld):
            registry = property(lambda world: replace(GateWorld.registry.fget(world), destinations={}))

        Nowhere(tmp_path, GOVERNED).store.close()
        world = GateWorld(tmp_path, GOVERNED)
        assert [line.split(":")[0] for line in world.lines] == [
            f"the destination {name} is new" for name in ("partner", "site", "archive")
        ]
        with pytest.raises(Refused, match="nobody has signed that yet"):
            world.ask()
