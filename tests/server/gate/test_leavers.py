"""Whoever leaves between signature and release takes the signature along."""

from __future__ import annotations

import pytest

from maskgate.errors import Refused
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run

CHANGES = """  - name: changes
    when: {action: change-policy}
    require: {slots: {legal: 2}, distinct: 2}
"""


@pytest.fixture
def world(tmp_path):
    policy = POLICY.replace("otherwise", CHANGES + "otherwise")
    return GateWorld(
        tmp_path, policy.replace("people: [anna, bert], group: privacy-team", "people: [anna, bert, cleo]")
    )


def change_policy(world, old, new):
    world.policy = world.policy.replace(old, new)
    world.start()
    (change,) = [each for each in world.gate.requests(world.auditor) if each["action"] == "change-policy"]
    world.decide(change, "bert")
    assert world.decide(change, "cleo")["state"] == "released"


class TestLeavers:
    """Under a policy without them, what they signed is taken back; what others signed goes on."""

    def test_what_they_signed_is_taken_back(self, world):
        document = world.decide(world.ask(), "bert")
        change_policy(world, "people: [anna, bert, cleo]", "people: [anna, cleo]")
        after = world.read(document["id"])
        assert (after["state"], after["receipt"]) == ("withdrawn", None)
        (entry,) = world.entries("request.withdrawn", request=document["id"])
        assert entry["because"] == "who signed it is no reviewer any more"
        with pytest.raises(Refused):
            world.release(document, airflow_run(task_id="release"))
        assert world.released() == []

    def test_what_others_signed_goes_on(self, world):
        document = world.decide(world.ask(), "cleo")
        change_policy(world, "people: [anna, bert, cleo]", "people: [anna, cleo]")
        assert world.release(document, airflow_run(task_id="release"))["state"] == "released"

    def test_what_a_policy_allowed_without_anybody_goes_on(self, world):
        document = world.ask(destination="archive")
        change_policy(world, "people: [anna, bert, cleo]", "people: [anna, cleo]")
        assert world.read(document["id"])["state"] == "approved"
