"""Prefect, read over its REST API with the gate's own account.

* Only the address and the account of the gate's configuration are used; a caller names an instance, never a URL.
* Prefect's open-source server knows no people: every request comes with one shared credential, or none. So nobody is
  ever named as the one who started a run; the policy's ``requesters:`` says who answers for a flow, and without them
  two people have to sign. Whoever reaches that server can start a flow under any name.
* Only a run that is running can ask. A run that ended long ago, perhaps of a harmless flow, lends its name to nobody.
* A flow polls the gate. Prefect's own pause is not used: it knows no answer's author, and a run that is paused can be
  moved on without any answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx

from maskgate.errors import HostUnreachable, NotFound, Refused
from maskgate.gate.host import Clears, RunFacts, RunOutcome
from maskgate.hosts.address import checked_address

if TYPE_CHECKING:
    from maskgate.gate.host import HostAnswer, HostRun

_RUNNING, _COMPLETED = "RUNNING", "COMPLETED"
_OVER = frozenset({_COMPLETED, "FAILED", "CANCELLED", "CRASHED"})
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404


class PrefectHost:
    """One Prefect server, seen with the gate's own account.

    Args:
        instance: What the gate's configuration calls this server.
        url: Where its API is, such as ``http://127.0.0.1:4200/api``.
        username: For a server with ``PREFECT_SERVER_API_AUTH_STRING``: what stands before its colon.
        password: What stands after it.
        api_key: For Prefect Cloud, instead of the two.
        timeout: Seconds to wait for each answer.
        transport: Another way of reaching it, for tests.
    """

    def __init__(
        self,
        instance: str,
        url: str,
        *,
        username: str = "",
        password: str = "",
        api_key: str = "",
        timeout: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._instance = instance
        self._url = checked_address("prefect", instance, url)
        self._http = httpx.Client(
            auth=(username, password) if username and not api_key else None,
            headers={"Accept": "application/json"} | ({"Authorization": f"Bearer {api_key}"} if api_key else {}),
            timeout=timeout,
            transport=transport,
            follow_redirects=False,
        )

    def __repr__(self) -> str:
        return f"PrefectHost({self._instance!r}, {self._url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @property
    def accounts(self) -> tuple[str, ...]:
        """None: an account of a Prefect server names nobody, and answers no question."""
        return ()

    def read_run(self, run: HostRun) -> RunFacts:
        """Read which flow a run is of, and that it is running.

        Raises:
            NotFound: If Prefect has no such run.
            Refused: If the run is not running.
            HostUnreachable: If Prefect does not answer as it should.
        """
        flow_run = self._read("flow_runs", run.run_id, f"{run.host} knows no flow run {run.run_id[:60]!r}")
        flow_id = str(flow_run.get("flow_id"))
        flow = self._read("flows", flow_id, f"{run.host} knows no flow {flow_id!r}")
        if not isinstance(flow.get("name"), str) or not flow["name"]:
            raise HostUnreachable(f"prefect {self._instance} did not say what the flow is called; the gate tries again")
        state = str(flow_run.get("state_type") or "unknown")
        if state != _RUNNING:
            raise Refused(
                f"flow run {run.run_id} is {state.lower()}, not running. A request is made from within the body of a "
                "running flow."
            )
        return RunFacts(workflow=flow["name"], state=state)

    def read_clears(self, run: HostRun) -> Clears:  # noqa: ARG002  the protocol's signature
        """Return that nobody did: whoever lets a flow run again, Prefect does not say who it was."""
        return Clears()

    def read_outcome(self, run: HostRun) -> RunOutcome:
        """Read how the flow run is shown by now."""
        flow_run = self._read("flow_runs", run.run_id, f"{run.host} knows no flow run {run.run_id[:60]!r}")
        state = str(flow_run.get("state_type") or "unknown")
        return RunOutcome(state, is_over=state in _OVER, is_success=state == _COMPLETED)

    def read_answer(self, run: HostRun) -> HostAnswer | None:  # noqa: ARG002  the protocol's signature
        """Return None: nobody is asked in Prefect, which could not say who answered."""
        return None

    def wake(self, run: HostRun, *, approved: bool) -> None:
        """Do nothing: the flow polls the gate, and moves on by itself."""

    def note(self, run: HostRun, text: str) -> None:
        """Do nothing: the flow reads the gate's words with each poll, and logs them."""

    def _read(self, kind: str, identifier: str, unknown: str) -> dict[str, Any]:
        """Read one object; what comes back must be the one that was asked for.

        Raises:
            NotFound: If the identifier is none, or Prefect does not know it.
            HostUnreachable: If the answer is of another kind.
        """
        try:
            wanted = str(UUID(identifier))
        except ValueError:
            raise NotFound(f"{unknown}: that is no id of Prefect") from None
        try:
            response = self._http.get(f"{self._url}/{kind}/{wanted}")
        except httpx.HTTPError as error:
            raise HostUnreachable(
                f"prefect {self._instance} at {self._url} did not answer ({type(error).__name__}); the gate tries again"
            ) from None
        if response.status_code == _NOT_FOUND:
            raise NotFound(
                f"{unknown}. A request is made from within the body of a running flow, and the url of prefect "
                f"{self._instance} in the gate's configuration ends in /api."
            )
        if response.status_code in {_UNAUTHORIZED, _FORBIDDEN}:
            raise HostUnreachable(
                f"prefect {self._instance} does not let the gate in. Check username and password, or api_key, in the "
                "gate's configuration."
            )
        try:
            answer = response.json() if response.is_success else None
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or answer.get("id") != wanted:
            raise HostUnreachable(
                f"prefect {self._instance} answered {response.status_code}, not as Prefect's API does; "
                "the gate tries again"
            )
        return answer
