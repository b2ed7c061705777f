from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import masked_source_dag
import pytest
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import CreateHITLDetailPayload

from maskgate.errors import UsageError
from maskgate_airflow import ApprovalSensor
from maskgate_airflow.host_version import AirflowException, AirflowFailException, TaskAwaitingInput

EVENT = {"chosen_options": ["Approve"], "params_input": {}, "responded_at": None, "responded_by_user": {"id": "x"}}


@pytest.fixture
def shown(monkeypatch):
    """Questions as the worker hands them to Airflow."""
    sent = []

    def send(msg):
        if isinstance(msg, CreateHITLDetailPayload):
            sent.append(msg)

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", SimpleNamespace(send=send), raising=False)
    return sent


def sensor(**arguments):
    return ApprovalSensor(
        **{"task_id": "approve", "staging": {"staging": "stg_1"}, "destination": "partner"} | arguments
    )


class TestExecute:
    """The task asks the gate, waits until the files are sealed, and parks with the gate's own question."""

    def test_it_says_which_run_asks_and_leaves_the_rest_to_the_gate(self, connected, context, shown):
        connected.says("POST /requests", connected.document("sealing"), status=202)
        connected.says("GET /requests/req_1", connected.document("sealing"), connected.document("pending"))
        with pytest.raises(TaskAwaitingInput):
            sensor(why="Weekly", requesters=["analyst"]).execute(context)
        assert connected.asked[0] == (
            "POST /requests",
            {
                "action": "export",
                "staging": "stg_1",
                "destination": "partner",
                "why": "Weekly",
                "host": {
                    "kind": "airflow",
                    "instance": "prod",
                    "dag_id": "gated_export",
                    "run_id": "manual__1",
                    "task_id": "approve",
                    "map_index": -1,
                    "try_number": 1,
                },
                "requesters": ["analyst"],
            },
        )

    def test_the_question_is_the_gates_to_the_letter(self, connected, context, shown):
        connected.says("POST /requests", connected.document())
        connected.says("GET /requests/req_1", connected.document())
        with pytest.raises(TaskAwaitingInput) as parked:
            sensor().execute(context)
        question = connected.document()["question"]
        assert (shown[0].subject, shown[0].body, shown[0].options) == (
            question["subject"],
            question["body"],
            question["options"],
        )
        assert shown[0].params == {"reason": {**question["params"]["reason"], "source": None}}
        assert (shown[0].defaults, shown[0].multiple, shown[0].assigned_users) == (None, False, [])
        assert parked.value.kwargs == {"request": "req_1"}

    def test_the_gates_expiry_comes_before_airflows_time_out(self, connected, context, shown):
        expires = datetime.now(UTC) + timedelta(minutes=10)
        asked = connected.document(expires_at=expires.isoformat())
        connected.says("POST /requests", asked)
        connected.says("GET /requests/req_1", asked)
        with pytest.raises(TaskAwaitingInput) as parked:
            sensor().execute(context)
        assert datetime.now(UTC) + parked.value.timeout > expires

    def test_the_button_leads_to_the_review_page(self, connected, context, shown):
        connected.says("POST /requests", connected.document())
        connected.says("GET /requests/req_1", connected.document())
        with pytest.raises(TaskAwaitingInput):
            sensor().execute(context)
        assert context["pushed"] == {"maskgate_review": "http://gate.example/requests/req_1"}

    def test_what_needs_no_signature_is_not_asked(self, connected, context, shown):
        connected.says("POST /requests", connected.document("approved"))
        connected.says("GET /requests/req_1", connected.document("approved"))
        assert sensor().execute(context) == {"request": "req_1"}
        assert shown == []

    def test_what_the_gate_refuses_fails_for_good_before_anyone_is_asked(self, connected, context, shown):
        refused = connected.document("refused", message="column email does not look masked.")
        connected.says("POST /requests", refused)
        connected.says("GET /requests/req_1", refused)
        with pytest.raises(AirflowFailException, match="column email does not look masked"):
            sensor().execute(context)
        assert shown == []

    def test_an_unregistered_destination_fails_for_good(self, connected, context, shown):
        connected.refuses("POST /requests", 422, "refused", "destination 'x' is not registered")
        with pytest.raises(AirflowFailException, match="destination 'x' is not registered"):
            sensor(destination="x").execute(context)

    @pytest.mark.parametrize("staging", [None, "", {}, {"staging": None}, 7])
    def test_without_a_staging_id_it_says_what_to_pass(self, connected, context, shown, staging):
        with pytest.raises(AirflowFailException, match="no staging id"):
            sensor(staging=staging).execute(context)

    def test_an_action_is_asked_for_by_resource_and_arguments(self, connected, context, shown):
        connected.says("POST /requests", connected.document())
        connected.says("GET /requests/req_1", connected.document())
        action = {"action": "rotate-key", "resource": "prod/customers", "arguments": {"bits": 256}}
        with pytest.raises(TaskAwaitingInput):
            ApprovalSensor(task_id="approve", why="It leaked", **action).execute(context)
        asked = connected.asked[0][1]
        assert {name: asked[name] for name in action} == action
        assert (asked["why"], asked["host"]["run_id"]) == ("It leaked", "manual__1")
        assert {"staging", "destination"} & asked.keys() == set()

    def test_a_source_is_asked_for_by_its_name(self, connected, context, shown):
        connected.says("POST /requests", connected.document())
        connected.says("GET /requests/req_1", connected.document())
        with pytest.raises(TaskAwaitingInput):
            ApprovalSensor(task_id="approve", source="crm", tables=["customers"], destination="partner").execute(
                context
            )
        asked = connected.asked[0][1]
        assert {name: asked[name] for name in ("action", "source", "tables", "destination")} == {
            "action": "export",
            "source": "crm",
            "tables": ["customers"],
            "destination": "partner",
        }
        assert "staging" not in asked

    def test_the_sample_asks_for_a_source_and_masks_nothing_itself(self):
        (approve, release) = masked_source_dag.approve, masked_source_dag.release
        assert (approve.source, list(approve.tables), approve.action) == ("crm", ["customers", "orders"], "export")
        assert approve.downstream_task_ids == {release.task_id}
        assert {"source", "tables"} <= set(approve.template_fields)

    def test_tables_of_a_staging_are_not_asked_for(self, connected, context, shown):
        with pytest.raises(AirflowFailException, match="tables= are those of a source="):
            sensor(tables=["customers"]).execute(context)

    @pytest.mark.parametrize(
        "mixed",
        [
            pytest.param({"resource": "prod/customers"}, id="staged files and a resource"),
            pytest.param({"destination": None}, id="staged files that go nowhere"),
            pytest.param({"arguments": {}}, id="staged files with arguments"),
            pytest.param({"staging": None, "resource": "prod/customers"}, id="a resource that goes somewhere"),
            pytest.param({"source": "crm"}, id="staged files and a source"),
            pytest.param({"staging": None, "source": "crm", "destination": None}, id="a source that goes nowhere"),
        ],
    )
    def test_something_between_export_and_action_is_not_asked_for(self, connected, context, shown, mixed):
        with pytest.raises(AirflowFailException, match="staged files that go somewhere"):
            sensor(**mixed).execute(context)
        assert connected.asked == []

    def test_the_log_says_why_it_waits(self, connected, context, shown, capsys):
        policy = {"name": "external export", "because": ["destination trust external: holds, found external"]}
        escalation = {"to": "legal", "at": "2026-01-01T00:00:00Z"}
        asked = connected.document(policy=policy, escalation=escalation)
        connected.says("POST /requests", asked)
        connected.says("GET /requests/req_1", asked)
        with pytest.raises(TaskAwaitingInput):
            sensor().execute(context)
        log = capsys.readouterr().out
        assert 'policy "external export" counts, because destination trust external' in log
        assert "people of legal may sign as well" in log

    def test_a_gate_that_is_not_there_is_asked_again(self, connect, context, shown):
        connect(host="http://127.0.0.1:1")
        with pytest.raises(AirflowException) as caught:
            sensor().execute(context)
        assert not isinstance(caught.value, AirflowFailException)


