"""Follows one run of a DAG, and tells what changes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from demo.airflow_client import SETTLED
from demo.outcome import find_request
from demo.processes import StartFailure

if TYPE_CHECKING:
    from demo.airflow_client import AirflowClient
    from demo.gate_server import GateServer
    from demo.story import Story

PARKED = "awaiting_input"
_NOT_WORTH_TELLING = frozenset({None, "scheduled", "queued"})


class RunWatch:
    """Whoever watches a run, in Airflow and at the gate.

    Args:
        client: Of somebody who may see the run.
        gate: Where its request is.
        run: The ids of DAG and run.
        story: What is told.
    """

    def __init__(self, client: AirflowClient, gate: GateServer, run: tuple[str, str], story: Story) -> None:
        self._client = client
        self._gate = gate
        self._run = run
        self._story = story
        self._told: dict[str, str | None] = {}

    def until_it_asks(self, task_id: str, timeout: float | None = None) -> bool:
        """Follow until a task waits for an answer that nobody has given yet; False if the run ended instead.

        Raises:
            StartFailure: If neither happens within the timeout, in seconds.
        """
        deadline = time.monotonic() + (timeout or float("inf"))
        with self._story.console.status("") as status:
            while time.monotonic() < deadline:
                states = self._client.task_states(*self._run)
                self._tell(states)
                if states.get(task_id) == PARKED and not self._is_answered(task_id):
                    return True
                if self._client.run_state(*self._run) in SETTLED:
                    return False
                status.update(_present(states))
                time.sleep(0.7)
        raise StartFailure(f"run {self._run[1]} neither ended nor asked within {timeout:.0f} s")

    def _is_answered(self, task_id: str) -> bool:
        question = self._client.question(*self._run, task_id)
        return question is None or bool(question["response_received"])

    def _tell(self, states: dict[str, str | None]) -> None:
        for task, state in states.items():
            if state not in _NOT_WORTH_TELLING and self._is_news(task, state):
                self._story.say(f"{task}: {str(state).replace('_', ' ')}")
        request = find_request(self._gate)
        if request and self._is_news("", request["message"]):
            self._story.say(f"gate: {request['message']}", "cyan")

    def _is_news(self, what: str, text: str | None) -> bool:
        is_news = self._told.get(what) != text
        self._told[what] = text
        return is_news


def _present(states: dict[str, str | None]) -> str:
    waiting = [f"{task} {state}" for task, state in states.items() if state and state not in SETTLED]
    return ", ".join(waiting) or "waiting for the scheduler"
