"""Airflow, read and answered over its REST API with the gate's own account.

* Only the address and the account of the gate's configuration are used; a caller names an instance, never a URL.
* What comes back must be about the run that was asked for, in its own words, or it is not believed.
* The gate's account answers parked tasks to move pipelines on; such an answer is never anyone's decision.

Airflow 3.3 stores a question once for a task instance: subject, body, options, defaults, multiple, and for each field
of the form ``{"value", "description", "schema", "source"}`` with ``source`` null. Clearing a task keeps the stored
question, gives the task instance a new id, and forgets the answer when the task asks again.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import httpx

from maskgate.errors import HostUnreachable, NotFound
from maskgate.gate.host import HostAnswer, Responder, RunFacts, RunOutcome
from maskgate.hosts.address import checked_address
from maskgate.hosts.airflow_audit import read_clears
from maskgate.hosts.airflow_moments import moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.host import Clears, HostRun

PARKED = "awaiting_input"
_SUCCESS = "success"
# The operator of the provider that asks the gate for a release.
_RELEASES = "ReleaseOperator"
_MOST_TASKS = 100

_LONGEST_NOTE = 1000
_PAUSES = (0.5, 1.5)  # seconds
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _CONFLICT = 401, 403, 404, 409
# Runs that a person starts with the command line carry the name of an operating-system user, not an Airflow user.
_STARTED_IN_A_SHELL = frozenset({"cli", "test"})


class AirflowHost:
    """One Airflow, seen with the gate's own account.

    Args:
        instance: What the gate's configuration calls this Airflow.
        url: Where its API server is, such as ``http://127.0.0.1:8080``.
        username: The gate's account; in the simple auth manager it needs the role ``user``.
        password: Its password.
        timeout: Seconds to wait for each answer.
        transport: Another way of reaching it, for tests.
    """

    def __init__(
        self,
        instance: str,
        url: str,
        username: str,
        password: str,
        *,
        timeout: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._instance = instance
        self._url = checked_address("airflow", instance, url)
        self._username = username
        self._password = password
        self._token: str | None = None
        self._login = threading.Lock()
        self._http = httpx.Client(timeout=timeout, transport=transport, follow_redirects=False)

    def __repr__(self) -> str:
        return f"AirflowHost({self._instance!r}, {self._url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @property
    def accounts(self) -> tuple[str, ...]:
        """The gate's own account there."""
        return (self._account(self._username),)

    # --- reading -----------------------------------------------------------------------------------------------

    def read_run(self, run: HostRun) -> RunFacts:
        """Read who started a run, who owns its DAG, and how the asking task is.

        Raises:
            NotFound: If Airflow has no such run or task.
            HostUnreachable: If Airflow does not answer as it should.
        """
        dag_run = self._read_dag_run(run)
        task = self._read(_task(run), run, "task")
        self._must_be(task, _identity(run))
        dag = self._read(_dag(run), run, "DAG")
        state = str(task.get("state") or "")
        clears = self._clears(run, dag_run)
        return RunFacts(
            workflow=run.dag_id,
            triggered_by=self._who_triggered(dag_run),
            owners=tuple(self._account(str(owner)) for owner in dag.get("owners") or ()),
            task_instance_id=_text(task, "id"),
            try_number=int(task["try_number"]),
            state=state,
            parked=state == PARKED,
            cleared_by=clears.by,
            cleared_unseen=clears.unseen,
            code_version=dag_run.get("bundle_version") or None,
            note=str(task.get("note") or ""),
        )

    def read_clears(self, run: HostRun) -> Clears:
        """Read who cleared tasks of a run by now.

        Raises:
            NotFound: If Airflow has no such run.
            HostUnreachable: If Airflow does not answer as it should.
        """
        return self._clears(run, self._read_dag_run(run))

    def read_outcome(self, run: HostRun) -> RunOutcome:
        """Read how the run is shown by now, and whether a task that releases is shown as successful."""
        dag_run = self._read_dag_run(run)
        tasks = self._read(f"{_dag_run(run)}/taskInstances?{urlencode({'limit': _MOST_TASKS})}", run, "run")
        state = str(dag_run.get("state") or "")
        released = [
            str(task.get("task_id"))
            for task in tasks.get("task_instances") or ()
            if task.get("operator_name") == _RELEASES and task.get("state") == _SUCCESS
        ]
        return RunOutcome(state, state in {_SUCCESS, "failed"}, state == _SUCCESS, released[0] if released else "")

    def read_answer(self, run: HostRun) -> HostAnswer | None:
        """Read a task's question and its answer; None if the task has asked nothing.

        Raises:
            HostUnreachable: If Airflow does not answer as it should.
        """
        response = self._call("GET", f"{_task_at(run)}/hitlDetails")
        if response.status_code == _NOT_FOUND:
            return None
        detail = self._object(response)
        task = detail.get("task_instance") or {}
        self._must_be(task, _identity(run))
        by = detail.get("responded_by_user")
        return HostAnswer(
            subject=_text(detail, "subject"),
            body=detail.get("body"),
            options=tuple(detail.get("options") or ()),
            params=_form(detail.get("params") or {}),
            defaults=None if detail.get("defaults") is None else tuple(detail["defaults"]),
            multiple=bool(detail.get("multiple")),
            chosen_options=tuple(detail.get("chosen_options") or ()),
            params_input=dict(detail.get("params_input") or {}),
            responded_at=moment(detail.get("responded_at")),
            responded_by=Responder(_text(by, "id"), _text(by, "name")) if by else None,
            task_instance_id=_text(task, "id"),
            try_number=int(task["try_number"]),
            state=str(task.get("state") or ""),
        )

    # --- writing -----------------------------------------------------------------------------------------------

    def wake(self, run: HostRun, *, approved: bool) -> None:
        """Answer the parked task, so that its pipeline moves on.

        Airflow 3.3 can fail a task that is answered within seconds of parking, and takes answers for tasks that are
        not parked at all; so this looks first, and the gate calls it only for a task that has been parked for 8 s.

        Raises:
            HostUnreachable: If Airflow does not answer, or the task is not parked.
        """
        answer = self.read_answer(run)
        if answer is None or answer.state != PARKED:
            raise HostUnreachable(f"{run.host}: task {run.task_id} of run {run.run_id} is not parked (yet)")
        if answer.responded_at is not None:
            return
        chosen = "Approve" if approved else "Reject"
        response = self._call(
            "PATCH", f"{_task_at(run)}/hitlDetails", json={"chosen_options": [chosen], "params_input": {}}
        )
        if response.status_code == _CONFLICT:
            return  # somebody answered in this very moment, and the task moves on by that
        self._object(response)

    def note(self, run: HostRun, text: str) -> None:
        """Write the note that Airflow shows beside the task.

        Raises:
            HostUnreachable: If Airflow does not answer, or does not take it.
        """
        self._object(self._call("PATCH", _task(run), json={"note": text[:_LONGEST_NOTE]}))

    # --- the connection ----------------------------------------------------------------------------------------

    def _account(self, user: str) -> str:
        return f"airflow:{self._instance}|{user}"

    def _who_triggered(self, dag_run: Mapping[str, Any]) -> tuple[str, ...]:
        name = dag_run.get("triggering_user_name")
        if not name:
            return ()
        shell = dag_run.get("triggered_by") in _STARTED_IN_A_SHELL
        return (self._account(f"os:{name}" if shell else str(name)),)

    def _clears(self, run: HostRun, dag_run: Mapping[str, Any]) -> Clears:
        """Read who cleared tasks of a run; the gate's own account clears nothing."""
        found = read_clears(
            lambda path: self._object(self._call("GET", path)), run, dag_run, _dag_run(run), self._account
        )
        return replace(found, by=tuple(each for each in found.by if each[0] not in self.accounts))

    def _get(self, path: str) -> dict[str, Any]:
        return self._object(self._call("GET", path))

    def _read_dag_run(self, run: HostRun) -> dict[str, Any]:
        dag_run = self._read(_dag_run(run), run, "run")
        self._must_be(dag_run, {"dag_id": run.dag_id, "dag_run_id": run.run_id})
        return dag_run

    def _read(self, path: str, run: HostRun, thing: str) -> dict[str, Any]:
        response = self._call("GET", path)
        if response.status_code == _NOT_FOUND:
            raise NotFound(
                f"{run.host} knows no such {thing}: DAG {run.dag_id}, run {run.run_id}, task {run.task_id}, "
                f"map index {run.map_index}. A request is made from within a running task."
            )
        return self._object(response)

    def _call(self, method: str, path: str, json: Mapping[str, Any] | None = None) -> httpx.Response:
        """Ask; if the session has run out, which Airflow says by 401 or 403, log in and ask once more.

        Where its database is locked for a moment, Airflow says 500. All that the gate asks can be asked again.
        """
        token = self._token or self._log_in(None)
        response = self._send(method, f"/api/v2{path}", json, token)
        if response.status_code in {_UNAUTHORIZED, _FORBIDDEN}:
            response = self._send(method, f"/api/v2{path}", json, self._log_in(token))
        for pause in _PAUSES:
            if not response.is_server_error:
                break
            time.sleep(pause)
            response = self._send(method, f"/api/v2{path}", json, self._token)
        return response

    def _log_in(self, stale: str | None) -> str:
        with self._login:
            if self._token is not None and self._token != stale:
                return self._token
            account = {"username": self._username, "password": self._password}
            response = self._send("POST", "/auth/token", account, None)
            if response.status_code in {_UNAUTHORIZED, _FORBIDDEN}:
                raise HostUnreachable(
                    f"airflow {self._instance} does not let the gate's account {self._username!r} in. "
                    "Check its user name and password in the gate's configuration."
                )
            self._token = _text(self._object(response), "access_token")
            return self._token

    def _send(self, method: str, path: str, json: Mapping[str, Any] | None, token: str | None) -> httpx.Response:
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            return self._http.request(method, f"{self._url}{path}", json=json, headers=headers)
        except httpx.HTTPError as error:
            raise HostUnreachable(
                f"airflow {self._instance} at {self._url} did not answer ({type(error).__name__}); the gate tries again"
            ) from None

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        if response.status_code == _FORBIDDEN:
            raise HostUnreachable(
                f"airflow {self._instance}: the gate's account {self._username!r} may not do this. "
                "It reads runs, answers questions and writes task notes; give it the role `user`, or these permissions."
            )
        try:
            answer = response.json() if response.is_success else None
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise HostUnreachable(
                f"airflow {self._instance} answered {response.status_code}, not as Airflow's API does; "
                "the gate tries again"
            )
        return answer

    def _must_be(self, found: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
        for name, value in asked.items():
            if found.get(name) != value:
                raise HostUnreachable(f"airflow {self._instance} answered about another {name} than it was asked for")


def _identity(run: HostRun) -> dict[str, Any]:
    return {"dag_id": run.dag_id, "dag_run_id": run.run_id, "task_id": run.task_id, "map_index": run.map_index}


def _dag(run: HostRun) -> str:
    return f"/dags/{_segment(run.dag_id)}"


def _dag_run(run: HostRun) -> str:
    return f"{_dag(run)}/dagRuns/{_segment(run.run_id)}"


def _task(run: HostRun) -> str:
    """The task as Airflow's routes spell it: a task that is not mapped has no index."""
    task = f"{_dag_run(run)}/taskInstances/{_segment(run.task_id)}"
    return task if run.map_index < 0 else f"{task}/{run.map_index}"


def _task_at(run: HostRun) -> str:
    """The task with its index, which the routes of questions want even where it is -1."""
    return f"{_dag_run(run)}/taskInstances/{_segment(run.task_id)}/{run.map_index}"


def _segment(name: str) -> str:
    """Spell a name as one segment of a path; Airflow reads ``~`` as *every*, and paths read dots as folders."""
    if name in {"", ".", "..", "~"}:
        raise NotFound(f"{name!r} is not the name of a DAG, a run or a task")
    return quote(name, safe="")


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise HostUnreachable(f"Airflow's answer has no {name}; the gate tries again")
    return value


def _form(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form as the gate renders it: Airflow adds a ``source`` of null to each field, and only that."""
    form = {}
    for name, field in params.items():
        is_plain = isinstance(field, dict) and field.get("source", ...) is None
        form[name] = {key: value for key, value in field.items() if key != "source"} if is_plain else field
    return form