class TestExecuteComplete:
    """The event is no evidence: the task tells the gate that something happened, and goes by the gate's word."""

    def test_an_answer_that_the_gate_took(self, connected, context, shown):
        connected.says("POST /requests/req_1/refresh", connected.document("approved"))
        assert sensor().execute_complete(context, EVENT, request="req_1") == {"request": "req_1"}
        assert connected.asked == [("POST /requests/req_1/refresh", {})]

    def test_an_approval_that_the_gate_did_not_take_parks_again(self, connected, context, shown):
        refusal = {"at": "2026-01-01T00:00:00Z", "message": "requester cannot sign"}
        connected.says("POST /requests/req_1/refresh", connected.document("pending", refusals=[refusal]))
        with pytest.raises(TaskAwaitingInput) as parked:
            sensor().execute_complete(context, EVENT, request="req_1")
        assert parked.value.kwargs == {"request": "req_1"}
        assert shown[0].body == connected.document()["question"]["body"]

    @pytest.mark.parametrize("state", ["denied", "expired", "withdrawn", "refused", "failed", "indeterminate"])
    def test_whatever_the_event_says_the_gates_no_fails_the_task(self, connected, context, shown, state):
        connected.says("POST /requests/req_1/refresh", connected.document(state))
        with pytest.raises(AirflowFailException, match=f"request req_1 is {state}"):
            sensor().execute_complete(context, EVENT, request="req_1")

    def test_what_the_reviewer_wrote_stands_in_the_log(self, connected, context, shown):
        decisions = [{"person": "ben", "verdict": "deny", "reason": "The contract has ended."}]
        connected.says("POST /requests/req_1/refresh", connected.document("denied", decisions=decisions))
        with pytest.raises(AirflowFailException, match="ben wrote: “The contract has ended"):
            sensor().execute_complete(context, EVENT, request="req_1")

    def test_a_time_out_of_airflows_fails_the_task(self, connected, context, shown):
        connected.says("POST /requests/req_1/refresh", connected.document("pending"))
        with pytest.raises(AirflowFailException, match="nobody signed request req_1 in time"):
            sensor().execute_complete(context, {"error": "late", "error_type": "timeout"}, request="req_1")

    def test_an_event_without_a_request_is_worth_nothing(self, connected, context, shown):
        with pytest.raises(AirflowFailException):
            sensor().execute_complete(context, EVENT)


class TestArguments:
    """The gate renders the question; an author of a DAG cannot word it, preset it, or hand it to somebody."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("subject", "Order lunch?"),
            ("body", "pizza"),
            ("options", ["Yes"]),
            ("defaults", "Approve"),
            ("multiple", True),
            ("params", {"x": 1}),
            ("assigned_users", [{"id": "x", "name": "x"}]),
            ("response_timeout", timedelta(seconds=1)),
            ("deferrable", True),
            ("mode", "reschedule"),
            ("soft_fail", True),
        ],
    )
    def test_arguments_of_the_question_and_of_sensors_that_poke_are_refused(self, name, value):
        with pytest.raises(UsageError, match=f"no argument '{name}'"):
            sensor(**{name: value})
