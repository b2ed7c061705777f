from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

REASON = "Seen and thought about."


def digests(folder):
    found = (path for path in Path(folder).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture(scope="module")
def signed(world):
    """A flow that was held until somebody else had signed; the requester had tried before."""
    flow = world.run("tested_export", "signed", world.data)
    asked = world.wait_for("signed", "pending", flow=flow)
    staged = digests(world.gate.staging / asked["staging"])
    refused, still = sign_anyway(world, asked), world.request("signed")
    world.eventually(lambda: still["refusals"][0]["message"] in flow.log)
    world.sign("signed")
    return {"flow": flow, "staged": staged, "refused": refused, "still": still, "receipt": flow.outcome()["result"]}


def sign_anyway(world, asked):
    """Send the requester's approval, with their session and its token, past the page that offers them no form."""
    with world.page("requester") as page:
        assert page.decision_form(asked["id"]) is None
        token = re.search(r'<meta name="csrf-token" content="([0-9a-f]+)">', page.review_page(asked["id"]))[1]
        digests = {name: asked[name] for name in ("intent_digest", "context_digest")}
        form = {**digests, "csrf_token": token, "verdict": "approve", "reason": REASON}
        return page.http.post(f"/requests/{asked['id']}/decisions", data=form, headers={"Origin": world.gate.url})


class TestSignedFlow:
    """What was masked is held, signed by somebody else on the page, and released byte for byte."""

    def test_the_requester_cannot_sign(self, signed, world):
        assert signed["refused"].status_code == 403
        assert (signed["still"]["state"], signed["still"]["decisions"]) == ("pending", [])
        types = [entry["type"] for entry in world.ledger(signed["still"]["id"])]
        assert types.count("decision.refused") == 1
        assert signed["still"]["requester"]["person"] == "requester"
        assert "requester" in signed["still"]["involved"]

    def test_the_released_files_are_the_staged_ones(self, signed, world):
        request = world.request("signed")
        assert request["state"] == "released"
        assert [decision["person"] for decision in request["decisions"]] == ["reviewer"]
        found = digests(signed["receipt"]["location"])
        assert {file["path"]: file["sha256"] for file in signed["receipt"]["files"]} == found
        staged = {path: digest for path, digest in signed["staged"].items() if path != "manifest.json"}
        assert sorted(staged) == ["customers/part-00000.parquet", "orders/part-00000.parquet"]
        assert staged.items() <= found.items()

    def test_the_tables_still_join(self, signed):
        location = Path(signed["receipt"]["location"])
        customers = pq.read_table(location / "customers")["customer_id"]
        orders = pq.read_table(location / "orders")["customer_id"]
        assert pc.count_distinct(customers).as_py() == 300
        assert pc.all(pc.is_in(orders, value_set=customers.combine_chunks())).as_py()

    def test_the_log_leads_to_the_page(self, signed, world):
        assert f"review it at {world.request('signed')['url']}" in signed["flow"].log

    def test_the_ledger_holds_every_step(self, signed, world):
        types = [entry["type"] for entry in world.ledger(world.request("signed")["id"])]
        wanted = ["request.created", "decision.approve", "grant.issued", "release.completed"]
        assert [name for name in types if name in wanted] == wanted

    def test_prefect_shows_lineage_decision_and_receipt(self, signed, world):
        request = world.request("signed")
        (masked, *_) = [
            each
            for each in world.prefect.artifacts("maskgate-masked")
            if request["staging"].replace("_", "\\_") in each["description"]
        ]
        columns = {(row["table"], row["column"]): row["method"] for row in json.loads(masked["data"])}
        assert columns["customers", "email"] == "token"
        assert columns["customers", "ssn"] == "drop"
        (receipt,) = [each for each in world.prefect.artifacts("maskgate-released") if request["url"] in each["data"]]
        assert signed["receipt"]["content_digest"] in receipt["data"]
        assert "reviewer: approve" in receipt["data"]
        assert REASON not in receipt["data"], "what people write stays at the gate"

    def test_prefect_is_told_by_events(self, signed, world):
        request = world.request("signed")["id"]
        wanted = {"maskgate.requested", "maskgate.decided", "maskgate.released"}
        filters = {"event": {"prefix": ["maskgate."]}, "resource": {"id": [f"maskgate.request.{request}"]}}

        def seen():
            events = world.prefect.post("/events/filter", {"filter": filters})["events"]
            return {each["event"]: each["payload"] for each in events}

        payloads = world.eventually(lambda: found if wanted <= (found := seen()).keys() else None)
        assert payloads["maskgate.released"]["receipt"]["location"] == signed["receipt"]["location"]
        assert payloads["maskgate.released"]["lineage"]["tables"]

    def test_no_value_reaches_prefect_or_the_gate(self, signed, world):
        customers = pq.read_table(world.data / "customers.parquet")
        planted = [
            value.encode()
            for name in ("email", "full_name", "ssn")
            for value in customers[name].drop_null().to_pylist()
            if len(value.strip()) > 8
        ]
        assert len(planted) > 500
        places = [
            world.prefect.work,
            world.gate.home,
            world.gate.staging,
            Path(signed["receipt"]["location"]),
            world.prefect.processes.logs,
        ]
        for path in (path for place in places for path in place.rglob("*") if path.is_file()):
            content = path.read_bytes()
            assert sum(value in content for value in planted) == 0, path


class TestWaysOfMasking:
    """Tables in memory, an async flow and a retried flow take the same way."""

    def test_tables_in_memory_are_masked_to_the_same_bytes(self, signed, world):
        flow = world.run("tested_memory", "memory", world.data)
        assert (
            world.wait_for("memory", "pending", flow=flow)["content_digest"]
            == world.request("signed")["content_digest"]
        )
        world.sign("memory", "second")
        assert flow.outcome()["result"]["bytes"] == signed["receipt"]["bytes"]

    def test_an_async_flow_is_held_too(self, world):
        flow = world.run("tested_async", "async", world.data)
        world.wait_for("async", "pending", flow=flow)
        world.sign("async")
        result = flow.outcome()["result"]
        assert result["location"]
        assert result["beats"] > 5, "other coroutines went on while it waited"

    def test_rules_and_keys_of_blocks_give_what_their_file_and_environment_give(self, signed, world):
        assert world.request("async")["content_digest"] == world.request("signed")["content_digest"]

    def test_a_retried_flow_asks_nobody_twice(self, world):
        flow = world.run("tested_retry", "retry", world.data)
        world.wait_for("retry", "pending", flow=flow)
        world.sign("retry")
        assert flow.outcome()["result"]["location"]
        assert world.request("retry")["state"] == "released"


class TestMaskedSource:
    """The sample flow asks for a registered source by its name: the releaser masks it, and no row passes the flow."""

    def test_it_is_masked_by_the_releaser_signed_and_released(self, world):
        before = set(world.gate.staging.iterdir())
        flow = world.run("masked_source", "partner", "by the releaser")
        asked = world.wait_for("by the releaser", "pending", flow=flow)
        assert (asked["action"], asked["level"]) == ("export", "mask")
        masking = asked["evidence"]["measured"]["masking"]
        assert (masking["source"], sorted(masking["tables"])) == ("crm", ["customers", "orders"])
        assert set(world.gate.staging.iterdir()) == before
        world.sign("by the releaser")
        location = Path(flow.outcome()["result"]["location"])
        assert pq.read_table(location / "customers")["email"].to_pylist()[0].startswith("em_")


class TestSignedAction:
    """An action that has no staged files is held as an export is, and carried out once, as it was signed."""

    def test_it_is_carried_out_once(self, world, tmp_path):
        flow = world.run("tested_action", "action", tmp_path / "trace", 256)
        asked = world.wait_for("action", "pending", flow=flow)
        assert (asked["action"], asked["resource"], asked["level"]) == ("rotate-key", "prod/customers", "verify")
        world.eventually(lambda: 'policy "keys in production" counts, because' in flow.log)
        assert not (tmp_path / "trace").exists()
        world.sign("action")
        first, again = flow.outcome()["result"]
        assert (first["succeeded"], again) == (True, first)
        assert (tmp_path / "trace").read_text(encoding="utf-8") == "256\n"
        titles = [each["data"].splitlines()[0] for each in world.prefect.artifacts("maskgate-released")]
        assert "## rotate\\-key: prod\\/customers" in titles

    def test_with_other_arguments_nothing_is_done(self, world, tmp_path):
        flow = world.run("tested_action", "otherwise", tmp_path / "trace", 512)
        world.wait_for("otherwise", "pending", flow=flow)
        world.sign("otherwise")
        outcome = flow.outcome()
        assert (outcome["error"], "is for another call" in outcome["message"]) == ("Refused", True)
        assert not (tmp_path / "trace").exists()
        assert world.request("otherwise")["state"] == "approved"


class TestHeldFlow:
    """Without a signature nothing leaves, the flow fails, and its message says why."""

    def test_a_denial_fails_the_flow(self, world):
        flow = world.run("tested_export", "denied", world.data)
        world.wait_for("denied", "pending", flow=flow)
        world.sign("denied", verdict="deny")
        outcome = flow.outcome()
        request = world.request("denied")
        assert outcome["error"] == "Refused"
        assert outcome["message"].startswith(f"request {request['id']} is denied: ")
        assert world.arrived(request["id"]) == []
        (run,) = [each for each in world.prefect.flow_runs() if each["id"] == request["host"]["flow_run_id"]]
        assert (run["state_type"], request["id"] in run["state"]["message"]) == ("FAILED", True)

    def test_nobody_in_time_is_a_denial(self, world):
        outcome = world.run("tested_expiry", "expired", world.data).outcome()
        request = world.request("expired")
        assert outcome["error"] == "Refused"
        assert f"request {request['id']} is {request['state']}: " in outcome["message"]
        assert request["state"] in {"denied", "expired"}
        assert world.arrived(request["id"]) == []

    def test_where_nobody_is_known_to_have_asked_two_people_sign(self, world):
        flow = world.run("nobody_answers", "nobody", world.data)
        asked = world.wait_for("nobody", "pending", flow=flow)
        assert asked["requirement"]["distinct"] == 2
        world.sign("nobody", "reviewer")
        assert world.request("nobody")["state"] == "pending"
        world.sign("nobody", "second")
        assert flow.outcome()["result"]["location"]

    def test_a_gate_that_is_started_again_is_waited_for(self, world):
        flow = world.run("tested_export", "restarted", world.data)
        world.wait_for("restarted", "pending", flow=flow)
        world.gate.stop()
        world.eventually(lambda: "did not answer" in flow.log)
        world.gate.start()
        world.sign("restarted")
        assert flow.outcome()["result"]["location"]

    def test_originals_under_a_lying_report_are_refused_before_anyone_is_asked(self, world):
        outcome = world.run("tested_liar", "liar", world.data).outcome()
        request = world.request("liar")
        assert outcome["error"] == "Refused"
        assert request["state"] == "refused"
        assert request["decisions"] == []
        assert world.arrived(request["id"]) == []


class TestForgedFlow:
    """Whatever a flow does, the gate releases what was signed for its own run, and nothing else."""

    def test_release_without_a_signature(self, world):
        outcome = world.run("tested_impatience", "impatient", world.data).outcome()
        request = world.request("impatient")
        assert outcome["error"] == "StillPending"
        assert "Call await_approval" in outcome["message"]
        assert (request["state"], world.arrived(request["id"])) == ("pending", [])

    def test_a_request_that_is_not_there(self, world):
        outcome = world.run("tested_forgery", "req_nothing").outcome()
        assert outcome["error"] == "NotFound"
        assert "Nothing was released" in outcome["message"]

    def test_what_was_signed_for_another_run(self, world):
        flow = world.run("tested_export", "victim", world.data)
        asked = world.wait_for("victim", "pending", flow=flow)
        flow.program.kill()
        world.sign("victim")
        outcome = world.run("tested_forgery", asked["id"]).outcome()
        assert outcome["error"] in {"Refused", "Conflict", "NotAllowed"}
        assert world.arrived(asked["id"]) == []
        assert world.request("victim")["state"] == "approved"

    def test_a_destination_that_is_none(self, world):
        outcome = world.run("tested_destination", "elsewhere", world.data).outcome()
        assert outcome["error"] in {"Refused", "NotFound", "UsageError"}
        assert "destination" in outcome["message"]


class TestUnreachableGate:
    """A gate that does not answer is asked again, ever more slowly; then the flow fails closed."""

    @pytest.mark.parametrize("flow", ["tested_masking_without_gate", "tested_release_without_gate"])
    def test_a_task_tries_again_and_fails_closed(self, world, flow):
        ran = world.run(flow, *([world.data] if "masking" in flow else []))
        outcome = ran.outcome()
        assert outcome["error"] == "GateUnreachable"
        assert "the last of 3 tries, and the task fails closed" in outcome["message"]
        assert "This was try 1 of 3; Prefect tries again by itself" in ran.log

    def test_a_flow_body_rides_it_out_and_fails_closed(self, world):
        ran = world.run("tested_asking_without_gate")
        outcome = ran.outcome()
        assert outcome["error"] == "GateUnreachable"
        assert "the flow fails closed" in outcome["message"]
        assert "(again in 1 s)" in ran.log


class TestMistakes:
    """What can never work fails at once, without another try, and says what would work."""

    @pytest.mark.parametrize(
        ("flow", "error", "words"),
        [
            pytest.param(
                "tested_missing_block",
                "UsageError",
                "no block maskgate-approval-gate/no-such-block",
                id="a block that is missing",
            ),
            pytest.param("tested_wrong_file", "DatasetError", "missing.parquet", id="a file that is missing"),
        ],
    )
    def test_it_fails_at_once(self, world, flow, error, words):
        ran = world.run(flow, *([world.data] if "file" in flow else []))
        outcome = ran.outcome()
        assert outcome["error"] == error
        assert words in outcome["message"]
        assert "will retry" not in ran.log.lower()
