"""A real Prefect server on loopback, and flows that run against it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import httpx

from demo.processes import LOOPBACK, Processes, Program, free_port, program, wait_for_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from demo.gate_server import GateServer

BLOCK = "maskgate"

_SAVE_BLOCK = """
import os
from prefect_maskgate import ApprovalGate
ApprovalGate(url=os.environ["GATE_URL"], token=os.environ["GATE_TOKEN"], instance=os.environ["GATE_INSTANCE"]).save(
    os.environ["GATE_BLOCK"], overwrite=True
)
"""


class PrefectServer:
    """One Prefect server, all of it inside a work folder: database, results, settings.

    Args:
        processes: Where it is started.
        work: A folder of its own.
        port: Where it listens; by default, wherever there is room.
        environment: More environment for server and flows: masking keys, settings.
    """

    def __init__(
        self, processes: Processes, *, work: Path, port: int = 0, environment: Mapping[str, str] | None = None
    ) -> None:
        self.processes = processes
        self.work = work
        self.port = port or free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.api = f"{self.url}/api"
        self.extra_environment = dict(environment or {})
        self.program: Program | None = None

    @property
    def database(self) -> Path:
        """Prefect's database."""
        return self.work / "prefect.db"

    def environment(self) -> dict[str, str]:
        """Return what server and flows run with. Settings of a Prefect of yours do not reach in."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "MASKGATE"))}
        settings = {
            "HOME": str(self.work),
            "API_URL": self.api,
            "API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{self.database}",
            "PROFILES_PATH": str(self.work / "profiles.toml"),
            "SERVER_ANALYTICS_ENABLED": "false",
            "LOGGING_TO_API_ENABLED": "true",
            "CLI_COLORS": "false",
        }
        return {
            **inherited,
            "PYTHONUNBUFFERED": "1",
            "DO_NOT_TRACK": "1",
            **{f"PREFECT_{name}": value for name, value in settings.items()},
            **self.extra_environment,
        }

    def start(self) -> Program:
        """Start it and wait until it answers."""
        self.work.mkdir(parents=True, exist_ok=True)
        command = [program("prefect", "prefect"), "server", "start", "--host", LOOPBACK, "--port", str(self.port)]
        self.program = self.processes.start("prefect-server", command, env=self.environment(), cwd=self.work)
        wait_for_url(f"{self.api}/health", self.program)
        return self.program

    def save_gate(self, gate: GateServer, *, instance: str, block: str = BLOCK) -> None:
        """Save the block that leads flows to a gate, with the gate's pipeline token."""
        where = {"GATE_URL": gate.url, "GATE_TOKEN": gate.token(), "GATE_INSTANCE": instance, "GATE_BLOCK": block}
        command = [program("prefect", "python"), "-c", _SAVE_BLOCK]
        self.processes.run("prefect-block", command, env={**self.environment(), **where})

    def run_flow(self, script: Path, *arguments: str | Path, name: str = "flow") -> Program:
        """Run a flow's script in a process of its own, as `python my_flow.py` does."""
        return self.processes.start(
            name, [program("prefect", "python"), script, *arguments], env=self.environment(), cwd=self.work
        )

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Post to Prefect's API, as its pages do."""
        answer = httpx.post(f"{self.api}{path}", json=dict(body), timeout=30, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def flow_runs(self) -> list[dict[str, Any]]:
        """Return all flow runs, the newest first."""
        return list(self.post("/flow_runs/filter", {"sort": "START_TIME_DESC"}))

    def artifacts(self, key: str) -> list[dict[str, Any]]:
        """Return all artifacts of a key."""
        return list(self.post("/artifacts/filter", {"artifacts": {"key": {"any_": [key]}}}))

    def flow_run_url(self, run_id: str) -> str:
        """Return the page of a flow run."""
        return f"{self.url}/runs/flow-run/{run_id}"
