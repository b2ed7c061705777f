"""Dry runs of handlers that a releaser process has: signed by the gate, made there, shown to whoever signs."""

from __future__ import annotations

import dataclasses
import json
import threading
from contextlib import contextmanager

import pytest
from server.gate.acting import ACTIONS, ScriptedHandler, ask

from maskgate.errors import Conflict, NotAllowed, Refused, TooMany
from maskgate.gate import dry_runs
from maskgate.gate.action_handler import HandlerElsewhere
from maskgate.gate.dry_runs import DryRun, DryRuns
from maskgate.gate.model import Caller
from maskgate.release.dry_run_turn import DryRunTurn
from maskgate.testing.gate_world import GateWorld

RELEASER = Caller("releaser", "exports")


class DirectLink:
    """A releaser's link without a network between."""

    def __init__(self, gate):
        self.gate, self.seen = gate, []

    def take_dry_runs(self, actions):
        found = self.gate.take_dry_runs(RELEASER, actions)["dry_runs"]
        self.seen += found
        return found

    def answer_dry_run(self, dry_run, lines, refusal):
        self.gate.answer_dry_run(RELEASER, dry_run, lines, refusal)


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setattr(dry_runs, "_TAKEN_SECONDS", 2.0)
    monkeypatch.setattr(dry_runs, "_MADE_SECONDS", 2.0)
    return GateWorld(tmp_path, policy=ACTIONS, handlers={"purge": HandlerElsewhere(ScriptedHandler())})


@contextmanager
def releaser(world, handler=None, ring=None):
    """Make dry runs beside the test, as a releaser process does."""
    pinned = world.folder / "pinned.json"
    pinned.write_text(json.dumps(ring or world.gate.key_ring()))
    link, stopping = DirectLink(world.gate), threading.Event()
    turn = DryRunTurn(link, pinned, {"purge": handler or ScriptedHandler()})
    thread = threading.Thread(target=turn.run, args=(stopping.is_set, lambda _: stopping.wait(0.01)))
    thread.start()
    try:
        yield link
    finally:
        stopping.set()
        thread.join()


def tried(world):
    return ask(world, action="purge", resource="crm", arguments={"older_than_days": 30})


class TestShown:
    """The reviewer signs what the releaser says that it would do."""

    def test_lines_are_shown_and_in_the_context(self, world):
        with releaser(world) as link:
            document = tried(world)
            assert document["call"]["dry_run"] == ["would delete 12 rows"]
            assert "would delete 12 rows" in document["question"]["body"]
            other = ScriptedHandler(lines=("would delete 13 rows",))
        world.gate.withdraw(world.pipeline, document["id"])
        with releaser(world, other):
            again = tried(world)
        assert again["context_digest"] != document["context_digest"]
        assert len(link.seen) == 1

    def test_the_same_open_call_is_not_tried_again(self, world):
        with releaser(world) as link:
            assert tried(world)["id"] == tried(world)["id"]
        assert len(link.seen) == 1

    def test_a_handler_that_offers_none_waits_for_nobody(self, tmp_path):
        silent = HandlerElsewhere(ScriptedHandler(offers_dry_run=False))
        world = GateWorld(tmp_path, policy=ACTIONS, handlers={"purge": silent})
        assert tried(world)["call"]["dry_run"] is None


class TestRefused:
    """Where a dry run is offered and does not come, nobody is asked."""

    def test_it_shows_that_it_cannot_be_done(self, world):
        class Impossible(ScriptedHandler):
            def dry_run(self, resource, arguments):
                raise Refused("the table is not there")

        with releaser(world, Impossible()), pytest.raises(Refused, match="the table is not there"):
            tried(world)
        assert world.gate.requests(world.auditor) == []

    def test_a_message_of_a_driver_is_not_passed_on(self, world):
        class Broken(ScriptedHandler):
            def dry_run(self, resource, arguments):
                raise RuntimeError("row ann@example.com")

        with releaser(world, Broken()), pytest.raises(Refused, match=r"could not be made \(RuntimeError\)") as caught:
            tried(world)
        assert "ann@example.com" not in str(caught.value)

    def test_a_handler_that_does_something_else(self, world):
        with releaser(world, ScriptedHandler(definition="DROP")), pytest.raises(Refused, match="does something else"):
            tried(world)

    def test_nobody_asks_for_work(self, world, monkeypatch):
        monkeypatch.setattr(dry_runs, "_TAKEN_SECONDS", 0.01)
        with pytest.raises(Refused, match="no releaser that carries it out asked this gate for work"):
            tried(world)

    def test_a_gate_whose_key_is_not_pinned(self, world, tmp_path, monkeypatch):
        monkeypatch.setattr(dry_runs, "_MADE_SECONDS", 0.2)
        (tmp_path / "another").mkdir()
        another = GateWorld(tmp_path / "another")
        handler = ScriptedHandler()
        with releaser(world, handler, another.gate.key_ring()), pytest.raises(Refused, match="took longer"):
            tried(world)

    def test_changed_on_the_way(self, world):
        wanted = DryRun.new("purge", "crm", {}, "sha256:0", world.clock.now())
        with world.store.read() as work:
            signed = wanted.signed(world.keys.signer(work))
        assert DryRun.opened(signed, world.keys.known) == wanted
        other = dataclasses.replace(wanted, resource="everything").signed(world.signer)
        with pytest.raises(Refused, match="was changed"):
            DryRun.opened({**signed, "payload": other["payload"]}, world.keys.known)


class TestAnswers:
    """Only releasers are given dry runs, each once, and only what is waited for is answered."""

    @pytest.mark.parametrize("role", ["pipeline", "auditor"])
    def test_other_tokens(self, world, role):
        for verb in (
            lambda by: world.gate.take_dry_runs(by, ["purge"]),
            lambda by: world.gate.answer_dry_run(by, "dry_x", ["all is well"], ""),
        ):
            with pytest.raises(NotAllowed, match="a token of the role releaser"):
                verb(getattr(world, role))

    def test_what_nobody_waits_for(self, world):
        with pytest.raises(Conflict, match="nobody waits for the dry run"):
            world.gate.answer_dry_run(RELEASER, "dry_x", ["all is well"], "")

    def test_sixteen_at_once(self, world, monkeypatch):
        monkeypatch.setattr(dry_runs, "_MOST_WAITING", 0)
        with world.store.read() as work, pytest.raises(TooMany, match="Ask again in a moment"):
            DryRuns().ask(DryRun.new("purge", "crm", {}, "", world.clock.now()), world.keys.signer(work))
