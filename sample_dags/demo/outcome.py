"""Whether a demo ended as it should: looked up in the files and in the ledger, not in what a task returned."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from maskgate.gate.client import GateClient

if TYPE_CHECKING:
    from demo.gate_server import GateServer


@dataclass(frozen=True)
class Outcome:
    """How a request ended.

    Attributes:
        request: The request's document, as the gate gives it.
        entries: The ledger's entries about it.
        problems: What is not as it should be; empty if all is well.
    """

    request: dict[str, Any]
    entries: tuple[dict[str, Any], ...]
    problems: tuple[str, ...]


def find_request(gate: GateServer) -> dict[str, Any] | None:
    """Return the newest request at a gate, if there is one."""
    with GateClient(gate.url, gate.token()) as client:
        return next(iter(client.requests()), None)


def approved_outcome(gate: GateServer, request_id: str, *, has_succeeded: bool) -> Outcome:
    """Look whether exactly what was sealed has arrived."""
    request, entries = _look(gate, request_id)
    problems = [] if has_succeeded else ["the run did not succeed"]
    if request["state"] != "released":
        problems.append(f"the request is {request['state']}: {request['message']}")
    else:
        problems += _differences(Path(request["receipt"]["location"]), request)
    if not {"decision.approve", "grant.issued", "release.completed"} <= {entry["type"] for entry in entries}:
        problems.append("the ledger does not hold decision, grant and release")
    return Outcome(request, entries, tuple(problems))


def rejected_outcome(gate: GateServer, request_id: str, *, has_succeeded: bool) -> Outcome:
    """Look whether nothing has left, and the ledger says why."""
    request, entries = _look(gate, request_id)
    problems = ["the run succeeded"] if has_succeeded else []
    if request["state"] != "denied":
        problems.append(f"the request is {request['state']}: {request['message']}")
    if left := [str(path) for path in gate.released.rglob("*")]:
        problems.append(f"there is something at the destination: {', '.join(left)}")
    if "request.denied" not in {entry["type"] for entry in entries}:
        problems.append("the ledger does not say that the request was denied")
    return Outcome(request, entries, tuple(problems))


def verify_ledger(gate: GateServer) -> tuple[bool, str]:
    """Run ``maskgate ledger verify``; return whether it holds, and what it says."""
    command, environment = gate.command("ledger", "verify")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def masked_row(data: Path, location: Path, table: str = "customers") -> list[tuple[str, Any, Any]]:
    """Return one row without nulls: name of the column, original, what left instead (None if it was dropped)."""
    original = pq.read_table(data / f"{table}.parquet")
    masked = pq.read_table(location / table)
    complete = (index for index in range(len(original)) if all(original.slice(index, 1).to_pylist()[0].values()))
    row = next(complete, 0)
    before, after = original.slice(row, 1).to_pylist()[0], masked.slice(row, 1).to_pylist()[0]
    return [(name, value, after.get(name)) for name, value in before.items()]


def _look(gate: GateServer, request_id: str) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    with GateClient(gate.url, gate.token()) as client:
        request = client.request(request_id)
    with GateClient(gate.url, gate.token("auditor")) as auditor:
        entries = tuple(entry for entry in auditor.ledger_entries() if request_id in json.dumps(entry))
    return request, entries


def _differences(location: Path, request: dict[str, Any]) -> list[str]:
    """Compare what lies at the destination with the receipt and with the sealed manifest."""
    receipt = {file["path"]: file["sha256"] for file in request["receipt"]["files"]}
    found = {
        path.relative_to(location).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in location.rglob("*")
        if path.is_file()
    }
    manifest = json.loads((location / "manifest.json").read_text(encoding="utf-8"))
    sealed = {file["path"]: file["sha256"] for table in manifest["tables"].values() for file in table["files"]}
    problems = [f"{path} is not what was sealed" for path, digest in sealed.items() if found.get(path) != digest]
    problems += [
        f"{path} is not what the receipt says" for path, digest in receipt.items() if found.get(path) != digest
    ]
    problems += [f"{path} was not sealed" for path in set(found) - set(sealed) - {"manifest.json"}]
    if request["receipt"]["content_digest"] != request["content_digest"]:
        problems.append("the receipt is for other content than was signed")
    return problems
