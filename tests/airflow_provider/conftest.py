"""A gate that says what a test wants it to say, over real HTTP, and a task context without an Airflow around it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

# Before anything imports Airflow: it reads its settings, and makes files, where this points to.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="maskgate-airflow-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "false"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "false"
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sample_dags"))

RUN = {"dag_id": "gated_export", "run_id": "manual__1", "task_id": "approve", "map_index": -1, "try_number": 1}

QUESTION = {
    "subject": "Export 2 tables to partner (external)?",
    "body": "| table | rows |\n|---|---|\n| customers | 3 |\n\n{{ not_a_template }}",
    "options": ["Approve", "Reject"],
    "params": {
        "reason": {"value": None, "description": "Why?", "schema": {"type": ["string", "null"], "title": "Reason"}}
    },
}


def document(state: str = "pending", **more: Any) -> dict[str, Any]:
    """What a gate says about a request in some state."""
    return {
        "id": "req_1",
        "state": state,
        "message": f"it is {state}.",
        "expires_at": "2999-01-01T00:00:00Z",
        "url": "http://gate.example/requests/req_1",
        "question": QUESTION,
        "refusals": [],
        "progress": {"done": 0, "total": 0},
        "receipt": None,
        **more,
    }


@dataclass
class FakeGate:
    """Answers each route with what was set for it; the last answer stays."""

    url: str = ""
    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)

    document = staticmethod(document)

    def says(self, route: str, *bodies: Any, status: int = 200) -> None:
        self.answers[route] = [(status, body) for body in bodies]

    def refuses(self, route: str, status: int, code: str, detail: str) -> None:
        self.says(route, {"title": "no", "status": status, "detail": detail, "code": code}, status=status)

    def respond(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        route = f"{method} {path}"
        self.asked.append((route, json.loads(body) if body[:1] in {b"{", b"["} else body))
        answers = self.answers.get(route)
        if not answers:
            return 404, {"title": "no", "status": 404, "detail": f"there is no {path}", "code": "not_found"}
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def gate():
    fake = FakeGate()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.removeprefix("/api/v1").partition("?")[0]
            status, answer = fake.respond(self.command, path, body)
            sent = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PUT = answer  # noqa: N815  the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        fake.url = f"http://127.0.0.1:{server.server_port}"
        yield fake
        server.shutdown()


@pytest.fixture
def connect(monkeypatch):
    """Set the connection that hooks find."""

    def connect(**fields: Any) -> None:
        whole = {"conn_type": "maskgate", "password": "mg_pipeline_x", "extra": {"instance": "prod"}, **fields}
        monkeypatch.setenv("AIRFLOW_CONN_MASKGATE_DEFAULT", json.dumps(whole))

    return connect


@pytest.fixture
def connected(gate, connect):
    connect(host=gate.url)
    return gate


class OutletEvents(dict):
    def __missing__(self, asset: Any) -> SimpleNamespace:
        self[asset] = SimpleNamespace(extra={})
        return self[asset]


@pytest.fixture
def context():
    pushed: dict[str, Any] = {}
    task = SimpleNamespace(**RUN, id=uuid4(), max_tries=2, xcom_push=lambda key, value: pushed.update({key: value}))
    return {
        "ti": task,
        "task_instance": task,
        "dag": SimpleNamespace(fileloc=__file__),
        "outlet_events": OutletEvents(),
        "pushed": pushed,
    }
