"""Measures the gate on a real, durable PostgreSQL, as ratios in one run, and writes its part of `README.md`.

make bench-gate                  CALLS=100000 for as many calls before memory is looked at again
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from demo.processes import Processes
from sections import judged, with_section
from server.identity_provider import running_provider
from specifications.several_gates import Person, SeveralGates
from sqlalchemy import delete, text

from maskgate.clock import SystemClock
from maskgate.gate.model import DecisionInput, Identity
from maskgate.server.assembling import make_gate
from maskgate.server.configuration import load_configuration
from maskgate.server.home import Home
from maskgate.store import Store, tables
from maskgate.testing.postgres_server import postgres_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maskgate.gate.service import Gate
    from maskgate.testing.postgres_server import PostgresServer

PAGE = Path(__file__).with_name("README.md")
ROUNDS = 5
SECONDS = 3
READINGS = 200
PEOPLE = (1, 8)
FEW, MANY, ALL = 10, 10_000, 100_000
CALLS = int(os.environ.get("CALLS", "20000"))
REASON = "checked against the ticket"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    work: str
    measured: str
    beside: str
    ratio: float
    least: float | None = None
    most: float | None = None

    def __str__(self) -> str:
        verdict = judged(self.ratio, self.least, self.most)
        cells = (self.work, self.measured, self.beside, f"{self.ratio:.2f}", *verdict)
        return f"| {' | '.join(cells)} |"


def main() -> int:
    """Measure, and write the table into its place."""
    with tempfile.TemporaryDirectory(prefix="maskgate-bench-") as name, postgres_server(durable=True) as server:
        rows = measure(Path(name), server)
    head = ["| work | measured | beside | ratio | must be | reached |", "|---|---:|---|---:|---:|---|"]
    table = "\n".join([*head, *map(str, rows)])
    print(table)
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_section(page, "gate", table, "make bench-gate"), encoding="utf-8")
    return 0


def measure(folder: Path, server: PostgresServer) -> list[Row]:
    """Measure one gate after the other task, on one database."""
    url = server.new_database()
    with running_provider() as provider, Processes(folder / "logs") as processes:
        gates = SeveralGates(folder, processes, provider.issuer, url, 1)
        document = gates.request()
        person = gates.log_in(provider, "reviewer")
        readings(gates, person, 1)
        idle = memory(gates.programs[0].popen.pid)  # of a gate that has done everything once, and now waits
        rows = [told(row) for row in (*decisions(gates, server, document), *inbox(gates, person))]
        busy = after_many(gates, person)
    rows.append(Row("memory of an idle gate", f"{idle:.0f} MB", "150 MB", idle / 150, most=1))
    return [
        *rows,
        Row(
            f"memory after {ALL:,} requests and {CALLS:,} calls",
            f"{busy:.0f} MB",
            f"idle, {idle:.0f} MB",
            busy / idle,
            most=1.2,
        ),
    ]


def told(row: Row) -> Row:
    """Say a result at once; all of it takes some minutes."""
    print(row, file=sys.stderr)
    return row


# --- decisions -------------------------------------------------------------------------------------------------------


def decisions(gates: SeveralGates, server: PostgresServer, document: dict) -> list[Row]:
    """Decide in two gate processes, taking turns with `pgbench -N` on the same server."""
    server.execute("CREATE DATABASE bench")
    bench = server.url("bench")
    subprocess.run([server.binaries / "pgbench", "-q", "-i", "-s", "10", bench], check=True, capture_output=True)
    rates: dict[int, list[float]] = {people: [] for people in PEOPLE}
    others = []
    for number in range(ROUNDS):
        for people, measured in rates.items():
            others.append(pgbench(server, bench))
            with pending(gates.store, document, 2 * 5000, f"d{people}_{number}") as ids:
                halves = [(gates.homes[0], gates.store, document, ids[half::2], people) for half in (0, 1)]
                with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
                    measured.append(sum(pool.map(decide_for_a_while, halves)))
    other = statistics.median(others)
    rows = []
    for people, measured in rates.items():
        who = "one person after the other" if people == 1 else f"{people} people at once"
        rate = statistics.median(measured)
        name, beside = f"decisions at each of two gates, {who}", f"`pgbench -N` ({other:,.0f}/s)"
        rows.append(Row(name, f"{rate:,.0f}/s", beside, rate / other, least=0.3))
    return rows


def decide_for_a_while(task: tuple) -> float:
    """Have so many people decide one request after the other in this process; return how many a second."""
    home, where, document, ids, people = task
    seen = (document["intent_digest"], document["context_digest"])
    with opened_gate(home, where) as gate, ThreadPoolExecutor(people) as pool:
        begun = time.perf_counter()

        def decide(mine: list[str]) -> int:
            done = 0
            for identifier in mine:
                who = Identity(("company|reviewer",), "web", ("privacy-team",), SystemClock().now())
                gate.decide(identifier, DecisionInput(who, "approve", REASON, *seen))
                done += 1
                if time.perf_counter() - begun > SECONDS:
                    break
            return done

        done = sum(pool.map(decide, (ids[each::people] for each in range(people))))
        return done / (time.perf_counter() - begun)


def pgbench(server: PostgresServer, url: str) -> float:
    """Return the transactions a second of `pgbench -N`."""
    command = [server.binaries / "pgbench", "-N", "-n", "-T", str(SECONDS), url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(next(line for line in said.splitlines() if line.startswith("tps")).split()[2])


@contextmanager
def opened_gate(home: Path, where: str) -> Iterator[Gate]:
    """Put a gate together on the database of one that runs."""
    store = Store.open(where)
    yield make_gate(load_configuration(home / "gate.yaml"), Home(home), store, store.clock())
    store.close()


# --- the inbox -------------------------------------------------------------------------------------------------------


def inbox(gates: SeveralGates, person: Person) -> list[Row]:
    """Read the first page of the inbox, over HTTP, with few and with many requests that wait."""
    with gates.client() as client:
        (document,) = client.requests("pending")
    few, many = [], []
    for number in range(2):
        with pending(gates.store, document, FEW - 1, f"f{number}"):
            few += readings(gates, person)
        with pending(gates.store, document, MANY - 1, f"m{number}"):
            many += readings(gates, person)
    rows = []
    for name, figure in (("median", statistics.median), ("p99", lambda times: statistics.quantiles(times, n=100)[98])):
        one, other = figure(few), figure(many)
        rows.append(
            Row(
                f"inbox, {MANY:,} pending, {name}",
                f"{other * 1000:.1f} ms",
                f"{FEW} ({one * 1000:.1f} ms)",
                other / one,
                most=1.5,
            )
        )
    return rows


def readings(gates: SeveralGates, person: Person, number: int = READINGS) -> list[float]:
    """Return how long each of many readings took, in seconds."""
    with httpx.Client(base_url=gates.url, cookies={"maskgate_session": person.cookie}, timeout=60) as http:
        return [timed(lambda: http.get("/").raise_for_status()) for _ in range(number)]


def timed(act: Callable[[], object]) -> float:
    """Return how long something took, in seconds."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


