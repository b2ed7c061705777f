"""Groups from Microsoft Graph: of the moment, of whoever logged in, and none where anything is in doubt."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from server.web.running_gate import Browser, RunningGate

TEAM = "5f3c2f0e-0000-4000-8000-000000000001"
OTHERS = [f"5f3c2f0e-0000-4000-8000-{number:012}" for number in range(100, 400)]
POLICY = f"""\
version: 1
people:
  requester: ["entra|requester"]
  reviewer: ["entra|reviewer"]
reviewers:
  privacy: {{group: {TEAM}}}
policies:
  - name: usual
    when: {{action: export, destination: {{id: partner}}}}
    require: {{slots: {{privacy: 1}}}}
otherwise: refuse
"""


class Graph:
    """What speaks like Microsoft Graph about one person."""

    def __init__(self):
        self.me, self.groups, self.status, self.asked = "oid-1", [TEAM, *OTHERS], 200, []
        graph = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send({"id": graph.me})

            def do_POST(self):
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert sent == {"securityEnabledOnly": False}
                self.send({"value": graph.groups})

            def send(self, answer):
                graph.asked.append((self.path, self.headers["Authorization"]))
                content = json.dumps(answer).encode()
                self.send_response(graph.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1.0"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture(scope="module")
def graph():
    found = Graph()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture(autouse=True)
def _as_before(graph):
    yield
    graph.me, graph.groups, graph.status = "oid-1", [TEAM, *OTHERS], 200


@pytest.fixture(scope="module")
def gate(tmp_path_factory, provider, graph):
    login = f'issuer: "{provider.issuer}", client_id: maskgate, client_secret: "file:client-secret"'
    more = f'  entra: {{{login}, groups_from: graph, graph_url: "{graph.url}"}}\n'
    more += "tokens: {pipeline: {owner: requester}}\n"
    running = RunningGate(tmp_path_factory.mktemp("graph"), provider.issuer, policy=POLICY, more=more)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def person(gate, provider):
    """Somebody in more groups than Entra ID puts into a token."""
    provider.user("reviewer", name="Rhea", oid="oid-1", _claim_names={"groups": "src1"})
    yield lambda: Browser(gate, provider, "reviewer", login="entra")
    provider.user("reviewer", name="Rhea Viewer", groups=["privacy-team"])


class TestGraph:
    """The group counts if Graph says so at the decision, about whoever logged in."""

    def test_whom_no_token_could_say_the_groups_of_decides(self, gate, graph, person):
        pending = gate.request()
        assert person().decide(pending["id"]).status_code == 303
        assert gate.read(pending["id"])["state"] == "approved"
        paths = {path for path, _ in graph.asked}
        assert paths == {"/v1.0/me?$select=id", "/v1.0/me/getMemberGroups"}
        assert all(bearer.startswith("Bearer ") for _, bearer in graph.asked)

    @pytest.mark.parametrize(
        ("groups", "status"),
        [
            pytest.param(OTHERS, 200, id="who left the group since"),
            pytest.param([TEAM], 403, id="Graph refuses"),
            pytest.param([TEAM], 302, id="Graph sends elsewhere"),
            pytest.param(None, 200, id="no list"),
            pytest.param([TEAM, 7], 200, id="a list of something else"),
            pytest.param([TEAM] * 11_001, 200, id="more than Graph lists"),
        ],
    )
    def test_otherwise_nobody_is_in_a_group(self, gate, graph, person, groups, status):
        pending, browser = gate.request(), person()
        form = browser.form(pending["id"])
        graph.groups, graph.status = groups, status
        data = form | {"verdict": "approve", "reason": "looked at it closely"}
        answer = browser.http.post(f"/requests/{pending['id']}/decisions", data=data, headers={"Origin": gate.url})
        assert answer.status_code == 403
        assert gate.read(pending["id"])["state"] == "pending"

    @pytest.mark.parametrize("oid", ["oid-2", None, ""], ids=["of another", "not said", "empty"])
    def test_a_token_of_somebody_else_logs_nobody_in(self, gate, provider, person, oid):
        provider.user("reviewer", name="Rhea", **({} if oid is None else {"oid": oid}))
        browser = Browser(gate, provider, None)
        began = browser.http.get("/login/entra")
        landed = browser.http.get(provider.authorize(began.headers["location"], "reviewer"))
        assert landed.status_code == 502
        assert "answered about somebody else" in landed.text
