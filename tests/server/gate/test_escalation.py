"""While a request waits: reminders, others who may sign, and what was denied or decided before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from maskgate.clock import timestamp
from maskgate.errors import NotAllowed
from maskgate.gate.model import Identity
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run


class Channel:
    """A way of telling people that keeps what it was given."""

    channel = "memory"

    def __init__(self):
        self.told, self.deniers = [], []

    def notify(self, document):
        self.told.append((document["state"], document["occasion"]))
        if document["occasion"] == "asked_again":
            self.deniers.append(document["audience"]["deniers"])


def with_terms(terms, *, slots="{privacy: 1}"):
    policy = POLICY.replace("require: {slots: {privacy: 1}}", f"require: {{slots: {slots}}}\n    {terms}", 1)
    return policy.replace(
        "  legal: {people: [bert, cleo]}", "  legal: {people: [bert, cleo]}\n  heads: {people: [cleo, dora]}"
    )


def world_of(folder, terms, **more):
    channel = Channel()
    world = GateWorld(folder, with_terms(terms, **more), notifiers=(channel,))
    world.channel = channel
    return world


class TestReminders:
    """Each takes twice as long as the one before, and there are only so many."""

    def test_back_off_and_end(self, tmp_path):
        world = world_of(tmp_path, "remind: {after: 1h, at_most: 3}")
        document = world.ask()
        sent = []
        for hour in range(1, 24):
            world.clock.forward(hours=1)
            world.gate.sweep()
            if len(world.entries("request.reminded")) > len(sent):
                sent.append(hour)
        assert sent == [1, 3, 7]
        assert [entry["number"] for entry in world.entries("request.reminded", request=document["id"])] == [1, 2, 3]
        assert world.channel.told == [("pending", "state"), *[("pending", "reminder")] * 3]

    def test_none_once_it_is_decided(self, tmp_path):
        world = world_of(tmp_path, "remind: {after: 1h}")
        world.decide(world.ask(), verdict="deny")
        world.clock.forward(hours=2)
        world.gate.sweep()
        assert world.entries("request.reminded") == []

    def test_a_gate_that_was_down_reminds_once_for_what_it_missed(self, tmp_path):
        world = world_of(tmp_path, "remind: {after: 1h, at_most: 5}")
        world.ask()
        world.clock.forward(hours=20)
        world.start()
        world.gate.sweep()
        world.gate.sweep()
        assert len(world.entries("request.reminded")) == 1

    def test_what_is_signed_stays_the_same(self, tmp_path):
        world = world_of(tmp_path, "remind: {after: 1h}")
        document = world.ask()
        world.clock.forward(hours=1)
        world.gate.sweep()
        assert world.read(document["id"])["intent_digest"] == document["intent_digest"]
        assert world.decide(document)["state"] == "approved"


class TestEscalation:
    """After a while another group may fill the slots too; it takes as many people as before."""

    def test_not_before_its_time(self, tmp_path):
        world = world_of(tmp_path, "escalate: {after: 4h, to: heads}")
        document = world.ask()
        world.clock.forward(hours=3)
        world.gate.sweep()
        with pytest.raises(NotAllowed, match="dora is not among the reviewers"):
            world.decide(document, "dora")
        assert world.entries("request.escalated") == []

    def test_then_the_others_can_sign(self, tmp_path):
        world = world_of(tmp_path, "escalate: {after: 4h, to: heads}")
        document = world.ask()
        world.clock.forward(hours=4)
        world.gate.sweep()
        (entry,) = world.entries("request.escalated", request=document["id"])
        assert entry["to"] == "heads"
        shown = world.read(document["id"])
        assert shown["escalation"] == {"to": "heads", "at": timestamp(world.clock.now())}
        assert shown["intent_digest"] == document["intent_digest"]
        assert world.channel.told[-1] == ("pending", "escalated")
        assert world.decide(document, "dora")["state"] == "approved"

    def test_it_takes_as_many_people_as_before(self, tmp_path):
        world = world_of(tmp_path, "escalate: {after: 4h, to: heads}", slots="{privacy: 1, legal: 1}")
        document = world.ask()
        world.clock.forward(hours=4)
        world.gate.sweep()
        assert world.decide(document, "dora")["state"] == "pending"
        assert world.decide(document, "cleo")["state"] == "approved"

    def test_nobody_involved_signs_by_it(self, tmp_path):
        world = world_of(tmp_path, "escalate: {after: 4h, to: heads}")
        document = world.ask(triggered_by=("cleo",))
        world.clock.forward(hours=4)
        world.gate.sweep()
        with pytest.raises(NotAllowed, match=r"cleo .* is involved"):
            world.decide(document, "cleo")

    def test_it_makes_no_approval_of_silence(self, tmp_path):
        world = world_of(tmp_path, "escalate: {after: 4h, to: heads}")
        document = world.ask()
        world.clock.forward(hours=24)
        world.gate.sweep()
        assert world.read(document["id"])["state"] == "expired"
        assert world.entries("grant.issued") == []

    def test_the_others_see_it_only_then(self, tmp_path):
        world = world_of(tmp_path, "escalate: {after: 4h, to: heads}")
        document = world.ask()
        dora = Identity(("okta|dora",), "web", (), world.clock.now())
        assert not world.gate.standing(document["id"], dora).may
        world.clock.forward(hours=4)
        world.gate.sweep()
        assert world.gate.standing(document["id"], dora).may


class TestCoolDown:
    """What was denied cannot be asked for again at once, in whatever guise."""

    @pytest.fixture
    def denied(self, tmp_path):
        world = world_of(tmp_path, "cool_down: 2h")
        return world, world.decide(world.ask(), verdict="deny")

    @pytest.mark.parametrize(
        ("change", "rows"),
        [
            pytest.param({}, 4, id="the same bytes in another run"),
            pytest.param({"triggered_by": ("cleo",)}, 4, id="the same bytes by another person"),
            pytest.param({}, 5, id="other rows of the same data by the same person"),
        ],
    )
    def test_refused_until_it_is_over(self, denied, change, rows):
        world, before = denied
        again = world.ask(run=airflow_run("second"), staging=world.stage(rows), **change)
        assert (again["state"], again["decisions"]) == ("refused", [])
        assert f"the same bytes or tables were denied in request {before['id']}" in again["message"]
        assert world.entries("request.refused", request=again["id"])
        world.clock.forward(hours=2)
        assert world.ask(run=airflow_run("third"), staging=world.stage(rows), **change)["state"] == "pending"

    def test_other_data_of_another_person_is_another_matter(self, denied):
        world, _ = denied
        staging = world.stage(5)
        assert world.ask(run=airflow_run("second"), staging=staging, triggered_by=("cleo",))["state"] == "pending"

    def test_what_expired_was_not_denied(self, tmp_path):
        world = world_of(tmp_path, "cool_down: 2h")
        world.ask()
        world.clock.forward(hours=24)
        world.gate.sweep()
        assert world.ask(run=airflow_run("second"))["state"] == "pending"


class TestEarlierDecisions:
    """What people decided about the same bytes stands in what is signed."""

    def test_are_shown_and_signed(self, tmp_path):
        world = GateWorld(tmp_path)
        first = world.decide(world.ask(), verdict="deny")
        world.clock.forward(minutes=5)
        second = world.ask(run=airflow_run("second"))
        assert second["earlier"] == [
            {
                "request": first["id"],
                "person": "bert",
                "verdict": "deny",
                "action": "export",
                "destination": "partner",
                "decided_at": timestamp(world.clock.now() - timedelta(minutes=5)),
            }
        ]
        third = world.ask(run=airflow_run("third"), staging=world.stage(7))
        assert third["earlier"] == []

    def test_whoever_denied_it_is_told_that_it_is_asked_for_again(self, tmp_path):
        """Also where they cannot decide it this time: under another policy, at another destination."""
        world = world_of(tmp_path, "cool_down: 2h")
        world.decide(world.ask(), verdict="deny")
        again = world.ask(run=airflow_run("second"), destination="site", action="publish")
        assert again["state"] == "pending"
        world.gate.sweep()
        assert ("pending", "asked_again") in world.channel.told
        assert world.channel.deniers == [["bert"]]

    def test_who_approved_it_before_is_not_bothered(self, tmp_path):
        world = world_of(tmp_path, "cool_down: 2h")
        world.decide(world.ask())
        world.ask(run=airflow_run("second"))
        world.gate.sweep()
        assert "asked_again" not in [occasion for _, occasion in world.channel.told]
