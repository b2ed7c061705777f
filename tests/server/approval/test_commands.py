from __future__ import annotations

import json

import httpx
import pytest
from server.signing import Signing
from server.web.forms import hidden_fields
from server.web.running_gate import REASON, Browser

from maskgate.cli.main import run


@pytest.fixture
def command(capsys):
    """Run the command line here, and return its exit code and what it printed."""

    def ended(*arguments):
        capsys.readouterr()
        code = run(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return ended


@pytest.fixture
def pending(environment):
    """A request of its own for each test."""
    with environment.client() as client:
        resource = f"prod/app-{len(client.requests())}"
        return client.request(action="deploy", resource=resource, why="release 7", arguments={"version": "7"})


class TestDeciding:
    """A person decides at the command line: logged in by a browser, never by a token."""

    @pytest.mark.parametrize(("verb", "state"), [("approve", "approved"), ("deny", "denied")])
    def test_a_reviewer_decides(self, environment, pending, verb, state):
        signing = Signing(environment, verb, pending["id"], "--reason", REASON, "--json")
        assert signing.go_back(signing.lend(environment.reviewer())).text == "You can close this page."
        code, out, err = signing.end()
        assert code == 0, err
        document = json.loads(out)
        assert document["state"] == state
        assert document["decisions"][0]["person"] == "reviewer"
        assert "version: 7" in err

    def test_who_may_not_decide_is_told_so(self, environment, provider, pending):
        signing = Signing(environment, "approve", pending["id"], "--reason", REASON)
        signing.go_back(signing.lend(Browser(environment, provider, "requester")))
        code, _, err = signing.end()
        assert (code, "involved" in err) == (3, True)
        assert environment.read(pending["id"])["state"] == "pending"

    def test_opening_the_page_lends_nothing(self, environment, pending):
        signing = Signing(environment, "approve", pending["id"], "--reason", REASON)
        assert environment.reviewer().http.get(signing.address).status_code == 200
        signing.process.terminate()
        signing.end()
        assert environment.read(pending["id"])["state"] == "pending"

    def test_without_a_login_the_page_leads_to_one(self, environment, provider):
        address = f"/command-line?port=50000&state={'s' * 30}&challenge={'c' * 43}"
        answer = Browser(environment, provider, None).http.get(address)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?next=%2Fcommand-line%3Fport%3D50000")

    def test_a_token_lends_nothing(self, environment):
        with environment.bearer() as bearer:
            fields = {"port": 50000, "state": "s" * 30, "challenge": "c" * 43}
            assert bearer.post("/command-line", data=fields).status_code == 403

    def test_another_site_lends_nothing(self, environment, pending):
        signing = Signing(environment, "approve", pending["id"], "--reason", REASON)
        browser = environment.reviewer()
        fields = hidden_fields(browser.http.get(signing.address).text, "/command-line")
        elsewhere = browser.http.post("/command-line", data=fields, headers={"Origin": "https://elsewhere.example"})
        changed = browser.http.post("/command-line", data=fields | {"port": "50001"})
        signing.process.terminate()
        signing.end()
        assert (elsewhere.status_code, changed.status_code) == (403, 403)

    def test_the_code_is_of_no_use_to_others_and_once(self, environment, pending):
        signing = Signing(environment, "approve", pending["id"], "--reason", REASON)
        answer = signing.lend(environment.reviewer())
        code = httpx.URL(answer.headers["refresh"].partition("url=")[2]).params["code"]
        door = f"{environment.url}/api/v1/command-line/session"
        for tried in (code, "x" * 80, ""):
            assert httpx.post(door, json={"code": tried, "verifier": "v" * 64}).status_code == 403
        signing.go_back(answer)
        assert signing.end()[0] == 0

    def test_a_browser_with_another_state_is_sent_away(self, environment, pending):
        signing = Signing(environment, "approve", pending["id"], "--reason", REASON)
        port = httpx.URL(signing.address).params["port"]
        assert httpx.get(f"http://127.0.0.1:{port}/?code=x&state=y").status_code == 400
        signing.process.terminate()
        signing.end()

    def test_nobody_signs_unseen_by_mistake(self, environment, capsys):
        assert run(["approve", "req_x", "--reason", REASON]) == 2
        assert "add --yes" in capsys.readouterr().err


class TestAsking:
    """What the holder of a token may do, with exit codes that scripts can rely on."""

    def test_a_request_is_made_and_withdrawn(self, environment, command):
        asked = ("--action", "deploy", "--resource", "prod/cli", "--arguments", '{"n": 1}', "--json")
        code, out, _ = command("request", *asked)
        document = json.loads(out)
        assert (code, document["state"], document["level"]) == (0, "pending", "verify")
        assert command("withdraw", document["id"])[0] == 0
        assert environment.read(document["id"])["state"] == "withdrawn"

    @pytest.mark.parametrize(("verdict", "code"), [("approve", 0), ("deny", 3)])
    def test_it_waits_for_the_decision(self, environment, command, verdict, code):
        environment.sign_when_asked(f"prod/wait-{verdict}", verdict)
        asked = command("request", "--action", "deploy", "--resource", f"prod/wait-{verdict}", "--wait", "30")
        assert asked[0] == code, asked

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            pytest.param(["--resource", "prod/nobody", "--wait", "0"], 4, "still pending", id="nobody signed in time"),
            pytest.param(["--resource", "forbidden/x"], 3, "refuses this", id="refused by policy"),
            pytest.param(["--resource", "nowhere/x"], 3, "no policy permits", id="no policy"),
            pytest.param([], 2, "name --resource", id="nothing named"),
            pytest.param(["--resource", "prod/x", "--arguments", "[1]"], 2, "JSON object", id="no object"),
        ],
    )
    def test_what_does_not_go_well(self, environment, command, arguments, code, words):
        ended, _, err = command("request", "--action", "deploy", *arguments)
        assert (ended, words in err) == (code, True), err

    def test_without_a_gate_it_says_so(self, command, monkeypatch):
        monkeypatch.setenv("MASKGATE_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("MASKGATE_TOKEN", "t")
        code, _, err = command("request", "--resource", "prod/x")
        assert (code, "did not answer" in err) == (5, True)
        code, _, err = command("deny", "req_x", "--yes", "--no-browser")
        assert (code, "Log in" in err) == (5, False), "and sends no person to where nobody is"

    @pytest.mark.parametrize("arguments", [["requests"], ["deny", "req_x", "--yes", "--no-browser"]])
    def test_what_is_no_gate_is_told_from_one(self, command, page, monkeypatch, arguments):
        monkeypatch.setenv("MASKGATE_URL", page("text/html", b"<h1>Welcome</h1>"))
        monkeypatch.setenv("MASKGATE_TOKEN", "t")
        code, _, err = command(*arguments)
        assert (code, "answered, but not as a gate does" in err) == (5, True), err

    def test_what_a_caller_carries_out_is_not_released(self, environment, pending, capsys):
        assert run(["release", pending["id"]]) == 2
        assert "maskgate run" in capsys.readouterr().err

    def test_staged_files_are_asked_for_and_released(self, environment, capsys):
        with environment.client() as client:
            staging = environment.stage(client)
        assert run(["request", "--staging", staging, "--destination", "partner"]) == 3
        assert "no policy permits export" in capsys.readouterr().err
