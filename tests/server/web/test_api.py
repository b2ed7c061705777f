from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
import time
from dataclasses import replace

import httpx
import pytest
from server.web.running_gate import REASON

from maskgate.errors import Conflict, MaskgateError, NotAllowed, NotFound, StillPending, UsageError
from maskgate.gate.client import GateClient
from maskgate.server.app import make_app
from maskgate.testing.staged_tables import masked_tables, sample_rules, staged_bytes


@pytest.fixture
def pending(gate):
    return gate.request()


def eventually(attempt, tries=100):
    """Try until the other side has noticed."""
    for _ in range(tries - 1):
        try:
            return attempt()
        except Conflict:
            time.sleep(0.05)
    return attempt()


class TestStaging:
    """Files go to a place of their own, once."""

    def test_a_shared_root_names_its_folder(self, gate):
        with gate.client() as client:
            opened = client.open_staging()
        assert opened["uri"].endswith(opened["id"])
        assert opened["upload"] is False

    def test_an_upload_is_hashed_and_written_once(self, gate):
        content = b"x" * 3_000_000
        with gate.client() as client:
            opened = client.open_staging(root="uploads")
            assert (opened["uri"], opened["upload"]) == (None, True)
            written = client.upload(opened["id"], "customers/part-00000.parquet", content)
            assert written == {
                "path": "customers/part-00000.parquet",
                "size": 3_000_000,
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            with pytest.raises(Conflict):
                client.upload(opened["id"], "customers/part-00000.parquet", b"y")

    def test_a_whole_request_by_upload(self, gate, tmp_path):
        with gate.client() as client:
            opened = client.open_staging(root="uploads")
            for name, content in staged_bytes(masked_tables(), sample_rules()).items():
                file = tmp_path / "file"
                file.write_bytes(content)
                client.upload(opened["id"], name, file)
            document = client.create_request(staging=opened["id"], destination="partner", why="by upload")
            document = client.wait(document["id"], lambda each: each["state"] != "sealing", timeout=60)
        assert document["state"] == "pending"

    @pytest.mark.parametrize("path", ["../x", "a/../../x", "%2e%2e/x", "customers/.hidden", "a\\b"])
    def test_no_way_out(self, gate, path):
        with gate.client() as client:
            opened = client.open_staging(root="uploads")
            with pytest.raises(MaskgateError):
                client.upload(opened["id"], path, b"x")
        assert not [file for file in gate.configuration.file.parent.rglob("x") if file.is_file()]

    def test_an_upload_that_breaks_off_leaves_nothing(self, gate):
        with gate.client() as client:
            opened = client.open_staging(root="uploads")
            where = f"/api/v1/staging/{opened['id']}/files/customers/part-00000.parquet"
            with socket.create_connection(gate.listener.getsockname()) as wire:
                head = (
                    f"PUT {where} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gate.token()}\r\n"
                    "Content-Length: 1000000\r\n\r\n"
                )
                wire.sendall(head.encode() + b"x" * 5000)
            sent = eventually(lambda: client.upload(opened["id"], "customers/part-00000.parquet", b"whole"))
        assert sent["size"] == len(b"whole")

    def test_no_such_root_or_staging(self, gate):
        with gate.client() as client:
            with pytest.raises(UsageError):
                client.open_staging(root="nowhere")
            with pytest.raises(NotFound):
                client.upload("stg_" + "0" * 32, "customers/part-00000.parquet", b"x")


class TestDocument:
    """A request says how it stands, to those who may know."""

    def test_a_pending_one(self, gate, pending):
        assert pending["destination"]["trust"] == "external"
        assert pending["requester"]["person"] == "requester"
        assert pending["requirement"] == {"slots": {"privacy": 1}, "distinct": 1, "missing": {"privacy": 1}}
        assert pending["evidence"]["measured"]["tables"]["customers"]["rows"] == 4
        assert pending["url"] == f"{gate.url}/requests/{pending['id']}"
        assert pending["intent_digest"].startswith("sha256:")
        assert pending["receipt"] is None

    def test_it_is_listed(self, gate, pending):
        with gate.client() as client:
            assert pending["id"] in [each["id"] for each in client.requests("pending")]
            assert pending["id"] not in [each["id"] for each in client.requests("denied")]

    def test_asking_again_gets_the_same(self, gate):
        with gate.client() as client:
            staging = gate.stage(client)
            one = client.create_request(staging=staging, destination="partner", why="a")
            other = client.create_request(staging=staging, destination="partner", why="a")
        assert one["id"] == other["id"]

    def test_there_is_no_other(self, gate):
        with gate.client() as client, pytest.raises(NotFound):
            client.request("req_nowhere")

    def test_an_unregistered_destination(self, gate):
        with gate.client() as client, pytest.raises(UsageError) as caught:
            client.create_request(staging=gate.stage(client), destination="elsewhere")
        assert "partner" in str(caught.value)


class TestDecision:
    """A person decides through the API with the session and the page's token, as on the page."""

    def body(self, pending, **changes):
        digests = {name: pending[name] for name in ("intent_digest", "context_digest")}
        return {"verdict": "approve", "reason": REASON} | digests | changes

    def decide(self, browser, pending, **changes):
        return browser.http.post(
            f"/api/v1/requests/{pending['id']}/decisions",
            json=self.body(pending, **changes),
            headers={"X-CSRF-Token": browser.csrf_token(pending["id"])},
        )

    def test_approved_then_released_once(self, gate, pending, browser):
        answer = self.decide(browser("reviewer"), pending)
        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == "approved"
        with gate.client() as client:
            client.release(pending["id"])
            released = client.wait(pending["id"], lambda _: False, timeout=60)
            assert released["state"] == "released"
            again = client.release(pending["id"])
        assert again["receipt"] == released["receipt"]
        version = gate.released / "partner"
        assert sum(1 for _ in version.iterdir()) >= 1
        assert released["receipt"]["content_digest"] == pending["content_digest"]

    def test_denied(self, gate, pending, browser):
        assert self.decide(browser("reviewer"), pending, verdict="deny").json()["state"] == "denied"
        with gate.client() as client, pytest.raises(Exception) as caught:
            client.release(pending["id"])
        assert "denied" in str(caught.value)

    def test_the_requester_may_not(self, gate, pending, browser):
        answer = self.decide(browser("requester"), pending)
        assert answer.status_code == 403
        assert answer.json()["code"] == "not_allowed"
        assert "involved" in answer.json()["detail"]
        assert gate.read(pending["id"])["state"] == "pending"
        assert self.decide(browser("reviewer"), pending).json()["state"] == "approved"

    def test_a_reason_that_is_too_short(self, gate, pending, browser):
        answer = self.decide(browser("reviewer"), pending, reason="ok")
        assert answer.status_code == 422
        assert "10 characters" in answer.json()["detail"]

    @pytest.mark.parametrize("field", ["intent_digest", "context_digest"])
    def test_another_digest_than_the_one_shown(self, pending, browser, field):
        answer = self.decide(browser("reviewer"), pending, **{field: "sha256:" + "0" * 64})
        assert answer.status_code == 409
        assert answer.json()["code"] == "conflict"

    def test_deciding_twice(self, pending, browser):
        person = browser("reviewer")
        self.decide(person, pending)
        token = person.csrf_token(pending["id"])
        again = person.http.post(
            f"/api/v1/requests/{pending['id']}/decisions", json=self.body(pending), headers={"X-CSRF-Token": token}
        )
        assert again.status_code == 409

    def test_what_would_be_right_is_said(self, browser, pending):
        answer = self.decide(browser("reviewer"), pending, verdict="maybe-hunter2", intent_digest="hunter2")
        assert "verdict: must be 'approve' or 'deny'" in answer.json()["detail"]
        assert "intent_digest: has another form than ^sha256:[0-9a-f]{64}$" in answer.json()["detail"]
        assert "hunter2" not in answer.text

    @pytest.mark.parametrize(
        "changes",
        [{"verdict": "maybe"}, {"intent_digest": "x"}, {"extra": 1}, {"reason": 5}, {"reason": "x" * 5000}],
    )
    def test_a_body_of_another_shape(self, gate, pending, browser, changes):
        answer = self.decide(browser("reviewer"), pending, **changes)
        assert answer.status_code == 422
        assert gate.read(pending["id"])["decisions"] == []


class TestRelease:
    """Nothing is released before it is signed."""

    def test_before_a_signature(self, gate, pending):
        with gate.client() as client, pytest.raises(StillPending):
            client.release(pending["id"])

    def test_a_withdrawn_one(self, gate, pending):
        with gate.client() as client:
            assert client.withdraw(pending["id"])["state"] == "withdrawn"


class TestRoles:
    """A pipeline asks and reads its own; an auditor reads."""

    def test_an_auditor_reads_all_and_asks_nothing(self, gate, pending):
        with gate.client("auditor") as client:
            assert client.request(pending["id"])["id"] == pending["id"]
            for call in (
                client.open_staging,
                lambda: client.withdraw(pending["id"]),
                lambda: client.release(pending["id"]),
            ):
                with pytest.raises(NotAllowed):
                    call()

    def test_a_pipeline_does_not_read_the_ledger(self, gate):
        with gate.client() as client:
            for call in (client.ledger_entries, client.checkpoint):
                with pytest.raises(NotAllowed):
                    call()

    def test_the_ledger_begins_with_the_gate(self, gate):
        first = gate.entries()[0]
        assert (first["seq"], first["type"]) == (0, "gate.created")

    def test_no_token_or_another(self, gate):
        for token in ("mg_pipeline_forged", "x"):
            with GateClient(gate.url, token) as client, pytest.raises(NotAllowed):
                client.requests()
        answer = httpx.get(f"{gate.url}/api/v1/requests")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "not_authenticated"


class TestBodies:
    """What is not understood whole is refused, and not repeated."""

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b'{"staging": "a", "staging": "b", "destination": "partner"}', id="a key twice"),
            pytest.param(b'{"staging": "a", "destination": "partner", "approve": true}', id="an unknown field"),
            pytest.param(b'{"staging": 5, "destination": "partner"}', id="another type"),
            pytest.param(b'{"staging": "a", "destination": "partner", "why": NaN}', id="NaN"),
            pytest.param(b'{"staging": "a"', id="half of it"),
            pytest.param(b"\xff\xfe", id="no text"),
            pytest.param(b"[" * 20_000, id="too deep"),
            pytest.param(b"[]", id="a list"),
            pytest.param(b"", id="nothing"),
        ],
    )
    def test_a_body_that_is_refused(self, gate, body):
        with gate.bearer() as http:
            answer = http.post("/api/v1/requests", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == 422

    def test_a_value_is_not_repeated(self, gate):
        with gate.bearer() as http:
            answer = http.post("/api/v1/requests", json={"staging": {"secret": "hunter2"}, "hunter2": 1})
        assert "hunter2" not in answer.text or answer.json()["detail"].count("hunter2") == 1
        assert '{"secret"' not in answer.text

    @pytest.mark.parametrize("announced", [True, False])
    def test_a_body_that_is_too_large(self, gate, announced):
        body = b" " * 70_000
        content = body if announced else iter([body])
        with gate.bearer() as http:
            answer = http.post("/api/v1/requests", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
        assert answer.json()["code"] == "too_large"


class TestStatus:
    """Machines see whether the gate is well, by counts alone."""

    def test_healthz(self, gate):
        with gate.client() as client:
            assert client.healthz() == {"status": "ok", "fingerprint": gate.gate.fingerprint}

    def test_metrics(self, gate, pending):
        answer = httpx.get(f"{gate.url}/metrics")
        assert answer.headers["content-type"].startswith("text/plain")
        assert 'maskgate_requests{state="pending"}' in answer.text
        assert "maskgate_decisions_total" in answer.text
        assert pending["id"] not in answer.text

    def test_openapi(self, gate):
        paths = httpx.get(f"{gate.url}/api/openapi.json").json()["paths"]
        pinned = {
            ("/api/v1/staging", "post"),
            ("/api/v1/requests", "post"),
            ("/api/v1/requests", "get"),
            ("/api/v1/requests/{request_id}", "get"),
            ("/api/v1/requests/{request_id}/decisions", "post"),
            ("/api/v1/requests/{request_id}/release", "post"),
            ("/api/v1/requests/{request_id}/withdraw", "post"),
            ("/api/v1/ledger/entries", "get"),
            ("/api/v1/ledger/checkpoint", "get"),
        }
        assert pinned <= {(path, verb) for path, verbs in paths.items() for verb in verbs}
        assert "/login" not in paths


class TestMistakes:
    """A mistake of ours is answered and logged by its place, not by what was in it."""

    class Broken:
        """A gate whose every verb fails with a value in its message."""

        def __getattr__(self, _name):
            raise ValueError("Jane Doe, 123-45-6789")

    @pytest.mark.parametrize("path", ["/healthz", "/metrics", "/api/v1/requests"])
    def test_no_value_in_answer_or_log(self, gate, caplog, path):
        app = make_app(replace(gate.services, gate=self.Broken()))

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url=gate.url) as http:
                return await http.get(path, headers={"Authorization": "Bearer x"})

        with caplog.at_level(logging.INFO):
            answer = asyncio.run(ask())
        assert answer.status_code == 500
        assert "Jane" not in answer.text + caplog.text
        assert "ValueError at " in caplog.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
