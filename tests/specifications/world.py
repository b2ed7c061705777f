"""A real Airflow, two real gates and an identity provider, and what people and pipelines do with them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.airflow_server import AirflowServer
from demo.gate_server import SAMPLES, GateConfiguration, GateServer
from demo.identity_provider import IdentityProvider
from demo.page_client import PageClient
from demo.processes import Processes, wait_until
from demo.run_demo import masking_keys
from specifications.originals import make_originals

from maskgate.gate.client import GateClient
from maskgate.rules import load_rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.airflow_client import AirflowClient

HERE = Path(__file__).parent
RULES = SAMPLES / "rules" / "customers.yaml"
REASON = "Masked as agreed with the partner."
USERS = {
    "requester": "user",
    "reviewer": "user",
    "second": "user",
    "stranger": "user",
    "gate": "user",
    "admin": "admin",
}
# The throttled gate needs some seconds for the small tables, so that it can be killed in the middle of a copy.
SLOW = {"limits": {"release_bytes_per_second": 4000}}


@dataclass(frozen=True)
class Run:
    """One run of a DAG."""

    dag_id: str
    run_id: str


@dataclass
class World:
    """Everything that runs, and where it keeps its files."""

    root: Path
    processes: Processes
    provider: IdentityProvider
    gate: GateServer
    slow_gate: GateServer
    airflow: AirflowServer
    runs: dict[str, Run] = field(default_factory=dict)
    users: dict[str, AirflowClient] = field(default_factory=dict)

    def user(self, name: str) -> AirflowClient:
        """One user's session at Airflow."""
        if name not in self.users:
            self.users[name] = self.airflow.client(name)
        return self.users[name]

    def page(self, subject: str) -> PageClient:
        """One person's session at the gate's pages."""
        client = PageClient(self.gate.url, subject)
        client.log_in()
        return client

    def client(self, role: str = "pipeline", gate: GateServer | None = None) -> GateClient:
        """A client with one of the tokens."""
        gate = gate or self.gate
        return GateClient(gate.url, gate.token(role))

    # --- runs --------------------------------------------------------------------------------------------------

    def start(self, name: str, dag_id: str, conf: Mapping[str, Any], user: str) -> None:
        """Trigger a run and remember it by name."""
        self.runs[name] = Run(dag_id, self.user(user).trigger(dag_id, conf))

    def ended(self, run: Run, state: str) -> None:
        """Wait until a run has ended, and check how."""
        admin = self.user("admin")
        found = admin.wait_for_run(run.dag_id, run.run_id, timeout=600)
        assert found == state, (
            f"{run} ended with {found}: {admin.task_states(run.dag_id, run.run_id)}\n{self.logs(run)}"
        )

    def states(self, run: Run) -> dict[str, str | None]:
        """The state of each task."""
        return self.user("admin").task_states(run.dag_id, run.run_id)

    def log(self, run: Run, task: str) -> str:
        """All that the tries of a task have logged."""
        admin = self.user("admin")
        tries = admin.task(run.dag_id, run.run_id, task)["try_number"]
        return "\n".join(self._one_log(run, task, number) for number in range(1, tries + 1))

    def _one_log(self, run: Run, task: str, number: int) -> str:
        """What one try has logged: each event, and what each error says."""
        path = f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task}/logs/{number}"
        answer = self.user("admin").send("GET", path, params={"map_index": -1, "full_content": True})
        if answer.is_error:
            return ""
        lines = answer.json()["content"]
        said = [(line, None) if isinstance(line, str) else (line["event"], line.get("error_detail")) for line in lines]
        return "\n".join(
            text for event, errors in said for text in (event, *(error["exc_value"] for error in errors or ()))
        )

    def logs(self, run: Run) -> str:
        """What the tasks that went wrong, or still wait, have logged."""
        failed = [task for task, state in self.states(run).items() if state not in {"success", "upstream_failed", None}]
        return "\n".join(f"--- {task}\n{self.log(run, task)}" for task in failed)

    def note(self, run: Run, task: str = "approve") -> str:
        """The note beside a task."""
        return self.user("admin").task(run.dag_id, run.run_id, task)["note"] or ""

    def wait_for_note(self, run: Run, words: str) -> str:
        """Wait until the note says something."""
        return wait_until(
            lambda: note if words in (note := self.note(run)) else None,
            what=f"the note of {run} says {words!r}",
            timeout=120,
        )

    # --- signing -----------------------------------------------------------------------------------------------

    def parked(self, run: Run) -> dict[str, Any]:
        """Wait until a run is parked for long enough to be answered; return its question."""
        return self.user("admin").wait_for_question(run.dag_id, run.run_id, "approve", timeout=600)

    def answer(self, run: Run, user: str, option: str = "Approve", reason: str = REASON) -> None:
        """Answer under *Required Actions*."""
        answer = self.user(user).answer(run.dag_id, run.run_id, "approve", option, params={"reason": reason})
        assert answer.status_code == 200, answer.text

    def request(self, run: Run, gate: GateServer | None = None) -> dict[str, Any]:
        """Return the one request that a run has made."""
        (found,) = self.requests(run, gate)
        return found

    def requests(self, run: Run, gate: GateServer | None = None) -> list[dict[str, Any]]:
        """Return the requests that a run has made, the first one first."""
        with self.client(gate=gate) as client:
            found = [each for each in client.requests() if (each["host"] or {}).get("run_id") == run.run_id]
        return sorted(found, key=lambda each: each["created_at"])

    def wait_for_state(self, run: Run, *states: str, gate: GateServer | None = None) -> dict[str, Any]:
        """Wait until the request of a run is in one of some states."""
        return wait_until(
            lambda: found if (found := self.request(run, gate))["state"] in states else None,
            what=f"the request of {run} is {' or '.join(states)}",
            timeout=180,
        )

    # --- what is left behind -----------------------------------------------------------------------------------

    def ledger(self, request: str, gate: GateServer | None = None) -> list[dict[str, Any]]:
        """The ledger's entries about a request."""
        with self.client("auditor", gate) as client:
            return [entry for entry in all_entries(client) if request in json.dumps(entry)]

    def ledger_types(self, request: str, gate: GateServer | None = None) -> list[str]:
        """The types of the ledger's entries about a request."""
        return [entry["type"] for entry in self.ledger(request, gate)]

    def released(self, request: str, gate: GateServer | None = None) -> list[Path]:
        """Everything at any destination that belongs to a request, visible or not."""
        work = (gate or self.gate).work
        return [path for place in work.glob("released*") for path in place.iterdir() if request in path.name]

    def version(self, request: str, gate: GateServer | None = None) -> Path:
        """The one version that a request has released."""
        (found,) = self.released(request, gate)
        return found

    def nothing_left(self, run: Run) -> None:
        """Check that nothing of a run has reached a destination, under any name."""
        for request in self.requests(run):
            assert request["receipt"] is None
            assert self.released(request["id"]) == []
        assert self.states(run).get("release") != "success"


