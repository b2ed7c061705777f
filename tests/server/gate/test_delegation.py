"""Standing in for somebody: for a time, by a reviewer, with both names, and no chains."""

from __future__ import annotations

from datetime import timedelta

import pytest

from maskgate.errors import Conflict, NotAllowed, NotFound, UsageError
from maskgate.gate.delegation import DelegationInput
from maskgate.gate.model import Identity
from maskgate.testing.gate_world import POLICY, GateWorld

# Privacy is Anna and Eva, legal is Bert and Cleo; Dora is known, and reviews nothing.
REVIEWERS = """people:
  eva: ["okta|eva"]"""
POLICY = (
    POLICY.replace("people:", REVIEWERS, 1)
    .replace("privacy: {people: [anna, bert], group: privacy-team}", "privacy: {people: [anna, eva]}")
    .replace("require: {slots: {privacy: 1}}", "require: {slots: {privacy: 1, legal: 1}}", 1)
)


def person(world, name):
    return Identity((f"okta|{name}",), "web", (), world.clock.now())


def hand_on(world, absent="eva", to="bert", *, begins=0, days=7):
    now = world.clock.now() + timedelta(days=begins)
    return world.gate.delegate(person(world, absent), DelegationInput(to, now, now + timedelta(days=days), "away"))


@pytest.fixture
def world(tmp_path):
    return GateWorld(tmp_path, POLICY)


class TestMaking:
    """Only a reviewer hands on, to another reviewer, for a time that ends."""

    def test_is_recorded_with_both_names(self, world):
        made = hand_on(world)
        (entry,) = world.entries("delegation.made")
        assert (entry["delegation"]["delegator"], entry["delegation"]["delegate"]) == ("eva", "bert")
        assert [each["id"] for each in world.gate.delegations(person(world, "bert"))] == [made["id"]]
        assert world.gate.delegations(person(world, "cleo")) == []
        assert [each["id"] for each in world.gate.delegations_for(world.auditor)] == [made["id"]]
        assert world.gate.delegations_for(world.pipeline) == []

    @pytest.mark.parametrize(
        ("changes", "error", "words"),
        [
            pytest.param({"absent": "dora"}, NotAllowed, "nothing to hand on", id="who reviews nothing"),
            pytest.param({"absent": "zoe"}, NotAllowed, "linked to nobody", id="an unlinked account"),
            pytest.param({"to": "dora"}, NotAllowed, "is no reviewer", id="to somebody who reviews nothing"),
            pytest.param({"to": "zoe"}, NotAllowed, "is no reviewer", id="to nobody"),
            pytest.param({"to": "eva"}, NotAllowed, "stands in for themselves", id="to oneself"),
            pytest.param({"days": 31}, UsageError, "at most 30 days", id="for longer than 30 days"),
            pytest.param({"days": 0}, UsageError, "ends after it begins", id="for no time"),
            pytest.param({"begins": -9}, UsageError, "not in the past", id="in the past"),
            pytest.param({"begins": 91}, UsageError, "begins within 90 days", id="far ahead"),
        ],
    )
    def test_is_refused(self, world, changes, error, words):
        with pytest.raises(error, match=words):
            hand_on(world, **changes)
        assert world.entries("delegation.made") == []

    @pytest.mark.parametrize(
        ("second", "words"),
        [
            pytest.param({"absent": "bert", "to": "cleo"}, "make no chains", id="who stands in hands it on"),
            pytest.param({"absent": "cleo", "to": "eva"}, "away themselves", id="to somebody who is away"),
            pytest.param({"absent": "eva", "to": "cleo"}, "stands in for you", id="to two at once"),
        ],
    )
    def test_no_chains(self, world, second, words):
        hand_on(world)
        with pytest.raises(Conflict, match=words):
            hand_on(world, **second)

    def test_after_it_is_over_others_can_follow(self, world):
        hand_on(world, days=7)
        assert hand_on(world, "bert", "cleo", begins=7)["delegate"] == "cleo"


