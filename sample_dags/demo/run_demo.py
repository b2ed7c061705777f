"""`make demo`: a real Airflow masks two tables, holds the export, and the gate releases it once somebody else signed.

With ANSWER=approve or ANSWER=reject, `reviewer` answers by itself, through the API that Airflow's own pages use.
Exits with 0 only if what should have happened did.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
import time
from typing import TYPE_CHECKING, Any

from demo.airflow_server import AirflowServer
from demo.gate_server import SAMPLES, GateConfiguration, GateServer
from demo.identity_provider import IdentityProvider
from demo.outcome import approved_outcome, find_request, rejected_outcome
from demo.processes import Processes, StartFailure, exit_on_term
from demo.run_watch import RunWatch
from demo.story import Story
from demo.workspace import Workspace, make_data, workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.airflow_client import AirflowClient

DAG_ID = "gated_export"
REASONS = {
    "approve": "Masked as agreed with the partner, fine to send.",
    "reject": "The partner's contract has ended, so nothing goes out.",
}
OPTIONS = {"approve": "Approve", "reject": "Reject"}
INTERRUPTED = 130
ANSWERS_AT_MOST = 3


def main(demonstration: Callable[[str, Workspace, Processes, Story], int] | None = None) -> int:
    """Run the demo, or another demonstration; return its exit code."""
    answer = os.environ.get("ANSWER", "")
    story = Story()
    if answer and answer not in REASONS:
        story.say(f"ANSWER={answer} is no answer. Write ANSWER=approve or ANSWER=reject, or leave it out", "red")
        return 2
    exit_on_term()
    try:
        with workspace(story.say) as where, Processes(where.run / "logs") as processes:
            return (demonstration or demonstrate)(answer, where, processes, story)
    except KeyboardInterrupt:
        story.say("stopped, with everything that was started")
        return INTERRUPTED
    except StartFailure as failure:
        story.console.print(str(failure), style="red", markup=False)
        return 1


def demonstrate(answer: str, where: Workspace, processes: Processes, story: Story) -> int:
    """Start everything, run the DAG once, and look how it ended."""
    make_data(where, processes, dict(os.environ), story.say)
    gate, airflow = start_servers(where, processes, story)
    requester = airflow.client("requester")
    requester.wait_for_dag(DAG_ID)
    run_id = requester.trigger(DAG_ID)
    story.say(f"requester triggered {DAG_ID}: {run_id}", "bold")

    watch = RunWatch(requester, gate, (DAG_ID, run_id), story)
    asks = watch.until_it_asks("approve", timeout=180)
    request = find_request(gate)
    if request is None or not asks:
        raise StartFailure(f"nothing waits for a signature.\n{logs(requester, run_id)}")
    show_where_to_go(airflow, gate, run_id, request, story)
    # An answer can be lost to a bug of Airflow 3.3.2 (docs/decisions/waking-the-parked-task.md); then it asks again.
    for _ in range(ANSWERS_AT_MOST if answer else 0):
        answer_as_reviewer(airflow, run_id, answer, story)
        if not watch.until_it_asks("approve", timeout=180):
            break
    while not answer and watch.until_it_asks("approve"):
        time.sleep(1)
    has_succeeded = requester.run_state(DAG_ID, run_id) == "success"
    code = report(gate, request["id"], where, story, has_succeeded=has_succeeded, answer=answer)
    if code:
        story.console.print(logs(requester, run_id), markup=False)
    if not answer:
        wait_for_interrupt(story)
    return code


def start_servers(where: Workspace, processes: Processes, story: Story) -> tuple[GateServer, AirflowServer]:
    """Start identity provider, gate and Airflow, and make them known to each other."""

    def port(preferred: int, what: str) -> int:
        return where.port(preferred, what, story.say)

    provider = IdentityProvider(processes, port=port(9400, "the identity provider"))
    gate = GateServer(processes, work=where.run / "gate", port=port(8470, "the gate"))
    airflow = AirflowServer(processes, work=where.run / "airflow", dags=SAMPLES, port=port(8080, "Airflow"))
    story.say("starting the identity provider")
    provider.start()
    story.say("starting the gate")
    gate.configure(
        GateConfiguration(airflow_url=airflow.url, airflow_password=airflow.passwords["gate"], issuer=provider.url)
    )
    gate.start()
    airflow.extra_environment |= {
        "AIRFLOW_CONN_MASKGATE_DEFAULT": gate.connection(),
        "AIRFLOW_VAR_CUSTOMER_DATA": str(where.data),
        **masking_keys(),
    }
    airflow.start(story.say)
    return gate, airflow


def masking_keys() -> dict[str, str]:
    """Make the keys that the rules refer to. Only the workers get them, not the gate."""
    names = ("MASKGATE_KEY_PEOPLE", "MASKGATE_KEY_CONTACT")
    return {name: base64.b64encode(secrets.token_bytes(32)).decode() for name in names}


def show_where_to_go(
    airflow: AirflowServer, gate: GateServer, run_id: str, request: dict[str, Any], story: Story
) -> None:
    """Print both places where this run can be signed, with the logins."""
    story.show(
        "Waiting for a signature of somebody else than the requester",
        [
            "In Airflow, under Required Actions:",
            f"  {airflow.required_actions_url(DAG_ID, run_id)}",
            f"  log in as reviewer, password {airflow.passwords['reviewer']}",
            f"  (or as requester, password {airflow.passwords['requester']}, and see it refused)",
            "",
            "Or on the gate's review page, with a few masked rows:",
            f"  {request['url']}",
            "  log in as reviewer; this demo's identity provider asks for no password",
            "",
            f"Give a reason of at least 10 letters. Logs: {gate.processes.logs}",
        ],
    )


def answer_as_reviewer(airflow: AirflowServer, run_id: str, answer: str, story: Story) -> None:
    """Answer the parked task through Airflow's REST API."""
    with airflow.client("reviewer") as reviewer:
        reviewer.wait_for_question(DAG_ID, run_id, "approve")
        story.say(f"reviewer answers in Airflow: {OPTIONS[answer]}, “{REASONS[answer]}”", "bold")
        reviewer.answer(
            DAG_ID, run_id, "approve", OPTIONS[answer], params={"reason": REASONS[answer]}
        ).raise_for_status()


def report(
    gate: GateServer, request_id: str, where: Workspace, story: Story, *, has_succeeded: bool, answer: str
) -> int:
    """Show how it ended; return 0 if it ended as it should."""
    if answer == "approve" or (not answer and has_succeeded):
        outcome = approved_outcome(gate, request_id, has_succeeded=has_succeeded)
        if outcome.request["receipt"]:
            story.released(outcome, where.data, gate)
    else:
        outcome = rejected_outcome(gate, request_id, has_succeeded=has_succeeded)
        story.held(outcome, gate)
    return story.problems(outcome)


def logs(client: AirflowClient, run_id: str) -> str:
    """Return what the tasks that failed wrote."""
    failed = [task for task, state in client.task_states(DAG_ID, run_id).items() if state == "failed"]
    return "\n".join(f"--- {task} ---\n{client.log(DAG_ID, run_id, task)}" for task in failed)


def wait_for_interrupt(story: Story) -> None:
    """Leave everything running until Ctrl-C."""
    story.say("look around as long as you like; Ctrl-C stops everything", "bold")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        story.say("stopping everything")


if __name__ == "__main__":
    sys.exit(main())
