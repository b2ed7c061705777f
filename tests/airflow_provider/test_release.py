from __future__ import annotations

import pytest
from airflow.sdk import Asset

from maskgate_airflow import ReleaseOperator
from maskgate_airflow.host_version import AirflowException, AirflowFailException

RECEIPT = {
    "request": "req_1",
    "location": "/released/v1",
    "bytes": 12,
    "files": [],
    "released_at": "2026-01-01T00:00:00Z",
}
LINEAGE = {"tables": []}


def operator(**arguments):
    return ReleaseOperator(**{"task_id": "release", "request": {"request": "req_1"}} | arguments)


class TestRelease:
    """The task asks the gate, waits, and returns the gate's receipt."""

    def test_a_release_takes_a_while(self, connected, context):
        connected.says("POST /requests/req_1/release", connected.document("releasing"), status=202)
        done = connected.document("released", receipt=RECEIPT)
        approved = connected.document("approved", level="release")
        connected.says("GET /requests/req_1", approved, connected.document("releasing"), done)
        assert operator().execute(context) == RECEIPT
        (sent,) = [body for route, body in connected.asked if route.startswith("POST")]
        assert sent["host"]["run_id"] == "manual__1"

    def test_run_again_it_returns_the_stored_receipt(self, connected, context):
        done = connected.document("released", receipt=RECEIPT)
        connected.says("POST /requests/req_1/release", done)
        connected.says("GET /requests/req_1", done)
        assert operator(request="req_1").execute(context) == RECEIPT

    def test_the_asset_event_tells_who_signed_and_what_left_where(self, connected, context):
        decision = {"person": "reviewer", "verdict": "approve", "channel": "airflow", "decided_at": "t", "reason": "ok"}
        done = connected.document("released", receipt=RECEIPT, lineage=LINEAGE, decisions=[decision])
        connected.says("POST /requests/req_1/release", done)
        connected.says("GET /requests/req_1", done)
        asset = Asset("partner_extract")
        operator(outlets=[asset]).execute(context)
        extra = context["outlet_events"][asset].extra["maskgate"]
        assert (extra["request"], extra["receipt"], extra["lineage"]) == ("req_1", RECEIPT, LINEAGE)
        assert extra["decisions"] == [{key: value for key, value in decision.items() if key != "reason"}]

    @pytest.mark.parametrize("request_", [None, "", {}, {"request": ""}, ["req_1"]])
    def test_without_a_request_it_says_what_to_do(self, connected, context, request_):
        with pytest.raises(AirflowFailException) as caught:
            operator(request=request_).execute(context)
        assert "Run the approval task of this run" in str(caught.value)
        assert connected.asked == []

    def test_an_unknown_request_says_what_to_do(self, connected, context):
        with pytest.raises(AirflowFailException) as caught:
            operator(request="req_forged").execute(context)
        assert "Nothing was released. Run the approval task of this run" in str(caught.value)

    @pytest.mark.parametrize(
        ("status", "code", "words"),
        [
            pytest.param(409, "still_pending", "privacy has not signed", id="nobody has signed"),
            pytest.param(422, "refused", "another run asked for it", id="the request of another run"),
            pytest.param(403, "not_allowed", "this token may not", id="the wrong token"),
        ],
    )
    def test_what_the_gate_refuses_fails_for_good(self, connected, context, status, code, words):
        connected.says("GET /requests/req_1", connected.document())
        connected.refuses("POST /requests/req_1/release", status, code, words)
        with pytest.raises(AirflowFailException, match=words):
            operator().execute(context)

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            pytest.param("failed", "the bytes have changed", id="it failed"),
            pytest.param("indeterminate", "it is not tried again", id="nobody knows whether it took place"),
        ],
    )
    def test_a_release_that_fails_at_the_gate_fails_for_good(self, connected, context, state, words):
        connected.says("POST /requests/req_1/release", connected.document("releasing"), status=202)
        found = connected.document(state, message=words)
        connected.says("GET /requests/req_1", connected.document("approved"), found)
        with pytest.raises(AirflowFailException, match=f"req_1 is {state}: {words}"):
            operator().execute(context)

    def test_an_action_that_did_not_succeed_fails_for_good_though_it_has_a_receipt(self, connected, context):
        receipt = {"action": "vacuum", "succeeded": False}
        failed = connected.document("failed", action="vacuum", level="release", receipt=receipt)
        connected.says("POST /requests/req_1/release", failed)
        connected.says("GET /requests/req_1", failed)
        with pytest.raises(AirflowFailException, match="req_1 is failed"):
            operator(arguments={"full": True}).execute(context)
        (sent,) = [body for route, body in connected.asked if route.startswith("POST")]
        assert sent["arguments"] == {"full": True}

    def test_an_action_that_nobody_would_carry_out_is_not_begun(self, connected, context):
        signed = connected.document("approved", action="rotate-key", level="verify")
        connected.says("GET /requests/req_1", signed)
        with pytest.raises(AirflowFailException, match="Say what to call"):
            operator(arguments={"bits": 256}).execute(context)
        assert [route for route, _ in connected.asked] == ["GET /requests/req_1"]

    def test_a_destination_that_the_caller_writes_to_is_not_begun(self, connected, context):
        connected.says("GET /requests/req_1", connected.document("approved", level="broker"))
        with pytest.raises(AirflowFailException, match="of the level broker"):
            operator().execute(context)
        assert [route for route, _ in connected.asked] == ["GET /requests/req_1"]

    def test_a_gate_that_goes_away_meanwhile_is_asked_again(self, connected, context):
        connected.says("POST /requests/req_1/release", connected.document("releasing"), status=202)
        connected.answers["GET /requests/req_1"] = [(200, connected.document("approved")), (503, {"title": "oops"})]
        with pytest.raises(AirflowException) as caught:
            operator().execute(context)
        assert not isinstance(caught.value, AirflowFailException)
        assert "the next try of this task fetches the receipt" in str(caught.value)
