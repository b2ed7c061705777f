from __future__ import annotations

import json

import httpx
import pytest

from maskgate.errors import (
    Conflict,
    GateUnreachable,
    MaskgateError,
    NotAllowed,
    NotFound,
    Refused,
    StillPending,
    UsageError,
)
from maskgate.gate.client import GateClient


def answering(status=200, body=None, *, content=None, seen=None):
    """A client whose gate always answers the same."""

    def answer(request):
        if seen is not None:
            seen.append((request.method, str(request.url), request.read()))
        if content is not None:
            return httpx.Response(status, content=content)
        return httpx.Response(status, json={} if body is None else body)

    return GateClient("http://gate.example/", "mg_pipeline_x", transport=httpx.MockTransport(answer))


def problem(status, code):
    return {"title": "x", "status": status, "detail": "because", "code": code}


class TestRefusals:
    """What the gate refuses arrives as the error that it was."""

    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (401, "not_authenticated", NotAllowed),
            (403, "not_allowed", NotAllowed),
            (404, "not_found", NotFound),
            (409, "conflict", Conflict),
            (409, "still_pending", StillPending),
            (413, "too_large", Refused),
            (422, "refused", Refused),
            (422, "usage_error", UsageError),
        ],
    )
    def test_each_kind(self, status, code, kind):
        with answering(status, problem(status, code)) as client, pytest.raises(MaskgateError) as caught:
            client.request("req_1")
        assert type(caught.value) is kind
        assert str(caught.value) == "because"


class TestUnreachable:
    """No answer, a broken answer and somebody else's answer are all no gate."""

    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_a_gate_in_trouble(self, status):
        with answering(status, problem(status, "host_unreachable")) as client, pytest.raises(GateUnreachable):
            client.request("req_1")

    @pytest.mark.parametrize("status", [200, 302, 403, 404])
    @pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'"x"'])
    def test_somebody_else(self, status, content):
        with answering(status, content=content) as client, pytest.raises(GateUnreachable) as caught:
            client.request("req_1")
        assert "address" in str(caught.value)

    def test_nobody(self):
        def fail(request):
            raise httpx.ConnectError("mg_pipeline_x was sent to 10.0.0.1", request=request)

        client = GateClient("http://gate.example", "mg_pipeline_x", transport=httpx.MockTransport(fail))
        with client, pytest.raises(GateUnreachable) as caught:
            client.requests()
        assert "mg_pipeline_x" not in str(caught.value)
        assert caught.value.__cause__ is None

    def test_lists_that_are_none(self):
        with answering(body={"requests": "x"}) as client, pytest.raises(GateUnreachable):
            client.requests()


class TestAsking:
    """Each verb is one call, to this gate, with this token."""

    def test_a_request_carries_ids_only(self):
        seen = []
        with answering(202, {"id": "req_1"}, seen=seen) as client:
            client.create_request(staging="stg_1", destination="partner", why="because", requesters=("a",))
        [(method, url, body)] = seen
        assert (method, url) == ("POST", "http://gate.example/api/v1/requests")
        assert json.loads(body) == {
            "action": "export",
            "staging": "stg_1",
            "destination": "partner",
            "why": "because",
            "host": None,
            "requesters": ["a"],
        }

    def test_an_id_cannot_become_a_path(self):
        seen = []
        with answering(seen=seen) as client, pytest.raises(UsageError, match="no id"):
            client.request("../ledger/entries?x=y")
        assert seen == []

    def test_a_file_goes_up_as_it_is(self, tmp_path):
        (tmp_path / "part").write_bytes(b"x" * 3_000_000)
        seen = []
        with answering(201, {"path": "a"}, seen=seen) as client:
            client.upload("stg_1", "customers/part-00000.parquet", tmp_path / "part")
            client.upload("stg_1", "manifest.json", b"{}")
        assert [len(body) for _, _, body in seen] == [3_000_000, 2]
        assert seen[0][1].endswith("/staging/stg_1/files/customers/part-00000.parquet")

    def test_the_token_is_never_shown(self):
        with answering() as client:
            assert "mg_pipeline" not in repr(client)

    @pytest.mark.parametrize("url", ["", "gate.example", "ftp://gate.example", "http://"])
    def test_an_address_that_is_none(self, url):
        with pytest.raises(UsageError):
            GateClient(url, "x")

    def test_a_token_that_is_none(self):
        with pytest.raises(UsageError):
            GateClient("http://gate.example", "")

    def test_settings_from_the_environment(self, monkeypatch):
        monkeypatch.delenv("MASKGATE_URL", raising=False)
        monkeypatch.delenv("MASKGATE_TOKEN", raising=False)
        with pytest.raises(UsageError) as caught:
            GateClient.from_environment()
        assert "set MASKGATE_URL to its address, such as http://127.0.0.1:8470, and MASKGATE_TOKEN to" in str(
            caught.value
        )


class TestWaiting:
    """Waiting asks until it is as wanted or settled, and says what is new."""

    def waiting(self, *states):
        left = list(states)

        def answer(_request):
            state = left.pop(0) if len(left) > 1 else left[0]
            return httpx.Response(200, json={"id": "req_1", "state": state, "message": state})

        return GateClient("http://gate.example", "x", transport=httpx.MockTransport(answer))

    def test_until_it_is_as_wanted(self):
        told = []
        with self.waiting("sealing", "sealing", "pending") as client:
            found = client.wait("req_1", lambda each: each["state"] == "pending", 5, told.append)
        assert found["state"] == "pending"
        assert [each["state"] for each in told] == ["sealing", "pending"]

    def test_until_it_is_settled(self):
        with self.waiting("sealing", "refused") as client:
            assert client.wait("req_1", lambda _: False, 5)["state"] == "refused"

    def test_no_longer_than_asked(self):
        with self.waiting("pending") as client, pytest.raises(StillPending) as caught:
            client.wait("req_1", lambda _: False, 0)
        assert "pending" in str(caught.value)
