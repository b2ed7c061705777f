from __future__ import annotations

import json

import pytest

from maskgate.cli.main import run
from maskgate.errors import Conflict, NotFound, Refused, UsageError
from maskgate.gate.client import GateClient

PURGE = {"action": "purge", "resource": "crm", "why": "too old", "arguments": {"days": 30}}


@pytest.fixture
def asked(client):
    """A request for the handler, which nobody has decided yet."""
    document = client.request(**PURGE)
    yield document
    if client.request(document["id"])["state"] in {"pending", "approved"}:
        client.withdraw(document["id"])


class TestPage:
    """A reviewer reads what is to be done, by whom, and what it would do; secrets and personal data are hidden."""

    def test_of_an_action_that_a_handler_carries_out(self, gate, asked):
        page = gate.reviewer().page(asked["id"])
        for text in (
            "Purge: crm",
            "by the gate, with credentials that nobody else has",
            "would purge crm, older than 30 days, of &lt;email&gt;",
            "{resource}",
            asked["content_digest"],
        ):
            assert text in page, text
        assert "a@example.com" not in page

    def test_of_an_action_that_its_caller_carries_out(self, gate, client):
        arguments = {"password": "hunter2", "to": "ann@example.com", "script": "line one\nline <b>two</b>"}
        document = client.request(action="deploy", resource="prod/page", arguments=arguments)
        page = gate.reviewer().page(document["id"])
        for text in ("level verify", "(hidden: a secret)", "&lt;email&gt;", "line &lt;b&gt;two&lt;/b&gt;"):
            assert text in page, text
        assert "hunter2" not in page
        assert "ann@example.com" not in page
        client.withdraw(document["id"])

    def test_of_what_was_carried_out(self, gate, client):
        document = client.request(action="deploy", resource="dev/page")
        begun = client.release(document["id"], arguments={})
        client.report(document["id"], begun["grant"]["fence"], {"succeeded": True, "exit_code": 0})
        with gate.client("auditor") as auditor:
            assert auditor.request(document["id"])["receipt"]["exit_code"] == 0


class TestHandler:
    """From asking to the receipt, over HTTP and by the command line."""

    def test_it_is_carried_out_once_after_the_signature(self, environment, client, asked, capsys):
        assert run(["release", asked["id"], "--arguments", '{"days": 30}', "--wait", "0"]) == 4
        environment.decide(asked["id"])
        assert run(["release", asked["id"], "--arguments", '{"days": 31}']) == 3
        assert "not those that were signed" in capsys.readouterr().err
        assert list(environment.purged.iterdir()) == []
        assert run(["release", asked["id"], "--arguments", '{"days": 30}', "--json"]) == 0
        done = json.loads(capsys.readouterr().out)
        assert (done["state"], done["level"], done["receipt"]["output_bytes"]) == ("released", "release", 5)
        assert (environment.purged / "crm").read_text() == "crm 30\n"
        (environment.purged / "crm").unlink()
        assert run(["release", asked["id"], "--arguments", '{"days": 30}']) == 0
        assert list(environment.purged.iterdir()) == []

    def test_arguments_that_it_does_not_take(self, client):
        with pytest.raises(UsageError, match="does not take `more`"):
            client.request(action="purge", resource="crm", arguments={"days": 1, "more": 2})

    def test_nothing_becomes_an_option(self, client):
        with pytest.raises(UsageError, match="begins with a dash"):
            client.request(action="purge", resource="--all", arguments={"days": 1})


class TestRest:
    """The routes say no in the words of the gate."""

    def test_one_token_knows_nothing_of_anothers_requests(self, gate, asked):
        with GateClient(gate.url, gate.token("assistant")) as other:
            for call in (
                lambda: other.request(asked["id"]),
                lambda: other.release(asked["id"], arguments={"days": 30}),
                lambda: other.report(asked["id"], 1, {"succeeded": True}),
                lambda: other.withdraw(asked["id"]),
            ):
                with pytest.raises(NotFound, match="there is no request"):
                    call()

    def test_an_agents_token_is_known_as_one(self, gate, client):
        call = {"action": "deploy", "resource": "agents/x"}
        with GateClient(gate.url, gate.token("assistant")) as agent:
            document = agent.request(**call)
        assert (document["agent"], document["policy"]["name"]) == (True, "agents")
        with pytest.raises(Refused, match="no policy permits"):
            client.request(**call)

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param({"action": "deploy"}, id="neither resource nor staging"),
            pytest.param({"action": "deploy", "resource": "prod/x", "staging": "stg_1"}, id="both"),
            pytest.param({"staging": "stg_1", "destination": "partner", "arguments": {}}, id="arguments of a release"),
            pytest.param({"action": "deploy", "resource": "prod/x", "arguments": [1]}, id="arguments that are a list"),
            pytest.param({"action": "deploy", "resource": "prod/x", "level": "release"}, id="a level of one's own"),
            pytest.param({"action": "deploy", "resource": "prod/x", "on_behalf_of": "ben"}, id="on behalf of somebody"),
        ],
    )
    def test_what_is_not_understood(self, gate, body):
        with gate.bearer() as bearer:
            answer = bearer.post("/api/v1/requests", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "usage_error")

    @pytest.mark.parametrize(
        "outcome",
        [
            pytest.param({"succeeded": True, "output": "text"}, id="the output itself"),
            pytest.param({"exit_code": 0}, id="no word on success"),
            pytest.param({"succeeded": True, "output_digest": "abc"}, id="no digest"),
            pytest.param({"succeeded": True, "output_bytes": -1}, id="a length below zero"),
        ],
    )
    def test_a_receipt_that_is_none(self, client, outcome):
        document = client.request(action="deploy", resource="dev/receipt")
        if document["state"] == "approved":
            client.release(document["id"], arguments={})
        with pytest.raises(UsageError):
            client.report(document["id"], 1, outcome)

    def test_a_receipt_counts_once(self, client):
        document = client.request(action="deploy", resource="dev/once")
        client.release(document["id"], arguments={})
        client.report(document["id"], 1, {"succeeded": True})
        with pytest.raises(Conflict, match="no receipt"):
            client.report(document["id"], 1, {"succeeded": False})