# --- memory ----------------------------------------------------------------------------------------------------------


def after_many(gates: SeveralGates, person: Person) -> float:
    """Return the gate's memory with many requests in its database, and after many calls, in MB."""
    with gates.client() as client:
        (document,) = client.requests("pending")
    with pending(gates.store, document, ALL, "a") as ids, httpx.Client(base_url=gates.url, timeout=60) as http:
        http.cookies.set("maskgate_session", person.cookie)

        def read(number: int) -> None:
            http.get(f"/api/v1/requests/{ids[number % len(ids)]}").raise_for_status()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(read, range(CALLS)))
        for _ in range(READINGS):
            http.get("/").raise_for_status()
        return memory(gates.programs[0].popen.pid)


def memory(process: int) -> float:
    """Return the resident memory of a gate with all of its processes, once those are gone that end by themselves."""
    deadline = time.monotonic() + 60
    while (children := _children(process)) and time.monotonic() < deadline:
        time.sleep(1)
    return sum(_resident(each) for each in (process, *children))


def _children(process: int) -> list[int]:
    threads = Path(f"/proc/{process}/task").iterdir()
    return [int(child) for thread in threads for child in (thread / "children").read_text(encoding="ascii").split()]


def _resident(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


@contextmanager
def pending(where: str, document: dict, number: int, prefix: str) -> Iterator[list[str]]:
    """Have so many more requests wait, which are like one that does; afterwards they are gone, or decided."""
    store = Store.open(where)
    prefix = f"z{prefix}"  # no request of the gate's own begins so
    ids = [f"req_{prefix}{each:012d}" for each in range(number)]
    copied = {"id": f"'req_{prefix}' || lpad(number::text, 12, '0')", "idempotency_key": "NULL", "wake_after": "NULL"}
    names = [column.name for column in tables.requests.columns]
    values = ", ".join(copied.get(name, f'"{name}"') for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    with store.write() as work:
        work.execute(
            text(
                f"INSERT INTO requests ({listed}) SELECT {values} FROM requests, generate_series(0, :last) AS number"
                " WHERE id = :id"
            ),
            {"last": number - 1, "id": document["id"]},
        )
    yield ids
    with store.write() as work:
        mine = tables.requests.c.id.like(f"req_{prefix}%")
        for table in (tables.decisions, tables.notices, tables.grants):
            work.execute(delete(table).where(table.c.request.like(f"req_{prefix}%")))
        work.execute(delete(tables.requests).where(mine))
    store.close()


if __name__ == "__main__":
    raise SystemExit(main())
