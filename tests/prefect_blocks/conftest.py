"""A real Prefect server, a real gate and a real identity provider, and what people and flows do with them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from demo.gate_server import PREFECT_INSTANCE, SAMPLES, GateConfiguration, GateServer
from demo.identity_provider import IdentityProvider
from demo.page_client import PageClient
from demo.prefect_server import PrefectServer
from demo.processes import Processes, Program, wait_until
from demo.run_demo import masking_keys
from make_data import make_data

from maskgate.gate.client import GateClient

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
FLOWS = HERE / "flows" / "tested_flows.py"
GROUPS = dict.fromkeys(("requester", "reviewer", "second", "stranger"), ())


@dataclass
class FlowProcess:
    """A flow that runs in a process of its own."""

    program: Program

    def outcome(self, timeout: float = 240) -> dict[str, Any]:
        """Wait for its end; return what it returned or raised."""
        assert self.program.popen.wait(timeout) == 0, self.program.tail(60)
        return json.loads(self.log.splitlines()[-1])

    @property
    def log(self) -> str:
        return self.program.log.read_text(encoding="utf-8")


@dataclass
class World:
    """Everything that runs, and where it keeps its files."""

    data: Path
    prefect: PrefectServer
    gate: GateServer
    started: int = 0

    def run(self, flow: str, *arguments: Any) -> FlowProcess:
        """Start one of the tested flows."""
        self.started += 1
        name = f"{flow}-{self.started}"
        return FlowProcess(self.prefect.run_flow(FLOWS, flow, *map(str, arguments), name=name))

    def client(self, role: str = "pipeline") -> GateClient:
        return GateClient(self.gate.url, self.gate.token(role))

    def request(self, why: str) -> dict[str, Any]:
        """The one request that says why."""
        with self.client() as client:
            (found,) = [each for each in client.requests() if each["why"] == why]
            return client.request(found["id"])

    def wait_for(self, why: str, *states: str, flow: FlowProcess | None = None) -> dict[str, Any]:
        """Wait until the request of a flow is in one of some states."""

        def look() -> dict[str, Any] | None:
            with self.client() as client:
                found = [each for each in client.requests() if each["why"] == why]
                if not found and flow is not None:
                    assert flow.program.is_running, flow.program.tail(60)
                return next((client.request(each["id"]) for each in found if each["state"] in states), None)

        return wait_until(look, what=f"the request of {why} is {' or '.join(states)}", timeout=180)

    def eventually(self, look: Callable[[], Any]) -> Any:
        """Wait until something that happens by itself has happened."""
        return wait_until(look, what="that has happened", timeout=120)

    def page(self, subject: str) -> PageClient:
        """One person's session at the gate's pages."""
        client = PageClient(self.gate.url, subject)
        client.log_in()
        return client

    def sign(self, why: str, subject: str = "reviewer", verdict: str = "approve") -> None:
        """Decide on the review page."""
        with self.page(subject) as page:
            page.decide(self.request(why)["id"], verdict, "Seen and thought about.").raise_for_status()

    def arrived(self, request: str) -> list[Path]:
        """Everything at any destination that belongs to a request, visible or not."""
        return [path for place in self.gate.work.glob("released*") for path in place.iterdir() if request in path.name]

    def ledger(self, request: str) -> list[dict[str, Any]]:
        """The ledger's entries about a request."""
        with self.client("auditor") as client:
            return [entry for entry in client.ledger_entries() if request in json.dumps(entry)]


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("world")


@pytest.fixture(scope="session")
def processes(root):
    with Processes(root / "logs") as started:
        yield started


@pytest.fixture(scope="session")
def keys():
    return masking_keys()


@pytest.fixture(scope="session")
def prefect_server(root, processes, keys):
    server = PrefectServer(processes, work=root / "prefect-home", environment=keys)
    server.start()
    return server


@pytest.fixture(scope="session")
def world(root, processes, prefect_server, keys):
    """One gate for all tests; each test knows its own requests by what they say why."""
    provider = IdentityProvider(processes, groups=GROUPS)
    provider.start()
    gate = GateServer(processes, work=root / "gate", keys=keys)
    data = root / "data"
    tables = {name: str(data / f"{name}.parquet") for name in ("customers", "orders")}
    source = {"rules": str(SAMPLES / "rules" / "customers.yaml"), "tables": tables}
    board = gate.work / "released-board"
    board.mkdir(parents=True)
    gate.configure(
        GateConfiguration(
            policy=HERE / "policy.yaml",
            prefect_url=prefect_server.api,
            issuer=provider.url,
            more={
                "destinations": {"noticeboard": {"uri": str(board), "trust": "public", "mode": "new_version"}},
                "sources": {"crm": source},
            },
        )
    )
    gate.start()
    prefect_server.save_gate(gate, instance=PREFECT_INSTANCE)
    make_data(data, customers=300, orders=700)
    return World(data, prefect_server, gate)
