"""`make demo-prefect`: a flow masks two tables and waits, and the gate releases them once somebody else has signed.

Prefect's server knows no people, so the signature is given on the gate's review page. With ANSWER=approve or
ANSWER=reject, `reviewer` logs in there by itself and sends the page's form.
Exits with 0 only if what should have happened did.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from demo.gate_server import PREFECT_INSTANCE, SAMPLES, GateConfiguration, GateServer
from demo.identity_provider import IdentityProvider
from demo.outcome import find_request
from demo.page_client import PageClient
from demo.prefect_server import PrefectServer
from demo.processes import Processes, Program, StartFailure
from demo.run_demo import REASONS, main, masking_keys, report, wait_for_interrupt
from demo.workspace import Workspace, make_data

if TYPE_CHECKING:
    from demo.story import Story

FLOW = SAMPLES / "gated_export_flow.py"
VERDICTS = {"approve": "approve", "reject": "deny"}


def demonstrate(answer: str, where: Workspace, processes: Processes, story: Story) -> int:
    """Start everything, run the flow once, and look how it ended."""
    make_data(where, processes, dict(os.environ), story.say)
    gate, prefect = start_servers(where, processes, story)
    flow = prefect.run_flow(FLOW, where.data)
    story.say(f"started {FLOW.name}", "bold")

    request = follow(flow, gate, story, until={"pending"})
    if request is None or request["state"] != "pending":
        raise StartFailure(f"nothing waits for a signature.\n{flow.tail(60)}")
    show_where_to_go(prefect, gate, request, story)
    if answer:
        answer_as_reviewer(gate, request["id"], answer, story)

    follow(flow, gate, story)
    has_succeeded = flow.popen.wait() == 0
    code = report(gate, request["id"], where, story, has_succeeded=has_succeeded, answer=answer)
    if code:
        story.console.print(flow.tail(60), markup=False)
    if not answer:
        wait_for_interrupt(story)
    return code


def start_servers(where: Workspace, processes: Processes, story: Story) -> tuple[GateServer, PrefectServer]:
    """Start identity provider, Prefect and gate, and make them known to each other."""

    def port(preferred: int, what: str) -> int:
        return where.port(preferred, what, story.say)

    # Each port is picked when it is needed: somebody else may take it while the one before starts.
    story.say("starting the identity provider")
    provider = IdentityProvider(processes, port=port(9400, "the identity provider"))
    provider.start()
    story.say("starting Prefect's server")
    prefect = PrefectServer(
        processes, work=where.run / "prefect-home", port=port(4200, "Prefect"), environment=masking_keys()
    )
    prefect.start()
    story.say("starting the gate")
    gate = GateServer(processes, work=where.run / "gate", port=port(8470, "the gate"))
    gate.configure(GateConfiguration(prefect_url=prefect.api, issuer=provider.url))
    gate.start()
    story.say("saving the gate's address and token as a block")
    prefect.save_gate(gate, instance=PREFECT_INSTANCE)
    return gate, prefect


def follow(
    flow: Program, gate: GateServer, story: Story, until: set[str] | frozenset[str] = frozenset()
) -> dict[str, Any] | None:
    """Tell what changes, until the request is in one of some states, or the flow has ended; return the request."""
    told = None
    with story.console.status("the flow runs"):
        while True:
            is_running = flow.is_running
            request = find_request(gate)
            if request and told != request["message"]:
                told = request["message"]
                story.say(f"gate: {told}", "cyan")
            if not is_running or (request and request["state"] in until):
                return request
            time.sleep(0.7)


def show_where_to_go(prefect: PrefectServer, gate: GateServer, request: dict[str, Any], story: Story) -> None:
    """Print where this request can be signed, with the logins."""
    run_id = (request["host"] or {}).get("flow_run_id", "")
    story.show(
        "Waiting for a signature of somebody else than the requester",
        [
            "On the gate's review page, with a few masked rows:",
            f"  {request['url']}",
            "  log in as reviewer; this demo's identity provider asks for no password",
            "  (or as requester, and see it refused)",
            "",
            f"The flow run in Prefect: {prefect.flow_run_url(run_id)}",
            "",
            f"Give a reason of at least 10 letters. Logs: {gate.processes.logs}",
        ],
    )


def answer_as_reviewer(gate: GateServer, request_id: str, answer: str, story: Story) -> None:
    """Log in at the identity provider, and send the form of the review page."""
    with PageClient(gate.url, "reviewer") as page:
        page.log_in()
        story.say(f"reviewer answers on the page: {VERDICTS[answer]}, “{REASONS[answer]}”", "bold")
        page.decide(request_id, VERDICTS[answer], REASONS[answer]).raise_for_status()


if __name__ == "__main__":
    sys.exit(main(demonstrate))
