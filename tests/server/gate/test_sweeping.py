"""What happens without anybody asking: time runs out, tasks are woken, copies are deleted, people are told."""

from __future__ import annotations

import pytest

from maskgate.errors import MaskgateError, NotFound
from maskgate.gate.model import RequestInput
from maskgate.gate.sweeping import PARKED_FOR
from maskgate.testing.gate_world import REASON, GateWorld
from maskgate.testing.host import airflow_run

RUN = airflow_run()


@pytest.fixture
def world(tmp_path):
    return GateWorld(tmp_path)


class TestTime:
    """Time out is a denial."""

    def test_a_request_that_nobody_signed(self, world):
        document = world.ask()
        world.clock.forward(hours=23, minutes=59)
        world.gate.sweep()
        assert world.read(document["id"])["state"] == "pending"
        world.clock.forward(minutes=1)
        world.gate.sweep()
        expired = world.read(document["id"])
        assert (expired["state"], expired["receipt"]) == ("expired", None)
        assert world.entries("request.expired", request=document["id"])

    def test_a_grant_that_nobody_used(self, world):
        document = world.decide(world.ask())
        world.clock.forward(hours=24)
        world.gate.sweep()
        assert world.read(document["id"])["state"] == "expired"

    def test_a_grant_lasts_from_when_it_was_signed(self, world):
        document = world.ask()
        world.clock.forward(hours=23)
        world.decide(document)
        world.clock.forward(hours=23)
        world.gate.sweep()
        assert world.release(document)["state"] == "released"

    def test_a_release_under_way_does_not_expire(self, world):
        document = world.decide(world.ask())
        world.gate.release(world.pipeline, document["id"], RUN)
        world.clock.forward(hours=24)
        world.gate.sweep()
        assert world.read(document["id"])["state"] == "releasing"


class TestWaking:
    """After a decision elsewhere the gate answers the parked task, once it has been parked for long enough."""

    @pytest.fixture
    def decided(self, world):
        document = world.ask()
        world.host.park(RUN, document["question"])
        world.decide(document)
        return document

    def test_not_before_it_has_been_parked_for_long_enough(self, world, decided):
        for _ in range(3):
            world.gate.sweep()
        assert world.host.woken == []
        world.clock.forward(seconds=PARKED_FOR.total_seconds() - 0.1)
        world.gate.sweep()
        assert world.host.woken == []
        world.clock.forward(seconds=0.1)
        world.gate.sweep()
        assert world.host.woken == [("manual__1", True)]

    def test_until_the_task_is_over_and_no_longer(self, world, decided):
        for _ in range(5):
            world.gate.sweep()
            world.clock.forward(seconds=3)
        assert len(world.host.woken) == 1
        world.host.resume(RUN, "success")
        for _ in range(5):
            world.clock.forward(minutes=2)
            world.gate.sweep()
        assert len(world.host.woken) == 1

    def test_a_task_that_parks_only_after_the_decision(self, world):
        document = world.decide(world.ask())
        world.gate.sweep()
        world.clock.forward(seconds=1)
        world.host.park(RUN, document["question"])
        for _ in range(20):
            world.gate.sweep()
            world.clock.forward(seconds=1)
        assert world.host.woken == [("manual__1", True)]

    @pytest.mark.parametrize(
        "settle",
        [
            pytest.param(lambda w, d: w.decide(d, verdict="deny"), id="denied"),
            pytest.param(lambda w, d: w.gate.withdraw(w.pipeline, d["id"]), id="withdrawn"),
            pytest.param(lambda w, d: w.clock.forward(hours=24), id="expired"),
        ],
    )
    def test_a_no_wakes_it_too(self, world, settle):
        document = world.ask()
        world.host.park(RUN, document["question"])
        settle(world, document)
        for _ in range(12):
            world.gate.sweep()
            world.clock.forward(seconds=1)
        assert world.host.woken == [("manual__1", False)]

    def test_at_once_if_it_was_seen_parked_before(self, world):
        document = world.ask()
        world.host.park(RUN, document["question"])
        world.gate.sweep()
        world.clock.forward(minutes=5)
        world.decide(document)
        world.gate.sweep()
        assert world.host.woken == [("manual__1", True)]

    def test_parking_again_counts_anew(self, world):
        document = world.ask()
        world.host.park(RUN, document["question"])
        world.gate.sweep()
        world.clock.forward(minutes=5)
        world.host.answer(RUN, "anna", reason=REASON)
        world.gate.refresh(world.pipeline, document["id"])
        world.host.park(RUN, document["question"])
        world.decide(document)
        world.gate.sweep()
        assert world.host.woken == []
        world.clock.forward(seconds=PARKED_FOR.total_seconds())
        world.gate.sweep()
        assert world.host.woken == [("manual__1", True)]
        assert world.host.notes[-1][1].startswith("Maskgate: Signed."), "the note of the refused answer is replaced"

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            pytest.param("Maskgate: Signed.", "Maskgate: Waiting for a signature", id="of an earlier request"),
            pytest.param("Ask Anna first", "Ask Anna first", id="of a person"),
        ],
    )
    def test_a_note_of_an_earlier_request_is_replaced_once_the_task_waits_anew(self, world, before, after):
        document = world.ask()
        world.host.note(RUN, before)
        world.host.park(RUN, document["question"])
        world.gate.sweep()
        assert world.host.notes[-1][1].startswith(after)

    def test_a_host_that_is_away_is_tried_again(self, world, decided):
        world.host.is_reachable = False
        for _ in range(4):
            world.gate.sweep()
            world.clock.forward(seconds=2)
        world.host.is_reachable = True
        for _ in range(12):
            world.gate.sweep()
            world.clock.forward(seconds=2)
        assert world.host.woken == [("manual__1", True)]

    def test_the_gates_own_waking_decides_nothing(self, world):
        document = world.ask()
        world.host.park(RUN, document["question"])
        world.host.wake(RUN, approved=True)
        assert world.gate.refresh(world.pipeline, document["id"])["state"] == "pending"

    def test_an_answer_that_was_taken_there_needs_no_waking(self, world):
        document = world.ask()
        world.host.park(RUN, document["question"])
        world.host.answer(RUN, "bert", reason=REASON)
        world.gate.refresh(world.pipeline, document["id"])
        world.host.resume(RUN, "success")
        for _ in range(5):
            world.gate.sweep()
            world.clock.forward(seconds=3)
        assert world.host.woken == []


