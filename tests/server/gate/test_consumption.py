"""A grant is used once, under a fence and a lease; also by several processes, and after one died."""

from __future__ import annotations

import multiprocessing
from datetime import timedelta

import pytest
from sqlalchemy import select

from maskgate.errors import Conflict
from maskgate.gate import consumption
from maskgate.gate.consumption import LEASE, Held
from maskgate.store import Store, tables
from maskgate.testing.gate_world import GateWorld
from maskgate.testing.still_clock import StillClock

NOW = StillClock().now()


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def approved(request, tmp_path_factory):
    postgres = None if request.param == "SQLite" else request.getfixturevalue("postgres")
    world = GateWorld(tmp_path_factory.mktemp("approved"), database=postgres and postgres.new_database())
    world.decide(world.ask())
    with world.store.read() as work:
        grant = work.execute(select(tables.grants.c.id)).scalar_one()
    yield world, grant
    world.store.close()
    if postgres is not None:
        postgres.drop(world.database)


@pytest.fixture
def store(approved):
    """The store, with its one grant put back to where it was issued."""
    world, _ = approved
    with world.store.write() as work:
        row = {"state": "issued", "fence": 0, "lease_until": None, "worker": None, "receipt": None}
        work.execute(tables.grants.update().values(row))
    return world.store


@pytest.fixture
def grant(approved):
    return approved[1]


def consume(store, grant, worker="a", now=NOW):
    with store.write() as work:
        return consumption.consume(work, grant, worker=worker, now=now)


def step(store, verb, *arguments):
    with store.write() as work:
        verb(work, *arguments)


def state(store):
    with store.read() as work:
        return work.execute(select(tables.grants.c.state)).scalar_one()


def race(path, grant, worker, barrier, results):
    store = Store.open(path)
    barrier.wait()
    try:
        results.put(consume(store, grant, worker).fence)
    except Conflict as error:
        results.put(str(error))


class TestConsume:
    """Exactly one worker gets a grant."""

    def test_of_several_processes_exactly_one_wins(self, approved, store, grant):
        context = multiprocessing.get_context("fork")
        barrier, results = context.Barrier(6), context.Queue()
        path = approved[0].database or approved[0].folder / "gate.db"
        workers = [
            context.Process(target=race, args=(path, grant, f"w{number}", barrier, results)) for number in range(6)
        ]
        for worker in workers:
            worker.start()
        found = [results.get(timeout=60) for _ in workers]
        for worker in workers:
            worker.join()
        assert [result for result in found if isinstance(result, int)] == [1]
        assert all("being carried out" in result for result in found if isinstance(result, str))

    def test_a_grant_that_ran_out_is_not_taken(self, store, grant):
        with pytest.raises(Conflict, match="has run out"):
            consume(store, grant, now=NOW + timedelta(hours=24))

    def test_a_grant_that_nobody_issued_is_not_taken(self, store):
        with pytest.raises(Conflict, match="not one that this gate has issued"):
            consume(store, "gr_none")

    def test_a_used_grant_is_not_taken_again(self, store, grant):
        held = consume(store, grant)
        step(store, consumption.begin_commit, held, NOW)
        step(store, consumption.finish, held, {"location": "/x"})
        with pytest.raises(Conflict, match="it works once"):
            consume(store, grant, now=NOW + timedelta(days=9))

    def test_a_voided_grant_is_not_taken(self, store, grant):
        with store.write() as work:
            assert consumption.void(work, grant)
            assert not consumption.void(work, grant)
        with pytest.raises(Conflict, match="it works once"):
            consume(store, grant)


class TestLease:
    """Whoever holds a grant keeps it while they renew; a lease that is over can be taken over."""

    def test_another_waits_for_the_lease(self, store, grant):
        consume(store, grant)
        with pytest.raises(Conflict, match="being carried out"):
            consume(store, grant, "b", NOW + LEASE - timedelta(seconds=1))
        assert consume(store, grant, "b", NOW + LEASE).fence == 2

    def test_a_renewed_lease_lasts_longer(self, store, grant):
        held = consume(store, grant)
        step(store, consumption.renew, held, NOW + LEASE / 2)
        with pytest.raises(Conflict, match="being carried out"):
            consume(store, grant, "b", NOW + LEASE)

    def test_leases_of_a_dead_process_end_at_the_next_start(self, store, grant):
        consume(store, grant, "dead")
        step(store, consumption.end_leases_of_others, "alive", NOW)
        with store.read() as work:
            assert len(consumption.interrupted(work, NOW)) == 1
        assert consume(store, grant, "alive").fence == 2

    def test_ones_own_leases_do_not_end(self, store, grant):
        consume(store, grant, "alive")
        step(store, consumption.end_leases_of_others, "alive", NOW)
        with store.read() as work:
            assert consumption.interrupted(work, NOW) == []


class TestFence:
    """Who was overtaken changes nothing any more, whatever they still believe."""

    @pytest.mark.parametrize(
        "verb",
        [
            pytest.param(lambda store, held: step(store, consumption.renew, held, NOW), id="renew"),
            pytest.param(lambda store, held: step(store, consumption.begin_commit, held, NOW), id="commit"),
            pytest.param(lambda store, held: step(store, consumption.fail, held), id="fail"),
            pytest.param(lambda store, held: step(store, consumption.let_go, held, NOW), id="let go"),
        ],
    )
    def test_a_zombie_does_nothing(self, store, grant, verb):
        zombie = consume(store, grant)
        consume(store, grant, "b", NOW + LEASE)
        with pytest.raises(Conflict, match="overtaken"):
            verb(store, zombie)
        assert state(store) == "releasing"

    def test_a_zombie_does_not_finish(self, store, grant):
        zombie = consume(store, grant)
        step(store, consumption.begin_commit, zombie, NOW)
        assert consume(store, grant, "b", NOW + LEASE) == Held(grant, 2)
        with pytest.raises(Conflict):
            step(store, consumption.finish, zombie, {})
        assert state(store) == "committing"

    @pytest.mark.parametrize(
        "verb",
        [
            pytest.param(lambda store, held: step(store, consumption.finish, held, {}), id="finish before commit"),
            pytest.param(lambda store, held: step(store, consumption.copy_again, held), id="copy again while copying"),
        ],
    )
    def test_steps_have_an_order(self, store, grant, verb):
        held = consume(store, grant)
        with pytest.raises(Conflict):
            verb(store, held)
