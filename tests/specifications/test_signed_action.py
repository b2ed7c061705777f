"""Any action of a pipeline waits for a signature as an export does, and is carried out once, as it was signed."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(900)


def traces(world, run):
    """What the action has left behind, a line each time that it was carried out."""
    trace = Path(world.root, "flags", f"rotated_{run.run_id}")
    return trace.read_text(encoding="utf-8").splitlines() if trace.exists() else []


class TestSignedAction:
    """A reviewer signs an action under *Required Actions*; then the task carries it out."""

    @pytest.mark.run("acted", "acting")
    def test_it_is_carried_out_once_and_the_receipt_says_so(self, world, run):
        shown = world.parked(run)
        assert "rotate-key" in shown["subject"]
        assert "bits\\: 256" in shown["body"]
        assert traces(world, run) == []
        assert 'policy "keys in production" counts, because' in world.log(run, "approve")
        world.answer(run, "reviewer")
        world.ended(run, "success")
        request = world.request(run)
        assert traces(world, run) == ["256"]
        assert (request["state"], request["level"], request["receipt"]["succeeded"]) == ("released", "verify", True)
        assert world.user("admin").xcom(run.dag_id, run.run_id, "release") == request["receipt"]
        assert world.user("requester").clear(run.dag_id, run.run_id, "release").is_success
        world.ended(run, "success")
        assert traces(world, run) == ["256"]

    @pytest.mark.run("acted_otherwise", "acting", conf={"bits": 1024})
    def test_with_other_arguments_nothing_is_done(self, world, run):
        world.parked(run)
        world.answer(run, "reviewer")
        world.ended(run, "failed")
        assert "is for another call than this one. Nothing was done." in world.log(run, "release")
        assert traces(world, run) == []
        assert world.request(run)["state"] == "approved"