class TestDeletion:
    """Copies are deleted when nothing waits for them, and each deletion is an entry."""

    @pytest.mark.parametrize(
        "settle",
        [
            pytest.param(lambda w, d: w.decide(d, verdict="deny"), id="denied"),
            pytest.param(lambda w, d: w.gate.withdraw(w.pipeline, d["id"]), id="withdrawn"),
            pytest.param(lambda w, d: w.clock.forward(hours=24), id="expired"),
        ],
    )
    def test_of_a_settled_request(self, world, settle):
        document = world.ask()
        settle(world, document)
        world.gate.sweep()
        assert not (world.folder / "staging" / document["staging"]).exists()
        assert list((world.folder / "sealed").iterdir()) == []
        assert [entry["staging"] for entry in world.entries("staging.deleted")] == [document["staging"]]

    def test_not_while_another_request_waits_for_the_same_data(self, world):
        staging = world.stage()
        first, second = world.ask(staging=staging), world.ask(staging=staging, run=airflow_run("second"))
        world.decide(first, verdict="deny")
        world.gate.sweep()
        assert world.entries("staging.deleted") == []
        assert world.release(world.decide(second), airflow_run("second"))["state"] == "released"

    def test_of_a_staging_that_nobody_asked_about(self, world):
        staging = world.stage()
        world.clock.forward(hours=23)
        world.gate.sweep()
        assert world.entries("staging.deleted") == []
        world.clock.forward(hours=1)
        world.gate.sweep()
        assert [entry["staging"] for entry in world.entries("staging.deleted")] == [staging]
        with pytest.raises(NotFound, match="its time is over"):
            world.gate.create_request(world.pipeline, RequestInput(staging, "archive"))

    def test_not_while_it_waits_for_a_signature(self, world):
        document = world.ask()
        world.gate.sweep()
        assert (world.folder / "staging" / document["staging"]).exists()


class Channel:
    """A way of telling people that keeps what it was given."""

    channel = "memory"

    def __init__(self):
        self.told = []
        self.is_down = False

    def notify(self, document):
        if self.is_down:
            raise MaskgateError("the channel does not answer")
        self.told.append((document["id"], document["state"]))


class TestNotices:
    """People are told of what is stored, and again if the message did not get through."""

    @pytest.fixture
    def channel(self):
        return Channel()

    @pytest.fixture
    def world(self, tmp_path, channel):
        return GateWorld(tmp_path, notifiers=(channel,))

    def test_of_each_state_once(self, world, channel):
        document = world.ask()
        world.gate.sweep()
        world.gate.sweep()
        world.decide(document, verdict="deny")
        world.gate.sweep()
        assert channel.told == [(document["id"], "pending"), (document["id"], "denied")]
        assert [entry["state"] for entry in world.entries("notification.sent")] == ["pending", "denied"]

    def test_a_channel_that_is_down_is_tried_again(self, world, channel):
        document = world.ask()
        channel.is_down = True
        world.gate.sweep()
        assert world.entries("notification.failed")[-1]["refusal"] == "the channel does not answer"
        channel.is_down = False
        world.clock.forward(seconds=2)
        world.gate.sweep()
        assert channel.told == [(document["id"], "pending")]

    def test_what_is_no_longer_so_is_not_told(self, world, channel):
        document = world.ask()
        world.decide(document, verdict="deny")
        world.gate.sweep()
        assert channel.told == [(document["id"], "denied")]
