"""Those who wait for their turn at the same time take one together: nobody waits for company, or fails for another."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from maskgate.errors import Conflict, DatabaseUnreachable, MaskgateError, NotAllowed, NotFound, Refused
from maskgate.gate.model import RequestInput
from maskgate.gate.shared_turn import MOST, SharedTurn
from maskgate.ledger import verify
from maskgate.testing.gate_world import GateWorld

PATIENCE = 30


def eventually(holds):
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Busy:
    """Somebody whose turn lasts until it is ended; and what was done together meanwhile and after."""

    def __init__(self, **options) -> None:
        self.turn = SharedTurn(**options)
        self.began, self.end = threading.Event(), threading.Event()
        self.done: list[list[str]] = []

    def first(self):
        return self.turn.take("first", "first", self._wait)

    def _wait(self, asked):
        self.began.set()
        assert self.end.wait(PATIENCE)
        return asked

    def take(self, key):
        return self.turn.take(key, key, self._note)

    def _note(self, asked):
        self.done.append(list(asked))
        if "bad" in asked:
            raise LookupError
        return [f"done: {each}" for each in asked]


@contextmanager
def queued(busy, keys):
    """Have these wait in order behind somebody who is busy; what became of each is known at the end."""
    results: list = []
    with ThreadPoolExecutor(len(keys) + 1) as pool:
        pool.submit(busy.first)
        assert busy.began.wait(PATIENCE)
        for number, key in enumerate(keys, start=1):
            results.append(pool.submit(busy.take, key))
            eventually(lambda number=number: waiting(busy.turn) == number)
        yield results
        busy.end.set()


def waiting(turn):
    return len(turn._waiting)


class TestSharedTurn:
    """Who comes while somebody is busy goes along with the first who waits."""

    def test_alone_one_goes_at_once(self):
        busy = Busy()
        assert [busy.take("a"), busy.take("b")] == ["done: a", "done: b"]
        assert busy.done == [["a"], ["b"]]

    def test_those_who_wait_go_together_in_order(self):
        busy = Busy()
        with queued(busy, "abc") as results:
            assert busy.done == []
        assert [each.result() for each in results] == ["done: a", "done: b", "done: c"]
        assert busy.done == [["a", "b", "c"]]

    def test_about_the_same_they_go_one_after_the_other(self):
        busy = Busy()
        with queued(busy, "abab") as results:
            pass
        assert [each.result() for each in results] == ["done: a", "done: b", "done: a", "done: b"]
        assert busy.done == [["a", "b"], ["a", "b"]]

    def test_no_turn_is_longer_than_so_many(self):
        busy = Busy()
        with queued(busy, [str(number) for number in range(MOST + 2)]):
            pass
        assert [len(each) for each in busy.done] == [MOST, 2]

    def test_a_turn_that_fails_has_no_outcome_for_those_who_went_along(self):
        busy = Busy()
        with queued(busy, ["a", "bad", "b"]) as results:
            pass
        with pytest.raises(LookupError):
            results[0].result()
        assert [each.result() for each in results[1:]] == [None, None]
        assert busy.take("c") == "done: c"

    def test_nobody_waits_for_ever(self):
        busy = Busy(longest_wait=0.05)
        with queued(busy, "a") as (late,), pytest.raises(DatabaseUnreachable, match="busy with others"):
            late.result(PATIENCE)
        assert busy.done == []
        assert busy.take("b") == "done: b"


@pytest.fixture
def world(tmp_path, database):
    before = len(GateWorld.made)
    made = GateWorld(tmp_path, database=None if database == tmp_path / "gate.db" else database)
    yield made
    # The database goes before the next look at it.
    del GateWorld.made[before:]
    with made.store.read() as work:
        assert verify(work).problems == ()
    made.store.close()


def asked_without_a_run(world):
    """Ask for two signatures, of which one is there."""
    document = world.gate.create_request(
        world.pipeline, RequestInput(world.stage(), "partner", "export", "for the partner", None)
    )
    while world.gate.seal_waiting():
        pass
    return world.decide(world.read(document["id"]), "anna")


def outcome_of(world, document, **given):
    try:
        return world.decide(document, **given)["state"]
    except (MaskgateError, DBAPIError) as error:
        return type(error)


def decided_together(world, decisions):
    """Have somebody else write until all of these wait for it; return what came of each."""
    with ThreadPoolExecutor(len(decisions)) as pool:
        with world.store.write():
            given = [pool.submit(outcome_of, world, document, **more) for document, more in decisions]
            eventually(lambda: waiting(world.gate._parts.deciders) == len(decisions) - 1)
        return [each.result(PATIENCE) for each in given]


class TestDecidedTogether:
    """Decisions in one transaction are each as if by itself."""

    def test_each_has_an_outcome_of_its_own(self, world):
        good = [asked_without_a_run(world) for _ in range(4)]
        bad = [asked_without_a_run(world) for _ in range(3)]
        none = good[0] | {"id": "req_none"}
        decisions = [
            *((each, {}) for each in good[:3]),
            (good[3], {"verdict": "deny", "reason": ""}),
            (bad[0], {"reason": "short"}),
            (bad[1], {"person": "cleo"}),
            (bad[2], {"intent_digest": "sha256:" + "0" * 64}),
            (none, {}),
        ]
        expected = ["approved"] * 3 + ["denied", Refused, NotAllowed, Conflict, NotFound]
        assert decided_together(world, decisions) == expected
        for document in good[:3]:
            types = [entry["type"] for entry in world.entries(request=document["id"])]
            assert types[-3:] == ["decision.approve", "decision.approve", "grant.issued"]
        assert [world.read(each["id"])["state"] for each in bad] == ["pending"] * 3
        assert all(len(world.entries("decision.refused", request=each["id"])) == 1 for each in bad)

    def test_of_several_about_one_request_one_counts(self, world):
        one, other = asked_without_a_run(world), asked_without_a_run(world)
        outcomes = decided_together(world, [(one, {}), (one, {}), (other, {}), (one, {})])
        assert outcomes[2] == "approved"
        assert Counter(outcomes) == {"approved": 2, Conflict: 2}
        assert len(world.entries("grant.issued", request=one["id"])) == 1
        assert len(world.entries("decision.refused", request=one["id"])) == 2

    def test_what_the_database_refuses_of_one_is_done_of_the_others(self, world):
        """The transaction fails as a whole; then each is tried by itself."""
        documents = [asked_without_a_run(world) for _ in range(4)]
        fails_for(world, documents[1]["id"])
        outcomes = decided_together(world, [(each, {}) for each in documents])
        assert outcomes[::2] == ["approved"] * 2
        assert outcomes[3] == "approved"
        assert issubclass(outcomes[1], DBAPIError)
        states = [world.read(each["id"])["state"] for each in documents]
        assert states == ["approved", "pending", "approved", "approved"]
        assert len(world.entries("grant.issued")) == 3


def fails_for(world, request_id):
    """Have the database itself fail when a grant for one request is written."""
    with world.store.write() as work:
        if world.database is None:
            work.execute(
                text(
                    f"CREATE TRIGGER broken BEFORE INSERT ON grants WHEN NEW.request = '{request_id}'"
                    " BEGIN SELECT RAISE(ABORT, 'broken'); END"
                )
            )
            return
        work.execute(text("CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'broken'; END$$"))
        work.execute(
            text(
                f"CREATE TRIGGER broken BEFORE INSERT ON grants FOR EACH ROW WHEN (NEW.request = '{request_id}')"
                " EXECUTE FUNCTION broken()"
            )
        )
