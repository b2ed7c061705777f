"""Must hold: floods of bytes, levels, headers, slow clients and requests leave the gate there for others."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest
from server.identity_provider import running_provider
from server.web.running_gate import POLICY, Browser, RunningGate

from maskgate.errors import TooMany
from maskgate.gate.client import GateClient
from maskgate.server.body_limit import BodyLimit
from maskgate.server.patience import PatientProtocol

LIMITS = "limits: {pending_per_token: 2, stagings_per_token: 8}"
TOKENS = "tokens: {pipeline: {owner: requester}, other: {role: pipeline}, third: {role: pipeline}}"
PURGING = """\
  - name: purging
    when: {action: purge}
    require: {slots: {privacy: 1}, distinct: 1}
    expires: 24h
"""
MEBIBYTE = b" " * (1 << 20)


@pytest.fixture(scope="module")
def provider():
    with running_provider() as found:
        yield found


@pytest.fixture(scope="module")
def gate(tmp_path_factory, provider):
    policy = POLICY.replace("otherwise:", f"{PURGING}otherwise:")
    running = RunningGate(
        tmp_path_factory.mktemp("flooded"), provider.issuer, policy=policy, more=f"{LIMITS}\n{TOKENS}"
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture
def impatient(monkeypatch):
    """Slow clients have a fifth of a second."""
    monkeypatch.setattr(PatientProtocol, "head_seconds", 0.2)
    before = BodyLimit.__init__
    monkeypatch.setattr(BodyLimit, "__init__", lambda self, app, **_: before(self, app, seconds=0.2))


@contextmanager
def wire(gate):
    with socket.create_connection(gate.listener.getsockname(), timeout=20) as opened:
        yield opened


def everything(opened) -> bytes:
    """Read until the gate closes the connection."""
    came = b""
    with suppress(ConnectionResetError):
        while part := opened.recv(65536):
            came += part
    return came


def is_there(gate):
    return httpx.get(f"{gate.url}/healthz", timeout=10).json()["status"] == "ok"


def post(gate, headers=b"", *, path="/api/v1/requests"):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gate.token()}\r\n"
    return head.encode() + b"Content-Type: application/json\r\n" + headers


class TestLargeBodies:
    """100 MB are refused as soon as they are seen to be too many, and are not kept."""

    @pytest.mark.parametrize("path", ["/api/v1/requests", "/requests/req_x/decisions", "/login/company", "/nowhere"])
    def test_announced(self, gate, path):
        with wire(gate) as opened:
            opened.sendall(post(gate, b"Content-Length: 104857600\r\n\r\n", path=path))
            answer = opened.recv(65536)
            assert answer.startswith(b"HTTP/1.1 413 ")
            while b"too_large" not in answer:
                more = opened.recv(65536)
                assert more
                answer += more

    def test_not_announced(self, gate):
        with gate.bearer() as http:
            answer = http.post("/api/v1/requests", content=iter([MEBIBYTE] * 100), timeout=60)
        assert answer.status_code == 413
        assert is_there(gate)


class TestDeepJson:
    """JSON of ten thousand levels, or of more than any body needs, is refused in words."""

    @pytest.mark.parametrize("levels", [33, 900, 10_000])
    @pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
    def test_it_is_refused(self, gate, levels, brackets):
        opening, closing = brackets
        deep = opening * levels + "1" + closing * levels
        body = '{"action": "purge", "resource": "x", "arguments": {"a": ' + deep + "}}"
        with gate.bearer() as http:
            answer = http.post("/api/v1/requests", content=body, headers={"Content-Type": "application/json"})
        expected = 413 if len(body) > 64 * 1024 else 422
        assert answer.status_code == expected, answer.text
        assert answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param("1e999", id="an infinite number"),
            pytest.param("9007199254740993", id="an integer that others round"),
            pytest.param("1" * 5000, id="an integer of 5000 digits"),
            pytest.param('"\\ud800"', id="half a character"),
            pytest.param('"a\\u0000b"', id="a null character"),
        ],
    )
    def test_what_cannot_be_kept_exactly_is_refused(self, gate, value):
        body = '{"action": "purge", "resource": "x", "arguments": {"a": ' + value + "}}"
        with gate.bearer() as http:
            answer = http.post("/api/v1/requests", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, answer.text


class TestHeaders:
    """Many headers, or long ones, do no harm."""

    @pytest.mark.parametrize("header", [b"X: y\r\n" * 20_000, b"X: " + b"y" * 200_000 + b"\r\n"], ids=["many", "long"])
    def test_the_gate_stays(self, gate, header):
        with wire(gate) as opened:
            try:
                opened.sendall(post(gate, b"Connection: close\r\n" + header) + b"\r\n")
            except (BrokenPipeError, ConnectionResetError):
                answer = b""
            else:
                answer = everything(opened)
        assert answer[:13] in {b"", b"HTTP/1.1 400 ", b"HTTP/1.1 422 "}
        assert is_there(gate)


class TestSlowClients:
    """Who trickles is cut off, and others are answered in the meantime."""

    @pytest.fixture
    def quick(self, impatient, tmp_path, provider):
        running = RunningGate(tmp_path, provider.issuer)
        running.start()
        yield running
        running.stop()

    def test_heads_that_never_end(self, quick):
        with ExitStack() as stack:
            slow = [stack.enter_context(wire(quick)) for _ in range(100)]
            for each in slow:
                each.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
            assert is_there(quick)
            assert [everything(each) for each in slow] == [b""] * 100

    def test_a_connection_that_says_nothing(self, quick):
        with wire(quick) as opened:
            assert everything(opened) == b""

    def test_a_head_that_trickles(self, quick):
        with wire(quick) as opened, pytest.raises(OSError):  # noqa: PT012  until the gate has had enough
            while True:
                opened.sendall(b"G")
                time.sleep(0.02)
        assert is_there(quick)

    def test_bodies_that_do_not_come(self, quick):
        with ExitStack() as stack:
            slow = [stack.enter_context(wire(quick)) for _ in range(60)]
            for each in slow:
                each.sendall(post(quick, b"Content-Length: 100\r\n\r\n") + b"{")
            assert is_there(quick)
            for each in slow:
                assert each.recv(4096).startswith(b"HTTP/1.1 408 ")

    def test_uploads_that_do_not_come(self, quick):
        with quick.client() as client:
            opened = client.open_staging(root="uploads")
            with ExitStack() as stack:
                slow = [stack.enter_context(wire(quick)) for _ in range(60)]
                for number, each in enumerate(slow):
                    path = f"/api/v1/staging/{opened['id']}/files/customers/part-{number:05}.parquet"
                    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {quick.token()}\r\n"
                    each.sendall(head.encode() + b"Content-Length: 100000\r\n\r\nx")
                assert is_there(quick)
                assert client.requests() == []
                for each in slow:
                    assert not each.recv(4096).startswith(b"HTTP/1.1 2")
        uploads = quick.configuration.file.parent / "uploads"
        assert [path.name for path in uploads.rglob("part-*.parquet")] == []


class TestManyConnections:
    """Some hundred connections at once are all answered."""

    def test_they_are_answered(self, gate):
        answers = []

        def ask():
            with wire(gate) as opened:
                opened.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                answers.append(everything(opened)[:15])

        threads = [threading.Thread(target=ask) for _ in range(200)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(60)
        assert answers == [b"HTTP/1.1 200 OK"] * 200


class TestManyRequests:
    """One token asks for so much at once; others ask on, and what was ended makes room."""

    def test_the_next_one_is_refused_until_one_ends(self, gate, provider):
        with gate.client() as client:
            waiting = [gate.request() for _ in range(2)]
            for _ in range(20):
                with pytest.raises(TooMany) as caught:
                    client.create_request(staging=gate.stage(client), destination="partner", why="one more")
                assert "no more than" in str(caught.value)
                assert len(client.requests("pending")) == 2
                if "stagings" in str(caught.value):
                    break
            again = {"staging": waiting[0]["staging"], "destination": "partner", "why": "again"}
            assert client.create_request(**again)["id"] == waiting[0]["id"]
            client.withdraw(waiting[0]["id"])
            one_more = client.create_request(staging=waiting[0]["staging"], destination="regulator", why="room again")
        assert one_more["state"] == "sealing"
        person = Browser(gate, provider, "reviewer").http
        assert waiting[1]["id"] in person.get("/").text
        person.close()

    def test_it_is_a_problem_document_of_429(self, gate):
        self.fill(gate)
        with gate.bearer() as http:
            answer = http.post("/api/v1/staging", json={})
        assert answer.status_code == 429
        assert (answer.json()["code"], answer.json()["status"]) == ("too_many", 429)
        assert answer.headers["content-type"] == "application/problem+json"

    def test_another_token_asks_on(self, gate):
        self.fill(gate)
        with GateClient(gate.url, gate.token("other")) as client:
            document = client.create_request(staging=gate.stage(client), destination="partner", why="mine")
        assert document["state"] in {"sealing", "pending"}

    def test_an_action_counts_as_well(self, gate):
        body = {"action": "purge", "resource": "a table"}
        with gate.bearer("third") as http:
            answers = [http.post("/api/v1/requests", json=body | {"arguments": {"day": day}}) for day in (1, 2, 3, 1)]
        assert [answer.status_code for answer in answers] == [202, 202, 429, 202], [each.text for each in answers]
        assert answers[3].json()["id"] == answers[0].json()["id"]

    def test_refusals_are_entries(self, gate):
        self.fill(gate)
        refused = [entry["body"]["refusal"] for entry in gate.entries() if entry["type"] == "request.refused"]
        assert any("no more than" in refusal for refusal in refused)

    def fill(self, gate):
        with gate.client() as client:
            for _ in range(20):
                try:
                    staging = gate.stage(client)
                except TooMany:
                    return
                with gate.bearer() as http:
                    http.post("/api/v1/requests", content=json.dumps({"staging": staging, "destination": "partner"}))
        raise AssertionError("the token has room without end")