def all_entries(client: GateClient) -> list[dict[str, Any]]:
    """Read the ledger from its beginning."""
    entries: list[dict[str, Any]] = []
    while page := client.ledger_entries(after=entries[-1]["seq"] if entries else -1):
        entries += page
    return entries


def start_world(root: Path, processes: Processes) -> World:
    """Start everything; returns when Airflow has read the DAGs."""
    make_originals(root / "originals")
    dags = root / "dags"
    shutil.copytree(HERE / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "flags").mkdir()
    provider = IdentityProvider(
        processes,
        groups={
            "requester": ("analysts",),
            "reviewer": ("privacy-team",),
            "second": (),
            "bystander": (),
            "stranger": (),
        },
    )
    provider.start()
    gate = GateServer(processes, work=root / "gate")
    slow_gate = GateServer(processes, work=root / "slow_gate")
    airflow = AirflowServer(processes, work=root / "airflow", dags=dags, users=USERS)
    for server, more in ((gate, {}), (slow_gate, SLOW)):
        server.configure(
            GateConfiguration(
                policy=HERE / "policy.yaml",
                airflow_url=airflow.url,
                airflow_password=airflow.passwords["gate"],
                issuer=provider.url,
                more={"destinations": _more_destinations(server), **more},
            )
        )
        server.start()
    airflow.extra_environment |= _airflow_environment(root, gate, slow_gate)
    airflow.start()
    world = World(root, processes, provider, gate, slow_gate, airflow)
    world.user("admin").wait_for_dag("unreachable")
    return world


def _more_destinations(server: GateServer) -> dict[str, Any]:
    places = {}
    for name, trust in (("archive", "internal"), ("website", "public")):
        folder = server.work / f"released_{name}"
        folder.mkdir(parents=True)
        places[name] = {"uri": str(folder), "trust": trust, "mode": "new_version"}
    return places


def _airflow_environment(root: Path, gate: GateServer, slow_gate: GateServer) -> dict[str, str]:
    lie = root / "lie.json"
    lie.write_text(json.dumps(_lying_manifest()), encoding="utf-8")
    away = json.loads(gate.connection()) | {"host": f"http://127.0.0.1:{_closed_port()}"}
    transport = {"type": "file", "log_file_path": str(root / "openlineage.jsonl"), "append": True}
    return {
        "AIRFLOW_CONN_MASKGATE_DEFAULT": gate.connection(),
        "AIRFLOW_CONN_MASKGATE_SLOW": slow_gate.connection(),
        "AIRFLOW_CONN_MASKGATE_AWAY": json.dumps(away),
        "AIRFLOW__CORE__PARALLELISM": "6",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        "SPECIFICATION_RULES": str(RULES),
        "SPECIFICATION_DATA": str(root / "originals"),
        "SPECIFICATION_STAGING": str(gate.staging),
        "SPECIFICATION_FLAGS": str(root / "flags"),
        "SPECIFICATION_LIE": str(lie),
        **masking_keys(),
    }


def _lying_manifest() -> dict[str, Any]:
    """Say of original tables that they were masked by the registered rules; the files are filled in when staged."""
    from specifications.originals import customers, orders  # noqa: PLC0415

    rules = load_rules(RULES)
    tables = {}
    for name, table in (("customers", customers({})), ("orders", orders({}))):
        schema = [{"name": column.name, "type": str(column.type)} for column in table.schema]
        tables[name] = {"rows": table.num_rows, "schema": schema, "files": []}
    return {
        "format": "maskgate-manifest/1",
        "rules": {"digest": rules.digest},
        "keys": {"people": 1, "contact": 1},
        "tables": tables,
        "report": {
            name: {
                "rows": tables[name]["rows"],
                "columns": {column: {"method": rule.method} for column, rule in rules.tables[name].columns.items()},
            }
            for name in tables
        },
    }


def _closed_port() -> int:
    """Find a port that nobody listens at; it stays bound by nobody, as those that are handed out are other ones."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def raise_flag(world: World, run: Run) -> None:
    """Let a run of ``slow_author`` go on."""
    Path(world.root, "flags", run.run_id.replace("/", "_")).touch()
    time.sleep(0.1)


def every_file(*folders: Path) -> list[Path]:
    """List every regular file below some folders."""
    return [
        Path(where, name)
        for folder in folders
        for where, _, names in os.walk(folder)
        for name in names
        if not Path(where, name).is_symlink()
    ]