class TestDeciding:
    """Who stands in fills the slot of the one who is away, and is a reviewer all the same."""

    def test_fills_the_slot_with_both_names(self, world):
        hand_on(world)
        document = world.ask()
        after = world.decide(document, "bert", acting_for="eva")
        assert (after["state"], after["requirement"]["missing"]) == ("pending", {"legal": 1})
        (entry,) = world.entries("decision.approve")
        assert (entry["person"], entry["acting_for"], entry["groups"]) == ("bert", "eva", ["privacy"])
        assert [(each["person"], each["acting_for"]) for each in after["decisions"]] == [("bert", "eva")]
        assert world.decide(document, "cleo")["state"] == "approved"

    def test_one_person_still_fills_one_slot(self, world):
        hand_on(world)
        document = world.ask()
        world.decide(document, "bert", acting_for="eva")
        with pytest.raises(Conflict, match="bert has decided"):
            world.decide(document, "bert")
        assert world.read(document["id"])["state"] == "pending"

    def test_the_one_who_is_away_has_decided_too(self, world):
        hand_on(world)
        document = world.ask()
        world.decide(document, "bert", acting_for="eva")
        with pytest.raises(Conflict, match="eva has decided"):
            world.decide(document, "eva")

    def test_and_the_other_way_round(self, world):
        hand_on(world)
        document = world.ask()
        world.decide(document, "eva")
        with pytest.raises(Conflict, match="eva has decided"):
            world.decide(document, "bert", acting_for="eva")

    @pytest.mark.parametrize(
        ("given", "who", "words"),
        [
            pytest.param({"triggered_by": ("bert",)}, "bert", "bert .* is involved", id="who stands in is involved"),
            pytest.param({"triggered_by": ("anna",)}, "cleo", "has not asked cleo", id="somebody else"),
        ],
    )
    def test_is_refused(self, world, given, who, words):
        hand_on(world)
        with pytest.raises(NotAllowed, match=words):
            world.decide(world.ask(**given), who, acting_for="eva")
        assert world.entries("decision.approve") == []

    def test_not_for_somebody_involved(self, world):
        hand_on(world, "anna", "bert")
        with pytest.raises(NotAllowed, match=r"anna is involved in request .* so nobody can decide it for them"):
            world.decide(world.ask(triggered_by=("anna",)), "bert", acting_for="anna")

    def test_a_stand_in_who_reviews_nothing_of_the_request_gains_nothing(self, tmp_path):
        world = GateWorld(tmp_path, POLICY.replace("slots: {privacy: 1, legal: 1}", "slots: {privacy: 1}"))
        hand_on(world)
        with pytest.raises(NotAllowed, match="bert is not among the reviewers"):
            world.decide(world.ask(), "bert", acting_for="eva")

    @pytest.mark.parametrize("days", [7, -1], ids=["at its end", "before it begins"])
    def test_only_in_its_time(self, world, days):
        hand_on(world, begins=1 if days < 0 else 0)
        world.clock.forward(days=max(days, 0))
        with pytest.raises(NotAllowed, match="has not asked bert"):
            world.decide(world.ask(), "bert", acting_for="eva")

    def test_not_once_it_is_taken_back(self, world):
        made = hand_on(world)
        document = world.ask()
        world.gate.end_delegation(person(world, "eva"), made["id"])
        (entry,) = world.entries("delegation.revoked")
        assert entry["by"] == "eva"
        with pytest.raises(NotAllowed, match="has not asked bert"):
            world.decide(document, "bert", acting_for="eva")

    def test_others_can_neither_see_nor_end_it(self, world):
        made = hand_on(world)
        with pytest.raises(NotFound):
            world.gate.end_delegation(person(world, "cleo"), made["id"])
        world.gate.end_delegation(person(world, "bert"), made["id"])
        with pytest.raises(Conflict, match="ended already"):
            world.gate.end_delegation(person(world, "bert"), made["id"])
