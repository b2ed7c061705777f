"""A running gate whose policy knows actions, and people who sign at its pages."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from server.web.running_gate import REASON, Browser, RunningGate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maskgate.gate.client import GateClient

POLICY = """\
version: 1
people:
  requester: ["company|requester"]
  reviewer: ["company|reviewer"]
reviewers:
  privacy: {people: [reviewer]}
policies:
  - name: production
    when: {action: [rotate-key, deploy, call-tool], resource: "prod/*"}
    require: {slots: {privacy: 1}}
    channels: [web]
    expires: 1h
  - name: values back
    when: {action: detokenize, resource: [email, customer]}
    require: {slots: {privacy: 1}}
    channels: [web]
    expires: 1h
  - name: agents
    when: {action: deploy, resource: "agents/*", agent: true}
    require: {slots: {privacy: 1}}
    channels: [web]
  - name: purge
    when: {action: purge}
    require: {slots: {privacy: 1}}
    channels: [web]
  - name: elsewhere
    when: {action: [rotate-key, deploy, call-tool], resource: "dev/*", destination: none}
    allow: true
  - name: never
    when: {action: [rotate-key, deploy, call-tool], resource: "forbidden/*"}
    refuse: true
otherwise: refuse
"""


MORE = """\
tokens:
  pipeline: {owner: requester}
  assistant: {role: pipeline, owner: requester, agent: true}
handlers:
  purge:
    kind: command
    command: [sh, -c, 'echo "$1 $2" > "$PURGED/$1"; echo done', sh, "{resource}", "{days}"]
    dry_run: [echo, "would purge {resource}, older than {days} days, of a@example.com"]
    input: {days: {type: integer}}
    env: [PURGED]
"""


class ActingGate(RunningGate):
    """A running gate with a reviewer at hand."""

    def __init__(self, folder, provider, **more) -> None:
        (folder / "purged").mkdir()
        super().__init__(folder, provider.issuer, policy=POLICY, more=MORE, **more)
        self.purged = folder / "purged"
        self.provider = provider

    def reviewer(self) -> Browser:
        return Browser(self, self.provider, "reviewer")

    def decide(self, request_id: str, verdict: str = "approve") -> None:
        browser = self.reviewer()
        answer = browser.decide(request_id, verdict, REASON)
        browser.http.close()
        assert answer.status_code == 303, answer.text

    def pending(self, resource: str) -> list[dict]:
        with self.client() as client:
            return [each for each in client.requests("pending") if each["resource"] == resource]

    def read_all(self, resource: str) -> list[dict]:
        with self.client() as client:
            return [each for each in client.requests() if each["resource"] == resource]

    def sign_when_asked(self, resource: str, verdict: str = "approve", before=lambda: None) -> threading.Thread:
        """Have a reviewer wait for the next request about a resource, and decide it."""

        def wait() -> None:
            for _ in range(400):
                found = self.pending(resource)
                if found:
                    before()
                    self.decide(found[0]["id"], verdict)
                    return
                time.sleep(0.05)

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        return thread


@pytest.fixture(scope="module")
def gate(tmp_path_factory, provider) -> Iterator[ActingGate]:
    running = ActingGate(tmp_path_factory.mktemp("gate"), provider)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def environment(gate, monkeypatch):
    """The environment of a worker: where the gate is, its token, and the pinned key."""
    monkeypatch.setenv("PURGED", str(gate.purged))
    monkeypatch.setenv("MASKGATE_URL", gate.url)
    monkeypatch.setenv("MASKGATE_TOKEN", gate.token())
    monkeypatch.setenv("MASKGATE_FINGERPRINT", gate.gate.fingerprint)
    return gate


@pytest.fixture
def client(gate) -> Iterator[GateClient]:
    with gate.client() as opened:
        yield opened


@pytest.fixture
def page():
    """Return the address of a server that is no gate, and answers every GET with one page of a given type."""
    with ExitStack() as stack:

        def serve(content_type, content):
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(200)
                    self.send_header("Content-Type", content_type)
                    self.end_headers()
                    self.wfile.write(content)

                def log_message(self, *_):
                    return

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield serve
