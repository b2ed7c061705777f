"""An action that the gate's own handler carries out: as it was signed, once, whatever crashes."""

from __future__ import annotations

import json

import pytest
from server.gate.acting import ACTIONS, DONE, ScriptedHandler, ask, begin, carry_out, purge

from maskgate.errors import Conflict, Refused, UsageError
from maskgate.gate.action_handler import IndeterminateError, Outcome
from maskgate.testing.gate_world import GateWorld


@pytest.fixture
def handler():
    return ScriptedHandler()


@pytest.fixture
def world(tmp_path, handler):
    return GateWorld(tmp_path, policy=ACTIONS, handlers={"purge": handler})


class TestCarryingOutByAHandler:
    """Level release: the gate's own handler does it, with credentials that no caller has."""

    def test_it_does_what_was_signed(self, world, handler):
        document = purge(world)
        started = begin(world, document, {"older_than_days": 30})
        assert (started["state"], "grant" in started) == ("releasing", False)
        carry_out(world)
        assert world.read(document["id"])["state"] == "released"
        (order,) = handler.orders
        assert (order.resource, order.arguments, order.request) == ("crm", {"older_than_days": 30}, document["id"])

    def test_the_reviewer_sees_definition_and_dry_run(self, world):
        document = ask(world, action="purge", resource="crm", arguments={"older_than_days": 30})
        assert document["level"] == "release"
        assert document["call"]["handler"] == {"kind": "scripted", "does": "DELETE"}
        assert document["call"]["dry_run"] == ["would delete 12 rows"]
        assert "would delete 12 rows" in document["question"]["body"]

    def test_arguments_that_it_does_not_take_are_not_asked_for(self, world):
        with pytest.raises(UsageError, match="older_than_days"):
            ask(world, action="purge", resource="crm", arguments={"days": 30})

    def test_a_second_call_starts_nothing_more(self, world, handler):
        document = purge(world)
        begin(world, document, {"older_than_days": 30})
        begin(world, document, {"older_than_days": 30})
        carry_out(world)
        begin(world, document, {"older_than_days": 30})
        carry_out(world)
        assert len(handler.orders) == 1

    def test_other_arguments_are_refused(self, world, handler):
        document = purge(world)
        with pytest.raises(Conflict, match="not those that were signed"):
            begin(world, document, {"older_than_days": 1})
        carry_out(world)
        assert handler.orders == []

    def test_the_digest_alone_is_not_enough(self, world):
        document = purge(world)
        with pytest.raises(UsageError, match="needs its `arguments`"):
            world.gate.release(world.pipeline, document["id"], None, arguments_digest=document["content_digest"])

    def test_a_handler_that_was_changed_does_not_run(self, world, handler):
        document = purge(world)
        handler.definition = "DROP TABLE"
        with pytest.raises(Refused, match="does something else"):
            begin(world, document, {"older_than_days": 30})

    @pytest.mark.parametrize(
        ("outcome", "state", "words"),
        [
            pytest.param(Outcome(succeeded=False, exit_code=9), "failed", "did not succeed (9)", id="no success"),
            pytest.param(Refused("The table is locked."), "failed", "locked", id="nothing was done"),
            pytest.param(IndeterminateError("No answer came."), "indeterminate", "not known", id="it cannot be told"),
            pytest.param(RuntimeError("secret of nobody"), "indeterminate", "RuntimeError", id="it broke"),
        ],
    )
    def test_what_does_not_succeed(self, world, handler, outcome, state, words):
        handler.outcome = outcome
        document = purge(world)
        begin(world, document, {"older_than_days": 30})
        carry_out(world)
        over = world.read(document["id"])
        assert over["state"] == state
        assert words in over["message"]
        assert "secret of nobody" not in json.dumps(world.entries())
        carry_out(world)
        assert len(handler.orders) == 1


class Died(BaseException):
    """The process is gone."""


class TestCrashes:
    """A crash loses nothing and does nothing twice."""

    def crashed(self, world, handler, *, running):
        """Let the process die before the handler runs, or while it does."""
        document = purge(world)
        begin(world, document, {"older_than_days": 30})
        if running:
            handler.outcome = Died()
            real, handler.run = handler.run, lambda order: (_ for _ in ()).throw(Died())
            with pytest.raises(Died):
                world.gate.carry_out(document["id"])
            handler.run = real
        world.start()
        carry_out(world)
        return world.read(document["id"])

    def test_before_the_handler_ran_nothing_was_done(self, world, handler):
        over = self.crashed(world, handler, running=False)
        assert (over["state"], handler.orders) == ("failed", [])
        assert "Nothing was done" in over["message"]

    @pytest.mark.parametrize(
        ("found", "state"),
        [
            pytest.param(DONE, "released", id="the handler finds that it did it"),
            pytest.param(None, "failed", id="the handler finds that it did nothing"),
            pytest.param(IndeterminateError("It cannot be told."), "indeterminate", id="it cannot be told"),
        ],
    )
    def test_while_it_ran_the_handler_is_asked_and_never_run_again(self, world, handler, found, state):
        handler.found = found
        assert self.crashed(world, handler, running=True)["state"] == state
        assert handler.orders == []
