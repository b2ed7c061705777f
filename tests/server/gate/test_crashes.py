"""The gate dies at each point of its way; what is visible is whole or absent, and the next start goes on."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from maskgate.gate import consumption
from maskgate.gate.sealing import seal
from maskgate.gate.signer import Signer
from maskgate.ledger import verify
from maskgate.release.releaser import DestinationReleaser
from maskgate.testing.gate_world import GateWorld
from maskgate.testing.host import airflow_run

_DEAD = 9


class DyingReleaser(DestinationReleaser):
    """The real releaser, in a process that is killed at one point."""

    def __init__(self, point):
        super().__init__()
        self.point = point

    def copy(self, order, progress):
        self._die("before the first byte")

        def dying(done, total):
            progress(done, total)
            if self.point == "in the middle of a copy" and done < total:
                os._exit(_DEAD)

        copied = super().copy(order, dying)
        self._die("after the copy")
        return copied

    def commit(self, order):
        self._die("before the commit")
        super().commit(order)
        self._die("after the commit")

    def _die(self, point):
        if self.point == point:
            os._exit(_DEAD)


def in_a_process(work, *arguments):
    """Run something in a process of its own; return how it ended."""
    process = multiprocessing.get_context("fork").Process(target=work, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def release(folder, document, point):
    world = GateWorld(folder, releaser=DyingReleaser(point))
    world.release(document)


def visible(world):
    """Files that a reader of the destination sees: hidden and temporary names are none."""
    return [name for name in world.released() if not any(part.startswith(".") for part in Path(name).parts)]


@pytest.fixture
def approved(tmp_path):
    world = GateWorld(tmp_path)
    document = world.decide(world.ask())
    world.store.close()
    return document


class TestRelease:
    """Killed anywhere in a release: nothing half-written is visible, and the next start finishes it."""

    @pytest.mark.parametrize(
        ("point", "state", "fence"),
        [
            ("before the first byte", "releasing", 2),
            ("in the middle of a copy", "releasing", 2),
            ("after the copy", "releasing", 2),
            ("before the commit", "committing", 2),
            ("after the commit", "committing", 2),
        ],
        ids=str,
    )
    def test_killed(self, tmp_path, approved, point, state, fence):
        assert in_a_process(release, tmp_path, approved, point) == _DEAD
        world = GateWorld(tmp_path)
        with world.store.read() as work:
            assert consumption.interrupted(work, world.clock.now()) == [approved["id"]]
        published = 3 if point == "after the commit" else 0
        assert len(visible(world)) == published
        assert world.gate.work()
        done = world.read(approved["id"])
        assert done["state"] == "released"
        assert len(visible(world)) == 3
        assert world.released() == visible(world)
        assert world.entries("release.completed")[-1]["fence"] == fence
        assert len(world.entries("release.completed")) == 1
        with world.store.read() as work:
            assert verify(work).problems == ()

    def test_killed_again_and_again(self, tmp_path, approved):
        for point in ("in the middle of a copy", "before the commit", "after the copy", "after the commit"):
            assert in_a_process(resume, tmp_path, approved, point) == _DEAD
        world = GateWorld(tmp_path)
        world.gate.work()
        assert world.read(approved["id"])["state"] == "released"
        assert len(world.released()) == 3

    def test_the_pipeline_may_ask_again_in_between(self, tmp_path, approved):
        in_a_process(release, tmp_path, approved, "in the middle of a copy")
        world = GateWorld(tmp_path)
        assert world.release(approved)["state"] == "released"
        assert len(world.entries("release.started")) == 2


def resume(folder, document, point):
    world = GateWorld(folder, releaser=DyingReleaser(point))
    if world.read(document["id"])["state"] == "approved":
        world.release(document)
    world.gate.work()


class Overtaken(DestinationReleaser):
    """A releaser that is so slow that another takes over in the middle."""

    def __init__(self, world):
        super().__init__()
        self.world = world
        self.done = False

    def copy(self, order, progress):
        def slow(done, total):
            if not self.done:
                self.done = True
                self.world.clock.forward(minutes=10)
                second = GateWorld(self.world.folder, clock=self.world.clock)
                assert second.gate.release_waiting()
            progress(done, total)

        return super().copy(order, slow)


class TestZombie:
    """Whoever was thought dead and comes back publishes nothing."""

    def test_it_stops_at_its_next_step(self, tmp_path):
        world = GateWorld(tmp_path)
        approved = world.decide(world.ask())
        slow = GateWorld(tmp_path, releaser=Overtaken(world), clock=world.clock)
        done = slow.release(approved)
        assert done["state"] == "released"
        assert len(world.entries("release.completed")) == 1
        assert world.entries("release.completed")[0]["fence"] == 2
        assert len(visible(world)) == 3

    def test_it_wakes_after_the_grant_ran_out(self, tmp_path):
        """What it had begun to publish in time is finished by another: a refusal would be a lie when it wakes."""
        world = GateWorld(tmp_path)
        approved = world.decide(world.ask())
        asleep = Asleep(world)
        done = GateWorld(tmp_path, releaser=asleep, clock=world.clock).release(approved)
        assert done["state"] == "released"
        assert [each["fence"] for each in world.entries("release.completed")] == [2]
        assert asleep.seen_on_waking == visible(world)
        assert world.released() == visible(world)
        assert world.entries("release.failed") == []


class Asleep(DestinationReleaser):
    """A releaser that falls asleep right before it publishes, until the grant's time is over and another took over."""

    def __init__(self, world):
        super().__init__()
        self.world = world
        self.seen_on_waking = None

    def commit(self, order):
        self.world.clock.forward(hours=30)
        assert GateWorld(self.world.folder, clock=self.world.clock).gate.release_waiting()
        self.seen_on_waking = visible(self.world)
        super().commit(order)


def dying_seal(*arguments, **options):
    seal(*arguments, **options)
    os._exit(_DEAD)


def seal_and_die(folder):
    GateWorld(folder, sealer=dying_seal).gate.seal_waiting()


class TestSealing:
    """Killed while it reads: the next start reads again."""

    def test_killed(self, tmp_path):
        world = GateWorld(tmp_path)
        asked = world.ask(sealed=False)
        world.store.close()
        assert in_a_process(seal_and_die, tmp_path) == _DEAD
        world.start()
        assert world.read(asked["id"])["state"] == "sealing"
        assert world.gate.work()
        assert world.read(asked["id"])["state"] == "pending"


def decide_and_die(folder, document):
    world = GateWorld(folder)
    world.host.add_run(airflow_run(), triggered_by=("anna",))
    Signer.sign = lambda *_: os._exit(_DEAD)
    world.decide(document)


class TestDecision:
    """Decision, entry and grant are one: a gate that dies between them has decided nothing."""

    def test_killed_before_the_grant(self, tmp_path):
        world = GateWorld(tmp_path)
        document = world.ask()
        world.store.close()
        assert in_a_process(decide_and_die, tmp_path, document) == _DEAD
        world.start()
        after = world.read(document["id"])
        assert (after["state"], after["decisions"]) == ("pending", [])
        assert world.entries("decision.approve", "grant.issued") == []
        assert world.decide(document)["state"] == "approved"
