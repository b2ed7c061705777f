"""Asking the gate which policy a request fell under, over HTTP and from the command line."""

from __future__ import annotations

import json

import pytest

from maskgate.cli.main import run
from maskgate.errors import NotFound


@pytest.fixture(scope="module")
def pending(gate):
    return gate.request(destination="regulator")


class TestExplain:
    """Whoever may see a request may see why its policy counts; nobody else."""

    def test_the_policy_and_the_ones_above_it(self, gate, pending):
        with gate.client() as client:
            told = client.explain(pending["id"])
        assert (told["is_chosen"], told["policy"]["name"]) == (True, "four eyes")
        assert told["policy"]["digest"] == pending["policy"]["digest"]
        assert told["policy"]["because"] == pending["policy"]["because"]
        assert "destination id regulator: holds, found regulator" in told["policy"]["because"]
        (above, _) = told["considered"]
        assert above == {
            "name": "two eyes",
            "matches": "no",
            "because": ["destination id partner: does not hold, found regulator"],
        }
        assert (told["facts"]["rows"], told["facts"]["tables"]) == (8, ["customers", "orders"])

    def test_a_request_that_is_not_there(self, gate):
        with gate.client() as client, pytest.raises(NotFound):
            client.explain("req_0")

    def test_nobody(self, gate, pending):
        with gate.bearer() as http:
            http.headers.pop("authorization")
            assert http.get(f"/api/v1/requests/{pending['id']}/policy").status_code == 401

    def test_from_the_command_line(self, gate, pending, monkeypatch, capsys):
        monkeypatch.setenv("MASKGATE_URL", gate.url)
        monkeypatch.setenv("MASKGATE_TOKEN", gate.token())
        assert run(["policy", "explain", pending["id"]]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == f'{pending["id"]}: policy "four eyes" counts'
        assert 'policy "two eyes": does not match' in lines
        assert run(["policy", "explain", pending["id"], "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["request"] == pending["id"]

    def test_the_review_page_says_why(self, gate, pending, browser):
        page = browser("reviewer").page(pending["id"])
        assert "It counts because" in page
        assert "destination id regulator: holds, found regulator" in page

    def test_the_signature_covers_why(self, gate, pending):
        with gate.client() as client:
            body = client.request(pending["id"])["question"]["body"]
        assert "It counts because destination id regulator" in body

    def test_the_ledger_has_it(self, gate, pending):
        (sealed,) = [
            each["body"]
            for each in gate.entries()
            if each["body"]["type"] == "request.sealed" and each["body"]["request"] == pending["id"]
        ]
        assert (sealed["policy"]["name"], sealed["policy"]["because"]) == ("four eyes", pending["policy"]["because"])
