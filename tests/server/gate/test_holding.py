"""What is signed is held where the policy says so: others can still deny it, and break-glass does not wait."""

from __future__ import annotations

import pytest

from maskgate.errors import PolicyError, Refused, StillPending
from maskgate.gate.model import BreakGlassInput
from maskgate.gate.policy_reader import read_policy
from maskgate.ledger import verify
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run

WHY = "the regulator's portal closes in ten minutes"


def with_delay(delay="2h", more="break_glass: {role: on-call}"):
    terms = f"require: {{slots: {{privacy: 1}}}}\n    delay: {delay}\n    {more}"
    people = POLICY.replace("privacy: {people: [anna, bert]", "privacy: {people: [anna, bert, cleo]")
    return people.replace("require: {slots: {privacy: 1}}", terms, 1).replace(
        "  legal: {people: [bert, cleo]}", "  legal: {people: [bert, cleo]}\n  on-call: {people: [dora]}"
    )


class Channel:
    channel = "memory"

    def __init__(self):
        self.told = []

    def notify(self, document):
        self.told.append(document["occasion"])


@pytest.fixture
def channel():
    return Channel()


@pytest.fixture
def world(tmp_path, channel):
    return GateWorld(tmp_path, with_delay(), notifiers=(channel,))


@pytest.fixture
def held(world):
    return world.decide(world.ask())


class TestHolding:
    """There is no grant until the time has come; then it comes by itself."""

    def test_it_waits_and_says_until_when(self, world, held, channel):
        assert (held["state"], held["held_until"]) == ("pending", "2026-11-24T14:00:00.000Z")
        assert "holds it until 2026-11-24T14:00:00.000Z" in held["message"]
        assert world.entries("grant.issued") == []
        assert world.entries("request.held")[0]["until"] == held["held_until"]
        with pytest.raises(StillPending, match="The policy holds it until"):
            world.release(held)
        world.gate.sweep()
        assert "held" in channel.told

    def test_then_it_is_granted_and_can_be_released(self, world, held):
        world.clock.forward(hours=1, minutes=59)
        world.gate.sweep()
        assert world.read(held["id"])["state"] == "pending"
        world.clock.forward(minutes=1)
        world.gate.sweep()
        assert (world.read(held["id"])["state"], world.read(held["id"])["held_until"]) == ("approved", None)
        assert world.release(held)["state"] == "released"
        with world.store.read() as work:
            assert verify(work).problems == ()

    def test_another_reviewer_can_still_deny_it(self, world, held):
        assert world.decide(held, "cleo", "deny")["state"] == "denied"
        world.clock.forward(hours=3)
        world.gate.sweep()
        assert world.read(held["id"])["state"] == "denied"
        assert world.entries("grant.issued") == []

    def test_one_more_signature_does_not_begin_the_time_anew(self, world, held):
        world.clock.forward(hours=1)
        assert world.decide(held, "cleo")["held_until"] == held["held_until"]

    def test_it_can_be_taken_back(self, world, held):
        assert world.gate.withdraw(world.pipeline, held["id"])["state"] == "withdrawn"

    def test_it_does_not_expire_meanwhile(self, tmp_path):
        world = GateWorld(tmp_path, with_delay("48h"))
        held = world.decide(world.ask())
        world.clock.forward(hours=47)
        world.gate.sweep()
        assert world.read(held["id"])["state"] == "pending"
        world.clock.forward(hours=1)
        world.gate.sweep()
        assert world.read(held["id"])["state"] == "approved"

    def test_break_glass_does_not_wait(self, world):
        glass = BreakGlassInput("INC-4711")
        done = world.decide(world.ask(), "dora", reason=WHY, break_glass=glass)
        assert (done["state"], done["held_until"]) == ("approved", None)

    def test_nor_what_is_held_already(self, world, held):
        done = world.decide(held, "dora", reason=WHY, break_glass=BreakGlassInput("INC-4711"))
        assert done["state"] == "approved"

    def test_the_delay_is_in_what_is_signed(self, world, held):
        assert held["policy"]["terms"]["delay_seconds"] == 7200


class TestWhoClearedMeanwhile:
    """What was signed has to suffice when the time has come, too."""

    def test_an_approval_of_somebody_who_cleared_the_run_does_not_count(self, world, held):
        world.host.clear(airflow_run(), "bert")
        world.clock.forward(hours=2)
        world.gate.sweep()
        after = world.read(held["id"])
        assert (after["state"], after["held_until"], after["requirement"]["missing"]) == (
            "pending",
            None,
            {"privacy": 1},
        )
        assert world.decide(after, "cleo")["held_until"] is not None

    def test_an_unseen_clear_ends_the_hold(self, world, held):
        world.host.clear(airflow_run(), None)
        world.clock.forward(hours=2)
        world.gate.sweep()
        after = world.read(held["id"])
        assert (after["state"], after["held_until"]) == ("pending", None)
        assert "does not say by whom" in after["refusals"][-1]["message"]
        with pytest.raises(Refused, match="by whom"):
            world.decide(after, "cleo")

    def test_a_host_that_does_not_answer_is_waited_for(self, world, held):
        world.host.is_reachable = False
        world.clock.forward(hours=2)
        world.gate.sweep()
        assert world.read(held["id"])["state"] == "pending"
        world.host.is_reachable = True
        world.gate.sweep()
        assert world.read(held["id"])["state"] == "approved"


class TestPolicy:
    """A delay is a time of at most a week, and says nothing where nobody is asked."""

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            pytest.param(with_delay("8d"), "at most 7d", id="too long"),
            pytest.param(with_delay("soon"), "delay", id="no time"),
            pytest.param(POLICY.replace("allow: true", "allow: true\n    delay: 1h"), "says nothing", id="allowed"),
        ],
    )
    def test_is_refused(self, text, words):
        with pytest.raises(PolicyError, match=words):
            read_policy(text, "policy.yaml")
