"""An action that a caller carries out: asked for, signed, handed out once, settled once."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from server.gate.acting import ACTIONS, CALL, DONE, ScriptedHandler, approved, ask, begin, carry_out

from maskgate.errors import Conflict, NotAllowed, NotFound, Refused, StillPending, UsageError
from maskgate.gate.action_handler import Outcome
from maskgate.gate.action_running import CALLER_LEASE
from maskgate.gate.calls import call_digest
from maskgate.gate.grants import open_envelope
from maskgate.gate.ring import Ring
from maskgate.ledger import verify
from maskgate.testing.gate_world import GateWorld
from maskgate.testing.host import airflow_run


@pytest.fixture
def handler():
    return ScriptedHandler()


@pytest.fixture
def world(tmp_path, handler):
    return GateWorld(tmp_path, policy=ACTIONS, handlers={"purge": handler})


class TestAsking:
    """An action has nothing to seal: people are asked at once, for exactly this call."""

    def test_it_is_pending_at_once(self, world):
        document = ask(world)
        assert (document["state"], document["level"], document["resource"]) == ("pending", "verify", "prod/customers")
        assert document["policy"]["name"] == "keys of production"
        assert document["staging"] is None
        assert document["expires_at"] is not None

    def test_what_is_signed_names_call_resource_and_level(self, world):
        document = ask(world)
        with world.store.read() as work:
            from maskgate.gate.request import get_request  # noqa: PLC0415

            intent = get_request(work, document["id"]).intent
        assert intent["content_digest"] == document["content_digest"]
        assert (intent["resource"], intent["level"], intent["action"]) == ("prod/customers", "verify", "rotate-key")
        salt = document["call"]["salt"]
        assert document["content_digest"] == call_digest("rotate-key", "prod/customers", {"bits": 256}, salt)

    def test_the_question_shows_what_is_to_be_done_and_by_whom(self, world):
        body = ask(world)["question"]["body"]
        for text in ("rotate\\-key", "prod\\/customers", "bits\\: 256", "level verify", "it leaked"):
            assert text in body

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"arguments": {"bits": 128}}, id="another argument"),
            pytest.param({"arguments": {"bits": "256"}}, id="the same argument as text"),
            pytest.param({"arguments": {"bits": 256, "now": None}}, id="one more argument"),
            pytest.param({"resource": "prod/orders"}, id="another resource"),
        ],
    )
    def test_another_call_is_another_request(self, world, changes):
        first, second = ask(world), ask(world, **changes)
        assert first["id"] != second["id"]
        assert first["content_digest"] != second["content_digest"]

    def test_the_same_call_is_one_request_while_it_is_open(self, world):
        first = ask(world)
        assert ask(world, why="again")["id"] == first["id"]
        world.decide(world.read(first["id"]), "anna", "deny")
        assert ask(world)["id"] != first["id"]

    def test_what_was_denied_is_not_asked_for_again_by_anybody_for_a_while(self, tmp_path):
        world = GateWorld(tmp_path, policy=ACTIONS.replace("expires: 1h", "expires: 1h\n    cool_down: 2h"))
        first, run = ask(world), airflow_run()
        world.host.add_run(run, triggered_by=("cleo",))
        world.decide(world.read(first["id"]), "anna", "deny")
        with pytest.raises(Refused, match=f"this call, or one like it, was denied in request {first['id']}"):
            ask(world, host=run)
        assert ask(world, host=run, arguments={"bits": 512})["state"] == "pending"

    def test_a_call_that_names_somebody_more_is_another_request(self, world):
        first = ask(world)
        named = ask(world, requesters=("okta|cleo",))
        assert named["id"] != first["id"]
        assert world.read(named["id"])["involvement"]["named"] == ["cleo"]
        assert ask(world, requesters=("cleo",))["id"] == named["id"]
        with pytest.raises(UsageError, match="is nobody in the policy"):
            ask(world, requesters=("cloe",))

    def test_a_call_from_another_run_is_another_request(self, world):
        run = airflow_run()
        world.host.add_run(run, triggered_by=("bert",))
        assert ask(world)["id"] != ask(world, host=run)["id"]

    def test_whoever_started_the_run_may_not_sign(self, world):
        run = airflow_run()
        world.host.add_run(run, triggered_by=("anna",))
        document = ask(world, host=run)
        with pytest.raises(NotAllowed, match="anna"):
            world.decide(document, "anna")

    def test_what_the_policy_allows_is_approved_and_recorded(self, world):
        assert ask(world, action="look", resource="prod/x")["state"] == "approved"
        assert world.entries("grant.issued")

    @pytest.mark.parametrize(
        ("changes", "error", "words"),
        [
            pytest.param({"resource": "dev/x"}, Refused, "no policy permits rotate-key", id="no policy for it"),
            pytest.param({"action": "export"}, UsageError, "staging", id="a release of files under another name"),
            pytest.param({"action": "change-policy"}, UsageError, "no action to ask for", id="a change of the gate"),
            pytest.param({"action": "Rotate key"}, UsageError, "no action to ask for", id="no verb"),
            pytest.param({"resource": " "}, UsageError, "a name on one line", id="no resource"),
            pytest.param({"resource": "a\u202eb"}, UsageError, "a name on one line", id="text that runs backwards"),
            pytest.param({"resource": "x" * 301}, UsageError, "300 characters", id="a resource without end"),
            pytest.param({"arguments": {"at": 2**60}}, UsageError, "2^53", id="a number that readers round"),
            pytest.param({"arguments": {"a": float("nan")}}, UsageError, "no number", id="not a number"),
            pytest.param({"arguments": {"a": b"x"}}, UsageError, "bytes, which has no place", id="bytes"),
            pytest.param({"arguments": {"a": "\ud800"}}, UsageError, "half a character", id="half a character"),
            pytest.param({"arguments": {"a": "x" * 70_000}}, UsageError, "65536 bytes", id="too much"),
            pytest.param({"arguments": [1]}, UsageError, "object", id="no names"),
        ],
    )
    def test_what_cannot_be_asked_for(self, world, changes, error, words):
        with pytest.raises(error, match=words.replace("^", "\\^")):
            ask(world, **changes)
        assert world.gate.requests(world.auditor) == []

    def test_a_refusal_is_an_entry_without_the_arguments(self, world):
        with pytest.raises(Refused):
            ask(world, resource="dev/x", arguments={"note": "a very private word"})
        (entry,) = world.entries("request.refused")
        assert entry["resource"] == "dev/x"
        assert "private" not in json.dumps(world.entries())

    def test_an_auditor_does_not_ask(self, world):
        with pytest.raises(NotAllowed, match="only a pipeline's token"):
            world.gate.request(world.auditor, **CALL)

    def test_the_ledger_holds_no_argument(self, world):
        begin(world, approved(world, arguments={"note": "a very private word"}), {"note": "a very private word"})
        assert "private" not in json.dumps(world.entries())


class TestCarryingOutAsACaller:
    """Level verify: the gate hands out the signed grant, once; the caller acts, and says how it ended, once."""

    def test_the_grant_is_signed_for_this_call(self, world):
        document = approved(world)
        begun = begin(world, document)
        assert begun["state"] == "releasing"
        grant = open_envelope(begun["grant"]["envelope"], Ring.of(world.signer.public_key))
        assert (grant.request, grant.action, grant.content_digest) == (
            document["id"],
            "rotate-key",
            document["content_digest"],
        )
        assert base64.b64decode(begun["grant"]["public_key"])

    def test_the_digest_of_the_call_suffices(self, world):
        document = approved(world)
        begun = world.gate.release(world.pipeline, document["id"], None, arguments_digest=document["content_digest"])
        assert begun["grant"]["fence"] == 1

    def test_the_receipt_settles_it(self, world):
        document = approved(world)
        fence = begin(world, document)["grant"]["fence"]
        done = world.gate.report(world.pipeline, document["id"], fence, DONE)
        assert (done["state"], done["receipt"]["exit_code"], done["receipt"]["output_bytes"]) == ("released", 0, 12)
        assert world.entries("release.completed")[0]["receipt"] == done["receipt"]

    def test_an_action_that_failed_is_used_up_as_well(self, world):
        document = approved(world)
        begin(world, document)
        failed = world.gate.report(world.pipeline, document["id"], 1, Outcome(succeeded=False, exit_code=3))
        assert (failed["state"], failed["receipt"]["exit_code"]) == ("failed", 3)
        with pytest.raises(Refused, match="failed"):
            begin(world, document)

    @pytest.mark.parametrize(
        "given",
        [
            pytest.param({"arguments": {"bits": 128}}, id="another value"),
            pytest.param({"arguments": {"bits": 256, "more": 1}}, id="one more"),
            pytest.param({"arguments": {}}, id="none"),
            pytest.param({"arguments_digest": "sha256:" + "0" * 64}, id="another digest"),
        ],
    )
    def test_changed_arguments_are_refused_and_use_nothing_up(self, world, given):
        document = approved(world)
        with pytest.raises(Conflict, match="not those that were signed"):
            world.gate.release(world.pipeline, document["id"], None, **given)
        assert world.entries("release.refused")
        assert begin(world, document)["grant"]["fence"] == 1

    def test_without_arguments_nothing_is_handed_out(self, world):
        document = approved(world)
        with pytest.raises(UsageError, match="checked again"):
            world.gate.release(world.pipeline, document["id"], None)

    def test_nothing_is_handed_out_before_it_is_signed(self, world):
        with pytest.raises(StillPending, match="Waiting for a signature"):
            begin(world, ask(world))

    def test_what_was_denied_is_not_handed_out(self, world):
        document = ask(world)
        world.decide(document, "anna", "deny")
        with pytest.raises(Refused, match="denied"):
            begin(world, document)

    def test_it_is_handed_out_once(self, world):
        document = approved(world)
        begin(world, document)
        with pytest.raises(Conflict, match="works once"):
            begin(world, document)
        world.gate.report(world.pipeline, document["id"], 1, DONE)
        with pytest.raises(Conflict, match="works once"):
            begin(world, document)

    def test_another_run_gets_nothing(self, world):
        run = airflow_run()
        world.host.add_run(run, triggered_by=("bert",))
        document = approved(world, host=run)
        with pytest.raises(NotAllowed, match="another run"):
            begin(world, document)

    def test_a_receipt_counts_once(self, world):
        document = approved(world)
        begin(world, document)
        world.gate.report(world.pipeline, document["id"], 1, DONE)
        with pytest.raises(Conflict, match="no receipt of a caller is awaited"):
            world.gate.report(world.pipeline, document["id"], 1, replace(DONE, exit_code=1))
        assert world.read(document["id"])["receipt"]["exit_code"] == 0
        assert world.entries("receipt.refused")

    def test_a_receipt_names_the_attempt(self, world):
        document = approved(world)
        begin(world, document)
        with pytest.raises(Conflict, match="overtaken"):
            world.gate.report(world.pipeline, document["id"], 2, DONE)

    def test_nobody_reports_what_was_not_begun(self, world):
        with pytest.raises(Conflict, match="no receipt"):
            world.gate.report(world.pipeline, approved(world)["id"], 1, DONE)

    def test_who_falls_silent_leaves_it_indeterminate_for_good(self, world):
        document = approved(world)
        begin(world, document)
        world.clock.forward(seconds=CALLER_LEASE.total_seconds())
        carry_out(world)
        over = world.read(document["id"])
        assert over["state"] == "indeterminate"
        assert "not tried again" in over["message"]
        with pytest.raises(Conflict, match="works once"):
            begin(world, document)
        with pytest.raises(Conflict, match="no receipt"):
            world.gate.report(world.pipeline, document["id"], 1, DONE)

    def test_who_says_that_it_goes_on_keeps_it(self, world):
        document = approved(world)
        begin(world, document)
        for _ in range(3):
            world.clock.forward(seconds=CALLER_LEASE.total_seconds() * 0.8)
            world.gate.report(world.pipeline, document["id"], 1)
            carry_out(world)
        assert world.gate.report(world.pipeline, document["id"], 1, DONE)["state"] == "released"

    def test_it_outlives_a_start_of_the_gate(self, world):
        document = approved(world)
        begin(world, document)
        world.start()
        carry_out(world)
        assert world.gate.report(world.pipeline, document["id"], 1, DONE)["state"] == "released"

    def test_a_grant_that_ran_out_is_of_no_use(self, world):
        document = approved(world)
        world.clock.forward(hours=1)
        with pytest.raises(Refused, match="ran out"):
            begin(world, document)

    def test_a_person_does_not_carry_it_out(self, world):
        document = approved(world)
        with pytest.raises(NotAllowed):
            world.gate.release(world.auditor, document["id"], None, arguments=CALL["arguments"])

    def test_nobody_else_sees_it(self, world):
        stranger = replace(world.pipeline, token="another")
        with pytest.raises(NotFound):
            world.gate.request(stranger, ask(world)["id"])


@pytest.fixture
def shared(tmp_path, database):
    """A gate on each kind of database, whose ledger is verified while that is there."""
    (tmp_path / "gate").mkdir()
    before = len(GateWorld.made)
    world = GateWorld(tmp_path / "gate", policy=ACTIONS, database=database)
    yield world
    GateWorld.made[before:] = []
    with world.store.read() as work:
        assert verify(work).problems == ()
    world.store.close()


class TestAtOnce:
    """However many begin one action at once, one of them gets the grant; on both databases."""

    def test_one_gets_the_grant_and_one_receipt_counts(self, shared):
        document = approved(shared)

        def beginning(_):
            try:
                return "grant" in begin(shared, document)
            except Conflict as refusal:
                return str(refusal)

        def reporting(number):
            try:
                outcome = replace(DONE, exit_code=number)
                return shared.gate.report(shared.pipeline, document["id"], 1, outcome)["state"]
            except Conflict:
                return "refused"

        with ThreadPoolExecutor(16) as pool:
            begun = list(pool.map(beginning, range(16)))
            ended = list(pool.map(reporting, range(16)))
        assert begun.count(True) == 1
        assert all(each is True or "works once" in each for each in begun)
        assert ended.count("released") == 1
        assert len(shared.entries("release.started")) == len(shared.entries("release.completed")) == 1
