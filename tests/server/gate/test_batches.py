"""Many requests on one page: each its own decision, with its own digests."""

from __future__ import annotations

import pytest

from maskgate.errors import NotAllowed, NotFound, UsageError
from maskgate.gate.batches import BatchItem
from maskgate.gate.model import Identity
from maskgate.testing.gate_world import POLICY, REASON, GateWorld
from maskgate.testing.host import airflow_run


def item(document, **changes):
    names = ("id", "intent_digest", "context_digest")
    return BatchItem(*(changes.get(name, document[name]) for name in names))


def person(world, name="bert"):
    return Identity((f"okta|{name}",), "web", (), world.clock.now())


def asked(world, count=3):
    staging = world.stage()
    return [world.ask(run=airflow_run(f"run {number}"), staging=staging) for number in range(count)]


class TestTogether:
    """What goes together is decided one by one, and told one by one."""

    @pytest.fixture(scope="class")
    def world(self, tmp_path_factory):
        return GateWorld(tmp_path_factory.mktemp("batches"))

    def test_each_its_own_decision(self, world):
        documents = asked(world)
        assert [len(kind) for kind in world.gate.batches(person(world))] == [3]
        done = world.gate.decide_batch(person(world), [item(each) for each in documents], "approve", REASON)
        assert [(each["decided"], each["state"]) for each in done["results"]] == [(True, "approved")] * 3
        entries = world.entries("decision.approve")[-3:]
        assert {entry["batch"] for entry in entries} == {done["batch"]}
        assert len({entry["intent_digest"] for entry in entries}) == 3
        (entry,) = world.entries("batch.decided")
        assert (entry["decided"], entry["of"]) == ([each["id"] for each in documents], 3)
        assert len(world.entries("grant.issued")) == 3

    def test_what_changed_is_left_out_and_the_others_go_on(self, world):
        documents = [world.ask(run=airflow_run(f"changed {number}")) for number in range(2)]
        items = [item(documents[0], intent_digest="sha256:" + "0" * 64), item(documents[1])]
        first, second = world.gate.decide_batch(person(world), items, "approve", REASON)["results"]
        assert (first["decided"], first["error"]) == (False, "conflict")
        assert "as it stands" in first["message"]
        assert second["state"] == "approved"
        assert world.read(documents[0]["id"])["state"] == "pending"

    def test_one_that_somebody_is_involved_in_is_left_out(self, world):
        staging = world.stage()
        own = world.ask(run=airflow_run("own"), staging=staging, triggered_by=("bert",))
        other = world.ask(run=airflow_run("other"), staging=staging)
        results = world.gate.decide_batch(person(world), [item(own), item(other)], "approve", REASON)["results"]
        assert [each["decided"] for each in results] == [False, True]
        assert "is involved" in results[0]["message"]

    def test_a_reason_is_wanted_for_each(self, world):
        document = world.ask(run=airflow_run("reason"))
        (result,) = world.gate.decide_batch(person(world), [item(document)], "approve", "ok")["results"]
        assert (result["decided"], result["error"]) == (False, "refused")


class TestRefused:
    """What does not go together is not decided at all."""

    @pytest.fixture(scope="class")
    def world(self, tmp_path_factory):
        policy = POLICY.replace("require: {slots: {privacy: 1, legal: 1}}", "require: {slots: {privacy: 1}}").replace(
            "    expires: 24h\n", "    expires: 24h\n    batch: {at_most: 2}\n", 1
        )
        return GateWorld(tmp_path_factory.mktemp("apart"), policy)

    @pytest.fixture(scope="class")
    def documents(self, world):
        site = world.ask(run=airflow_run("site"), destination="site", action="publish")
        return [*asked(world, 3), site]

    @pytest.mark.parametrize(
        ("chosen", "error", "words"),
        [
            pytest.param((), UsageError, "one or more", id="none"),
            pytest.param((0, 0), UsageError, "each once", id="one twice"),
            pytest.param((0, 1, 2), UsageError, "at most 2", id="too many"),
            pytest.param((0, 3), NotAllowed, "one action, policy and destination", id="of two policies"),
        ],
    )
    def test_refused(self, world, documents, chosen, error, words):
        with pytest.raises(error, match=words):
            world.gate.decide_batch(person(world), [item(documents[at]) for at in chosen], "approve", REASON)
        assert world.entries("decision.approve") == []
        assert world.entries("batch.refused")[-1]["number"] == len(chosen)

    def test_one_that_is_not_there_for_them(self, world, documents):
        with pytest.raises(NotFound):
            world.gate.decide_batch(person(world, "dora"), [item(documents[0])], "approve", REASON)

    def test_the_highest_tier_is_decided_one_by_one(self, tmp_path):
        policy = POLICY.replace("    channels: [web, airflow]\n", "    channels: [web]\n    tier: high\n", 1)
        world = GateWorld(tmp_path, policy)
        document = world.ask()
        assert world.gate.batches(person(world)) == []
        assert world.gate.decided_alone(person(world)) == {"it is of the highest tier": 1}
        with pytest.raises(NotAllowed, match="highest tier"):
            world.gate.decide_batch(person(world), [item(document)], "approve", REASON)
        assert world.read(document["id"])["state"] == "pending"

    def test_a_change_of_the_gate_is_read_by_itself(self, tmp_path):
        rule = "  - name: changes\n    when: {action: change-policy}\n    require: {slots: {privacy: 2}}\notherwise"
        world = GateWorld(tmp_path, POLICY.replace("otherwise", rule))
        world.policy = world.policy.replace("min_length: 10", "min_length: 20")
        world.start()
        (document,) = world.gate.requests(world.auditor, "pending")
        assert world.gate.decided_alone(person(world)) == {"it changes the gate itself": 1}
        with pytest.raises(NotAllowed, match="changes the gate itself"):
            world.gate.decide_batch(person(world), [item(document)], "approve", REASON)
