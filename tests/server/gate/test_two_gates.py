"""Two gates with homes of their own, one PostgreSQL database: everything is done once, by one of them."""

from __future__ import annotations

import shutil
import threading

import pytest

from maskgate.errors import KeyReferenceError, LedgerError, StillPending
from maskgate.gate.consumption import LEASE
from maskgate.gate.model import Caller, Identity
from maskgate.gate.sealing import seal
from maskgate.ledger import verify
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run

KEYS_POLICY = POLICY.replace(
    "otherwise: refuse\n",
    """
  - name: keys of the gate
    when: {action: [rotate-gate-key, revoke-gate-key]}
    require: {slots: {privacy: 2}, distinct: 2}
    channels: [web]
otherwise: refuse
""",
)


class SlowSealer:
    """Seals for real, and has something else happen before it is done."""

    def __init__(self):
        self.meanwhile = lambda: None
        self.folders = []

    def __call__(self, staging, staging_id, folder, **more):
        self.folders.append(folder)
        sealed = seal(staging, staging_id, folder, **more)
        self.meanwhile()
        return sealed


class Told:
    """A channel that remembers what it was told."""

    channel = "told"

    def __init__(self):
        self.states = []

    def notify(self, document):
        self.states.append(document["state"])


@pytest.fixture
def start(tmp_path, postgres_url):
    """Start the first gate; others are started beside it."""
    (tmp_path / "first").mkdir()
    before = len(GateWorld.made)
    yield lambda **more: GateWorld(tmp_path / "first", database=postgres_url, **more)
    worlds, GateWorld.made[before:] = GateWorld.made[before:], []
    with worlds[0].store.read() as work:
        assert verify(work).problems == ()
    for world in worlds:
        world.store.close()


@pytest.fixture
def both(start, tmp_path):
    first = start()
    return first, first.beside(tmp_path / "second")


class TestStarting:
    """The second gate goes on with what the first began, if it has the same key."""

    def test_the_tokens_of_the_first_count_at_the_second(self, both):
        first, second = both
        assert second.pipeline == first.pipeline
        assert [entry["type"] for entry in second.entries()].count("gate.created") == 1
        assert [entry["type"] for entry in second.entries()].count("gate.started") == 2

    def test_another_key_is_refused(self, start, tmp_path):
        first = start()
        (tmp_path / "third").mkdir()
        with pytest.raises(LedgerError, match="Put the key back that belongs to this database"):
            GateWorld(tmp_path / "third", database=first.database, places=first.folder)


class TestKeyRotation:
    """A rotation at one gate counts at the other, which signs again as soon as it holds the key."""

    def test_the_other_gate_follows(self, start, tmp_path):
        first = start(policy=KEYS_POLICY)
        second = first.beside(tmp_path / "second")
        asked = first.gate.rotate_key(Caller("operator", "operator"), "it is a year old")
        for person in ("anna", "bert"):
            first.decide(asked, person)
        assert second.gate.fingerprint == first.gate.fingerprint != asked["evidence"]["changes"][0].removeprefix("- ")
        waiting = second.ask()
        with pytest.raises(KeyReferenceError, match="does not hold the key"):
            second.decide(waiting)
        assert second.read(waiting["id"])["state"] == "pending"
        shutil.copytree(first.folder / "keys", second.folder / "keys")
        assert second.release(second.decide(waiting))["state"] == "released"


