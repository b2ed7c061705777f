"""Two gates, one PostgreSQL database: the last use of a standing approval is one use, and what was released counts."""

from __future__ import annotations

import threading

import pytest

from maskgate.gate.model import BreakGlassInput
from maskgate.ledger import verify
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run

TERMS = """standing: {days: 30, uses: 1}
    cool_down: 1h
    remind: {after: 1h}
    escalate: {after: 2h, to: legal}
    break_glass: {role: legal}"""
WHY = "the regulator's portal closes in ten minutes"


@pytest.fixture
def gates(tmp_path, postgres_url):
    policy = POLICY.replace("require: {slots: {privacy: 1}}", f"require: {{slots: {{privacy: 1}}}}\n    {TERMS}", 1)
    (tmp_path / "first").mkdir()
    before = len(GateWorld.made)
    first = GateWorld(tmp_path / "first", policy, database=postgres_url)
    second = first.beside(tmp_path / "second")
    yield first, second
    # The database goes before the next look at it.
    worlds, GateWorld.made[before:] = GateWorld.made[before:], []
    with first.store.read() as work:
        assert verify(work).problems == ()
    for world in worlds:
        world.store.close()


class TestTwoGates:
    """What one of them used, the other one cannot use again."""

    def test_the_last_use_is_one(self, gates):
        first, second = gates
        document = first.ask(run=airflow_run("signed"))
        assert first.decide(document, standing=document["standing_offer"]["digest"])["state"] == "approved"
        asked = []
        for number, world in enumerate(gates):
            run = airflow_run(f"run {number}")
            world.host.add_run(run, triggered_by=("anna",))
            asked.append(world.ask(run=run, sealed=False)["id"])
        threads = [
            threading.Thread(target=world.gate.seal, args=(each,)) for world, each in zip(gates, asked, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(second.read(each)["state"] for each in asked) == ["approved", "pending"]
        assert len(first.entries("standing.used")) == 1

    def test_what_one_reminds_and_escalates_the_other_does_not(self, gates):
        first, second = gates
        first.ask()
        first.clock.forward(hours=2)
        for world in gates:
            world.gate.sweep()
        assert len(first.entries("request.escalated")) == 1
        assert len(second.entries("request.reminded")) == 1

    def test_what_one_has_seen_denied_or_broken_the_other_knows(self, gates):
        first, second = gates
        denied = first.decide(first.ask(), verdict="deny")
        run = airflow_run("again")
        second.host.add_run(run, triggered_by=("anna",))
        assert denied["id"] in second.ask(run=run)["message"]
        first.clock.forward(hours=1)
        document = first.ask(run=airflow_run("third"))
        glass = BreakGlassInput("INC-4711")
        assert second.decide(document, "cleo", reason=WHY, break_glass=glass)["state"] == "approved"
        assert [each["person"] for each in first.gate.post_reviews(first.auditor)] == ["cleo"]
