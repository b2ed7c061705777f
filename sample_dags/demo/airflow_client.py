"""What a person does in Airflow's pages, through the REST API that those pages use."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, Self

import httpx

from demo.processes import StartFailure, wait_until

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SETTLED = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})

# Airflow 3.3.2 can fail a task whose question is answered within about a second of being asked.
SECONDS_BEFORE_AN_ANSWER = 3.5


class AirflowClient:
    """One user's session at Airflow's API.

    Args:
        url: Of the API server.
        user: Name of the user.
        password: Of that user.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self.user = user
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)
        answer = self._http.post("/auth/token", json={"username": user, "password": password})
        answer.raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @staticmethod
    def health(url: str) -> dict[str, Any]:
        """Return what Airflow says of its components; empty while it says nothing."""
        try:
            return dict(httpx.get(f"{url}/api/v2/monitor/health", timeout=10, trust_env=False).json())
        except (httpx.TransportError, ValueError):
            return {}

    def send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Send anything to ``/api/v2``, again where its SQLite database was too busy; the answer is not checked."""
        for pause in (1, 2, 4, 8):
            answer = self._http.request(method, f"/api/v2{path}", **arguments)
            if not answer.is_server_error:
                return answer
            time.sleep(pause)
        return self._http.request(method, f"/api/v2{path}", **arguments)

    def read(self, path: str, **parameters: Any) -> dict[str, Any]:
        """Read a JSON object of ``/api/v2``."""
        answer = self.send("GET", path, params=parameters)
        answer.raise_for_status()
        return dict(answer.json())

    # --- runs -----------------------------------------------------------------------------------------------------

    def wait_for_dag(self, dag_id: str, timeout: float = 180) -> None:
        """Wait until Airflow has read a DAG; an import error of any file ends the wait."""

        def is_known() -> bool:
            errors = self.read("/importErrors")["import_errors"]
            if errors:
                raise StartFailure("\n".join(f"{error['filename']}: {error['stack_trace']}" for error in errors))
            return self.send("GET", f"/dags/{dag_id}").is_success

        wait_until(is_known, what=f"Airflow has read the DAG {dag_id}", timeout=timeout)

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run; return its id."""
        run_id = f"manual__{uuid.uuid4()}"
        wanted = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf or {})}
        answer = self.send("POST", f"/dags/{dag_id}/dagRuns", json=wanted)
        if answer.status_code != httpx.codes.CONFLICT:  # which says that an earlier attempt did start it
            answer.raise_for_status()
        return run_id

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""
        return str(self.read(f"/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def wait_for_run(self, dag_id: str, run_id: str, timeout: float = 180) -> str:
        """Wait until a run has ended; return how: ``success`` or ``failed``."""
        return wait_until(
            lambda: state if (state := self.run_state(dag_id, run_id)) in SETTLED else None,
            what=f"run {run_id} of {dag_id} has ended",
            timeout=timeout,
        )

    # --- tasks ----------------------------------------------------------------------------------------------------

    def task(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, Any]:
        """Return one task instance."""
        return self.read(self._task_path(dag_id, run_id, task_id, map_index))

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        """Return the state of each task of a run that has no mapped tasks."""
        found = self.read(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {task["task_id"]: task["state"] for task in found}

    def wait_for_task(
        self, dag_id: str, run_id: str, task_id: str, states: Collection[str] = SETTLED, timeout: float = 180
    ) -> str:
        """Wait until a task is in one of some states; a task that settles in another one ends the wait."""

        def settled() -> str | None:
            state = self.task_states(dag_id, run_id).get(task_id)
            if state in states:
                return state
            if state in SETTLED:
                log = self.log(dag_id, run_id, task_id)
                raise StartFailure(f"task {task_id} became {state}, not {' or '.join(sorted(states))}.\n{log}")
            return None

        return wait_until(settled, what=f"task {task_id} is {' or '.join(sorted(states))}", timeout=timeout)

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 0, map_index: int = -1) -> str:
        """Return what a try of a task wrote to its log; by default the latest try."""
        number = try_number or self.task(dag_id, run_id, task_id, map_index)["try_number"]
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{number}"
        answer = self.send("GET", path, params={"map_index": map_index, "full_content": True})
        return answer.text if answer.is_error else "\n".join(str(line) for line in answer.json()["content"])

    def set_task_state(self, dag_id: str, run_id: str, task_id: str, state: str) -> httpx.Response:
        """Mark a task by hand, as *Mark success* in the UI does."""
        return self.send("PATCH", self._task_path(dag_id, run_id, task_id), json={"new_state": state})

    def clear(self, dag_id: str, run_id: str, *task_ids: str, downstream: bool = False) -> httpx.Response:
        """Run tasks of a run again."""
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": [*task_ids],
            "only_failed": False,
            "include_downstream": downstream,
            "reset_dag_runs": True,
        }
        return self.send("POST", f"/dags/{dag_id}/clearTaskInstances", json=body)

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> Any:
        """Return what a task handed on; None if nothing."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        answer = self.send("GET", path, params={"deserialize": True})
        return answer.json()["value"] if answer.is_success else None

    # --- questions ------------------------------------------------------------------------------------------------

    def question(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, Any] | None:
        """Return what a task asks under *Required Actions*, with the answer if there is one."""
        answer = self.send("GET", f"{self._task_path(dag_id, run_id, task_id, map_index)}/hitlDetails")
        return dict(answer.json()) if answer.is_success else None

    def wait_for_question(self, dag_id: str, run_id: str, task_id: str, timeout: float = 180) -> dict[str, Any]:
        """Wait until a task is parked with its question, and for as long as Airflow needs to take an answer."""
        self.wait_for_task(dag_id, run_id, task_id, {"awaiting_input"}, timeout)
        time.sleep(SECONDS_BEFORE_AN_ANSWER)
        found = self.question(dag_id, run_id, task_id)
        if found is None:
            raise StartFailure(f"task {task_id} of run {run_id} is parked, but asks nothing")
        return found

    def answer(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        option: str,
        *,
        params: Mapping[str, Any] | None = None,
        map_index: int = -1,
    ) -> httpx.Response:
        """Answer the question of a parked task, such as ``Approve`` with ``{"reason": "…"}``."""
        body = {"chosen_options": [option], "params_input": dict(params or {})}
        return self.send("PATCH", f"{self._task_path(dag_id, run_id, task_id, map_index)}/hitlDetails", json=body)

    @staticmethod
    def _task_path(dag_id: str, run_id: str, task_id: str, map_index: int | None = None) -> str:
        suffix = "" if map_index is None else f"/{map_index}"
        return f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}{suffix}"