class TestSealing:
    """One gate seals a request; another takes over only when the first is gone."""

    def test_what_one_seals_the_other_leaves_alone(self, start, tmp_path):
        sealer = SlowSealer()
        first = start(sealer=sealer)
        second = first.beside(tmp_path / "second")
        found = []
        sealer.meanwhile = lambda: found.append(second.gate.seal_waiting())
        document = first.ask()
        assert found == [False]
        assert document["state"] == "pending"

    def test_one_that_was_taken_over_changes_nothing(self, start, tmp_path):
        sealer = SlowSealer()
        first = start(sealer=sealer)
        second = first.beside(tmp_path / "second", sealed=first.folder / "sealed")

        def taken_over():
            first.clock.forward(seconds=LEASE.total_seconds() + 1)
            assert second.gate.seal_waiting()

        sealer.meanwhile = taken_over
        document = first.ask()
        assert document["state"] == "pending"
        assert [entry["type"] for entry in first.entries(request=document["id"])].count("request.sealed") == 1
        (late,) = sealer.folders
        assert {path.name for path in late.parent.iterdir()} == {"1", "2"}
        first.decide(document)
        assert second.release(document)["state"] == "released"

    def test_one_that_died_is_taken_over_after_its_lease(self, start, tmp_path):
        class Killed(BaseException):
            pass

        def die(*_, **__):
            raise Killed

        first = start(sealer=die)
        second = first.beside(tmp_path / "second")
        with pytest.raises(Killed):
            first.ask()
        assert not second.gate.seal_waiting()
        first.clock.forward(seconds=LEASE.total_seconds() + 1)
        assert second.gate.seal_waiting()
        (document,) = second.gate.requests(second.auditor)
        assert document["state"] == "pending"


class TestReleasing:
    """A release is started at any gate, and carried out by one that has the sealed copy."""

    def test_the_gate_that_sealed_it_carries_it_out(self, both):
        first, second = both
        document = first.ask()
        second.decide(document)
        second.gate.release(second.pipeline, document["id"], airflow_run(task_id="release"))
        assert not second.gate.release_waiting()
        assert first.gate.release_waiting()
        assert first.read(document["id"])["state"] == "released"
        assert len(first.entries("release.completed")) == 1

    def test_it_has_no_rows_to_show_where_it_was_not_sealed(self, both):
        first, second = both
        document = first.ask()
        bert = Identity(("okta|bert",), "web", (), first.clock.now())
        assert first.gate.view_sample(document["id"], bert)
        with pytest.raises(StillPending, match="at another gate"):
            second.gate.view_sample(document["id"], bert)

    def test_a_shared_folder_lets_any_gate_carry_it_out(self, start, tmp_path):
        shared = tmp_path / "shared"
        shared.mkdir()
        first = start(sealed=shared)
        second = first.beside(tmp_path / "second", sealed=shared)
        document = first.ask()
        first.decide(document)
        assert second.release(document)["state"] == "released"
        second.gate.sweep()
        assert list(shared.iterdir()) == []

    def test_without_the_gate_that_has_the_copy_it_fails_when_the_grant_is_over(self, both):
        first, second = both
        document = first.ask()
        second.decide(document)
        second.gate.release(second.pipeline, document["id"], airflow_run(task_id="release"))
        first.clock.forward(hours=23)
        assert not second.gate.release_waiting()
        first.clock.forward(hours=2)
        assert second.gate.release_waiting()
        found = second.read(document["id"])
        assert (found["state"], first.released()) == ("failed", [])
        assert "ran out" in found["message"]

    def test_each_gate_deletes_its_own_copies(self, both):
        first, second = both
        document = first.ask()
        second.decide(document, verdict="deny")
        second.gate.sweep()
        assert [path.name for path in (first.folder / "sealed").iterdir()] == [document["id"]]
        first.gate.sweep()
        assert list((first.folder / "sealed").iterdir()) == []


class TestTelling:
    """People are told once, whichever gate tells them."""

    def test_a_message_is_sent_by_one_gate(self, start, tmp_path):
        one, other = Told(), Told()
        first = start(notifiers=(one,))
        second = first.beside(tmp_path / "second", notifiers=(other,))
        first.ask()
        together = threading.Barrier(2)

        def sweep(world):
            together.wait(10)
            world.gate.sweep()

        sweeping = [threading.Thread(target=sweep, args=(world,)) for world in (first, second)]
        for each in sweeping:
            each.start()
        for each in sweeping:
            each.join()
        assert one.states + other.states == ["pending"]


class TestTime:
    """A clock that jumped back stops every gate, with words that say what to do."""

    def test_nothing_is_decided(self, both):
        first, second = both
        document = first.ask()
        first.clock.forward(seconds=-6)
        with pytest.raises(LedgerError, match="Set the clock right"):
            second.decide(document)
        assert first.read(document["id"])["state"] == "pending"
        assert first.read(document["id"])["decisions"] == []
        first.clock.forward(seconds=6)
        assert second.decide(document)["state"] == "approved"
