"""A gate that carries actions out itself is killed while its handler runs: no action takes place twice."""

from __future__ import annotations

import multiprocessing
import signal
import sqlite3

import pytest

from maskgate.gate import fault_points
from maskgate.gate.fault_points import HANDLER_POINTS
from maskgate.gate.parameters import Parameter
from maskgate.ledger import verify
from maskgate.release.handlers import CommandHandler, SqlHandler
from maskgate.testing.gate_world import POLICY, GateWorld

ACTIONS = """\
  - name: what the gate carries out
    when: {action: [note, forget]}
    require: {slots: {privacy: 1}}
    channels: [web]
    expires: 1h
otherwise: refuse
"""


def handlers_in(folder):
    script = f'echo "$1" >> {folder}/diary'
    return {
        "note": CommandHandler("note", ("sh", "-c", script, "sh", "{line}"), (Parameter("line"),)),
        "forget": SqlHandler(
            "forget",
            f"sqlite:///{folder}/people.db",
            "DELETE FROM people WHERE id = :id",
            (Parameter("id", "integer"),),
        ),
    }


def open_world(folder, **more):
    return GateWorld(folder, policy=POLICY.replace("otherwise: refuse", ACTIONS), handlers=handlers_in(folder), **more)


def act(folder, clock, fault, document, arguments):
    world = open_world(folder, clock=clock)
    fault_points.arm(fault)
    world.gate.release(world.pipeline, document["id"], None, arguments=arguments)
    while world.gate.release_waiting():
        pass


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    with sqlite3.connect(folder / "people.db") as database:
        database.execute("CREATE TABLE people (id INTEGER)")
        database.executemany("INSERT INTO people VALUES (?)", [(1,), (2,)])
    return open_world(folder)


def after_a_kill(world, action, point, **arguments):
    """Ask, sign, carry out in a process that is killed, start again; return what became of it."""
    asked = world.gate.request(world.pipeline, action=action, resource="crm", why="asked", arguments=arguments)
    for person in ("anna", "bert"):  # nobody knows who asks, so it takes two
        document = world.decide(asked, person)
    # Not a fork of this process: it has threads, whose locks nobody would ever give back.
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=act, args=(world.folder, world.clock, f"kill:{point}", document, arguments))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    world.store.close()
    world.start()
    while world.gate.release_waiting():
        pass
    with world.store.read() as work:
        assert verify(work).problems == ()
    return world.read(document["id"])


@pytest.mark.parametrize("point", HANDLER_POINTS)
class TestKilled:
    """What leaves no trace is indeterminate, and told; what leaves one is found. Neither is done again."""

    def test_a_command(self, world, point):
        over = after_a_kill(world, "note", point, line=point)
        assert over["state"] == "indeterminate"
        assert "not tried again" in over["message"]
        assert len(world.entries("release.indeterminate", request=over["id"])) == 1
        diary = world.folder / "diary"
        lines = diary.read_text().splitlines() if diary.exists() else []
        assert lines.count(point) == (point == "after handler")

    def test_a_statement(self, world, point):
        number = HANDLER_POINTS.index(point) + 1
        over = after_a_kill(world, "forget", point, id=number)
        took_place = point == "after handler"
        assert over["state"] == ("released" if took_place else "failed")
        with sqlite3.connect(world.folder / "people.db") as database:
            there = database.execute("SELECT count(*) FROM people WHERE id = ?", (number,)).fetchone()[0]
        assert there == (not took_place)
