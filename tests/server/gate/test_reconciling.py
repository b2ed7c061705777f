"""Hosts, destinations and the gate's rows are compared; what does not fit is said once, and nothing is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from server.foggy import Fog, PowerCut

from maskgate.errors import NotAllowed, Refused
from maskgate.gate.host import RunOutcome
from maskgate.testing.gate_world import GateWorld
from maskgate.testing.host import airflow_run

SUCCESS = RunOutcome("success", is_over=True, is_success=True)
FAILED = RunOutcome("failed", is_over=True, is_success=False)
MARKED = RunOutcome("running", is_over=False, is_success=False, released_by="release")


@pytest.fixture
def world(tmp_path):
    return GateWorld(tmp_path)


def look(world):
    world.clock.forward(minutes=11)
    assert world.gate.reconcile()
    return world.gate.reconciliation(world.auditor)["findings"]


class TestHosts:
    """A success that the host shows, and that cannot be, is found."""

    @pytest.mark.parametrize(
        ("outcome", "decided", "is_found"),
        [
            pytest.param(SUCCESS, None, True, id="the run succeeded, and nobody signed"),
            pytest.param(SUCCESS, "approve", True, id="the run succeeded, and the grant was not used"),
            pytest.param(MARKED, None, True, id="the releasing task was marked as successful"),
            pytest.param(MARKED, "deny", True, id="the releasing task was marked, although it was denied"),
            pytest.param(SUCCESS, "deny", False, id="a run may end well after a denial"),
            pytest.param(FAILED, "approve", False, id="the run failed"),
            pytest.param(None, "approve", False, id="the run goes on"),
        ],
    )
    def test_success_without_a_receipt(self, world, outcome, decided, is_found):
        document = world.ask()
        if decided:
            world.decide(document, verdict=decided)
        if outcome is not None:
            world.host.outcomes[airflow_run().run_id] = outcome
        found = look(world)
        assert [(each["kind"], each["request"]) for each in found] == (
            [("success_without_receipt", document["id"])] if is_found else []
        )
        entries = world.entries("reconcile.success_without_receipt")
        assert [entry["about"] for entry in entries] == [document["id"]] * is_found

    def test_a_release_that_was_done_is_none(self, world):
        world.release(world.decide(world.ask()))
        world.host.outcomes[airflow_run().run_id] = SUCCESS
        assert look(world) == []

    def test_once(self, world):
        world.ask()
        world.host.outcomes[airflow_run().run_id] = SUCCESS
        assert len(look(world)) == len(look(world)) == 1
        assert len(world.entries("reconcile.success_without_receipt")) == 1

    def test_a_host_that_does_not_answer_is_asked_again(self, world):
        world.ask()
        world.host.outcomes[airflow_run().run_id] = SUCCESS
        world.host.is_reachable = False
        assert look(world) == []
        world.host.is_reachable = True
        assert len(look(world)) == 1


class TestDestinations:
    """A version that no request explains is found, wherever it lies."""

    def plant(self, world, version):
        folder = Path(world.registry.destinations["partner"].uri, version)
        folder.mkdir(parents=True)
        return folder

    def test_a_version_of_a_request_that_nobody_knows(self, world):
        self.plant(world, "20261124T110000Z-req_0123456789abcdef0123")
        (found,) = look(world)
        assert (found["kind"], found["destination"]) == ("receipt_without_request", "partner")
        assert found["version"] == "20261124T110000Z-req_0123456789abcdef0123"
        assert world.entries("reconcile.receipt_without_request")[0]["destination"] == "partner"

    def test_a_version_of_a_request_that_was_not_released(self, world):
        document = world.decide(world.ask())
        name = f"20261124T120000Z-{document['id']}"
        self.plant(world, name)
        (found,) = look(world)
        assert (found["request"], found["grant_state"]) == (document["id"], "issued")

    def test_what_was_released(self, world):
        world.release(world.decide(world.ask()))
        assert look(world) == []

    def test_what_was_never_a_version_is_not_ours_to_judge(self, world):
        self.plant(world, "somebody else's")
        assert look(world) == []


class TestIndeterminate:
    """What may have been published, and cannot be looked for, waits for people: it is never tried again."""

    @pytest.fixture
    def world(self, tmp_path):
        return GateWorld(tmp_path, releaser=Fog())

    @pytest.fixture
    def cut_off(self, world):
        """A release whose gate lost power while it published, and that starts again in fog."""
        document = world.decide(world.ask())
        world.releaser.breaks_at_commit = True
        with pytest.raises(PowerCut):
            world.release(document)
        assert world.read(document["id"])["state"] == "releasing"
        world.store.close()
        world.start()
        world.releaser.is_thick = True
        return document

    def test_it_is_given_up_and_said(self, world, cut_off):
        assert world.gate.release_waiting()
        after = world.read(cut_off["id"])
        assert (after["state"], after["receipt"]) == ("indeterminate", None)
        assert "Look at the other side" in after["message"]
        assert world.gate.reconciliation(world.auditor)["indeterminate"] == [cut_off["id"]]
        assert len(world.entries("release.indeterminate", request=cut_off["id"])) == 1

    def test_it_is_not_tried_again_when_the_fog_is_gone(self, world, cut_off):
        world.gate.release_waiting()
        left = world.released()
        world.releaser.is_thick = False
        world.clock.forward(hours=2)
        assert not world.gate.release_waiting()
        with pytest.raises(Refused, match="is indeterminate, so nothing is released"):
            world.release(cut_off)
        assert (world.read(cut_off["id"])["state"], world.released()) == ("indeterminate", left)

    def test_where_it_can_be_told_it_is_finished_without_anybody(self, world, cut_off):
        world.releaser.is_thick = False
        assert world.gate.release_waiting()
        assert world.read(cut_off["id"])["state"] == "released"
        assert world.gate.reconciliation(world.auditor)["indeterminate"] == []


class TestTurns:
    """It is done every ten minutes, by whichever gate comes first, and read by those who may read the ledger."""

    def test_not_more_often(self, world):
        assert world.gate.reconcile()
        assert not world.gate.reconcile()
        world.clock.forward(minutes=10)
        assert world.gate.reconcile()

    def test_pipelines_do_not_read_it(self, world):
        with pytest.raises(NotAllowed, match="for auditors and for people of the policy"):
            world.gate.reconciliation(world.pipeline)

    def test_what_is_interrupted_and_what_nobody_can_tell(self, world):
        assert world.gate.reconciliation(world.auditor) == {
            "looked_at": None,
            "findings": [],
            "interrupted": [],
            "indeterminate": [],
        }
