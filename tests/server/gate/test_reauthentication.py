"""A policy may want a fresh login; the highest tier always does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from maskgate.errors import NotAllowed
from maskgate.gate.model import Identity
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run


def with_line(line):
    return POLICY.replace("channels: [web, airflow]", line)


@pytest.fixture(scope="module", params=["tier: high", "reauthenticate: 5m"])
def world(tmp_path_factory, request):
    return GateWorld(tmp_path_factory.mktemp("fresh"), with_line(request.param))


class TestFreshLogin:
    """A login that is older than the policy says decides nothing, and one without a time neither."""

    def bert(self, world, **ago):
        proved = None if not ago else world.clock.now() - timedelta(**ago)
        return Identity(("okta|bert",), "web", (), proved)

    def test_just_fresh_enough(self, world):
        document = world.ask(run=airflow_run("fresh"))
        assert world.decide(document, identity=self.bert(world, minutes=5))["state"] == "approved"

    @pytest.mark.parametrize(
        "ago",
        [
            pytest.param({"minutes": 5, "seconds": 1}, id="a second too old"),
            pytest.param({}, id="nobody knows since when"),
        ],
    )
    def test_refused_and_recorded(self, world, ago):
        document = world.ask(run=airflow_run(f"old {ago}"))
        with pytest.raises(NotAllowed, match="no older than 300 seconds"):
            world.decide(document, identity=self.bert(world, **ago))
        assert world.read(document["id"])["state"] == "pending"
        assert "no older than 300 seconds" in world.entries("decision.refused", request=document["id"])[0]["refusal"]

    def test_a_denial_wants_it_too(self, world):
        document = world.ask(run=airflow_run("denial"))
        with pytest.raises(NotAllowed):
            world.decide(document, verdict="deny", identity=self.bert(world, hours=1))

    def test_it_is_said_before_anybody_decides(self, world):
        document = world.ask(run=airflow_run("said"))
        standing = world.gate.standing(document["id"], self.bert(world, hours=1))
        assert (standing.may, "Log in again" in standing.why_not) == (False, True)


class TestLongerLogins:
    """Without the block a login is as good as its session."""

    def test_an_hour_ago(self, tmp_path):
        world = GateWorld(tmp_path, with_line("tier: low"))
        identity = Identity(("okta|bert",), "web", (), world.clock.now() - timedelta(hours=1))
        assert world.decide(world.ask(), identity=identity)["state"] == "approved"
