"""Tokens over HTTP: each sees its own; whose it is stands in the configuration; no longer named, it is revoked."""

from __future__ import annotations

import hashlib
import stat

import httpx
import pytest
from server.web.running_gate import Browser, RunningGate

from maskgate.errors import NotFound
from maskgate.gate.client import GateClient
from maskgate.store import tables

TOKENS = """\
tokens:
  team-a: {role: pipeline, owner: requester}
  team-b: {role: pipeline}
  agent: {role: pipeline, owner: outsider, agent: true, on_behalf_of: reviewer}
  second-auditor: {role: auditor, owner: second}
"""
POLICY = """\
version: 1
people:
  requester: ["company|requester"]
  reviewer: ["company|reviewer", "other|second-login"]
  second: ["company|second"]
  outsider: ["company|outsider"]
reviewers:
  privacy: {group: privacy-team}
policies:
  - name: of agents
    when: {action: export, agent: true}
    require: {slots: {privacy: 1}}
  - name: of pipelines
    when: {action: export, agent: false}
    require: {slots: {privacy: 1}}
otherwise: refuse
"""


@pytest.fixture(scope="module")
def gate(tmp_path_factory, provider):
    provider.user("second-login", name="Rhea again", groups=["privacy-team"])
    running = RunningGate(tmp_path_factory.mktemp("gate"), provider.issuer, policy=POLICY, more=TOKENS)
    running.start()
    yield running
    running.stop()


def asked(gate, token):
    with gate.client(token) as client:
        document = client.create_request(staging=gate.stage(client), destination="partner", why="a report")
        return client.wait(document["id"], lambda each: each["state"] != "sealing", timeout=60)


@pytest.fixture(scope="module")
def of_team_a(gate):
    return asked(gate, "team-a")


@pytest.fixture(scope="module")
def of_the_agent(gate):
    return asked(gate, "agent")


class TestOwnOnly:
    """One token cannot read another's requests, stagings or evidence; they do not exist for it."""

    def test_its_own(self, gate, of_team_a):
        with gate.client("team-a") as client:
            assert [each["id"] for each in client.requests()] == [of_team_a["id"]]
            assert client.request(of_team_a["id"])["evidence"]["measured"]["tables"]

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            pytest.param("GET", "/requests/{id}", None, id="the request and its evidence"),
            pytest.param("GET", "/requests/{id}/policy", None, id="why it is asked"),
            pytest.param("POST", "/requests/{id}/release", {}, id="its release"),
            pytest.param("POST", "/requests/{id}/withdraw", {}, id="taking it back"),
            pytest.param("POST", "/requests/{id}/refresh", {}, id="looking at its host"),
        ],
    )
    def test_another_is_told_what_it_is_told_of_none(self, gate, of_team_a, method, path, body):
        before = gate.root()
        with gate.bearer("team-b") as http:
            real = http.request(method, "/api/v1" + path.format(id=of_team_a["id"]), json=body)
            none = http.request(method, "/api/v1" + path.format(id="req_00000000000000000000"), json=body)
        assert (real.status_code, none.status_code) == (404, 404)
        assert real.json()["detail"].replace(of_team_a["id"], "…") == none.json()["detail"].replace(
            "req_00000000000000000000", "…"
        )
        assert gate.root() == before

    def test_another_lists_none(self, gate, of_team_a):
        with gate.client("team-b") as client:
            assert client.requests() == []

    def test_another_can_neither_add_to_a_staging_nor_ask_about_it(self, gate, of_team_a):
        with gate.bearer("team-b") as http:
            put = http.put(f"/api/v1/staging/{of_team_a['staging']}/files/customers/part-00001.parquet", content=b"x")
            ask = http.post("/api/v1/requests", json={"staging": of_team_a["staging"], "destination": "partner"})
            none = http.post("/api/v1/requests", json={"staging": "stg_none", "destination": "partner"})
        assert (put.status_code, ask.status_code, none.status_code) == (404, 404, 404)
        assert ask.json()["detail"] == none.json()["detail"]

    def test_no_pipeline_reads_the_ledger(self, gate):
        with gate.bearer("team-b") as http:
            for path in ("/api/v1/ledger/entries", "/api/v1/ledger/checkpoint"):
                assert http.get(path).status_code == 403

    def test_every_auditor_reads_all_and_changes_nothing(self, gate, of_team_a):
        with gate.bearer("second-auditor") as http:
            assert http.get(f"/api/v1/requests/{of_team_a['id']}").status_code == 200
            assert http.get("/api/v1/ledger/entries").status_code == 200
            assert http.post(f"/api/v1/requests/{of_team_a['id']}/withdraw", json={}).status_code == 403

    @pytest.mark.parametrize("token", ["team-a", "team-b", "agent", "auditor"])
    def test_none_decides(self, gate, of_team_a, token):
        body = {name: of_team_a[name] for name in ("intent_digest", "context_digest")} | {"verdict": "approve"}
        with gate.bearer(token) as http:
            answer = http.post(f"/api/v1/requests/{of_team_a['id']}/decisions", json=body)
        assert answer.status_code == 403
        assert gate.read_as("auditor", of_team_a["id"])["state"] == "pending"


class TestWhose:
    """Who owns a token and for whom it acts stands in the configuration; both are involved, with all their accounts."""

    def test_the_owner_is_involved(self, of_team_a):
        assert of_team_a["involved"] == ["requester"]
        assert of_team_a["requester"]["person"] == "requester"

    def test_so_is_the_person_on_whose_behalf_an_agent_acts(self, of_the_agent):
        assert of_the_agent["involved"] == ["outsider", "reviewer"]
        assert of_the_agent["requester"]["person"] == "reviewer"

    @pytest.mark.parametrize(("login", "subject"), [("company", "reviewer"), ("other", "second-login")])
    def test_neither_decides_with_any_account(self, gate, provider, of_the_agent, login, subject):
        person = Browser(gate, provider, subject, login=login)
        page = person.page(of_the_agent["id"])
        assert "is involved in request" in page
        body = {name: of_the_agent[name] for name in ("intent_digest", "context_digest")} | {"verdict": "approve"}
        headers = {"X-CSRF-Token": person.csrf_token(of_the_agent["id"])}
        answer = person.http.post(f"/api/v1/requests/{of_the_agent['id']}/decisions", json=body, headers=headers)
        assert answer.status_code == 403
        assert "reviewer" in answer.json()["detail"]

    def test_a_policy_tells_agents_from_pipelines(self, of_team_a, of_the_agent):
        assert of_team_a["policy"]["name"] == "of pipelines"
        assert of_the_agent["policy"]["name"] == "of agents"
        assert (of_team_a["agent"], of_the_agent["agent"]) == (False, True)

    def test_no_parameter_says_for_whom(self, gate):
        with gate.client("team-b") as client:
            staging = gate.stage(client)
        body = {"staging": staging, "destination": "partner", "on_behalf_of": "second"}
        with gate.bearer("team-b") as http:
            answer = http.post("/api/v1/requests", json=body)
        assert answer.status_code == 422
        assert "on_behalf_of: is not known" in answer.json()["detail"]


class TestKeeping:
    """The database knows just the tokens of the configuration; making and revoking are entries."""

    @pytest.fixture
    def start(self, tmp_path, provider):
        started = []

        def again(more):
            folder = tmp_path / str(len(started))
            folder.mkdir()
            running = RunningGate(folder, provider.issuer, more=more, home=tmp_path / "home")
            started.append(running)
            return running

        yield again
        for each in started:
            each.listener.close()
            each.store.close()

    def entries(self, running, kind):
        entries = running.gate.ledger_entries(running.gate.caller_of(running.token("auditor")))
        return [entry["body"] for entry in entries if entry["body"]["type"] == kind]

    def test_each_has_a_file_that_its_owner_alone_reads(self, start):
        running = start("tokens: {team-a: {role: pipeline, owner: requester}}")
        file = running.home.folder / "tokens" / "team-a.token"
        assert running.home.token("team-a") == file
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        [made] = [body for body in self.entries(running, "token.created") if body["token"] == "team-a"]
        assert (made["role"], made["owner"], made["agent"], made["on_behalf_of"]) == (
            "pipeline",
            "requester",
            False,
            None,
        )
        assert running.token("team-a") not in str(self.entries(running, "token.created"))

    def test_a_later_start_makes_what_is_new_and_keeps_what_is_known(self, start):
        first = start("tokens: {team-a: {role: pipeline}}")
        kept = first.token("team-a")
        second = start("tokens: {team-a: {role: pipeline}, team-b: {role: pipeline}}")
        assert second.token("team-a") == kept
        assert second.gate.caller_of(kept).token == "team-a"
        assert second.gate.caller_of(second.token("team-b")).token == "team-b"

    def test_one_that_is_not_named_any_more_is_revoked_and_said(self, start):
        first = start("tokens: {team-a: {role: pipeline}}")
        former = first.token("team-a")
        assert first.gate.caller_of(former) is not None
        second = start("tokens: {team-b: {role: pipeline}}")
        assert any("the token team-a is revoked" in line for line in second.started)
        assert second.gate.caller_of(former) is None
        assert [body["token"] for body in self.entries(second, "token.revoked")] == ["team-a"]

    def test_one_that_comes_back_is_another(self, start):
        former = start("tokens: {team-a: {role: pipeline}}").token("team-a")
        start("tokens: {team-b: {role: pipeline}}")
        third = start("tokens: {team-a: {role: pipeline}}")
        assert third.gate.caller_of(former) is None
        assert third.token("team-a") != former

    def test_another_role_is_another_token(self, start):
        former = start("tokens: {team-a: {role: pipeline}}").token("team-a")
        second = start("tokens: {team-a: {role: auditor}}")
        assert second.gate.caller_of(former) is None
        assert second.gate.caller_of(second.token("team-a")).role == "auditor"

    def test_a_row_that_somebody_puts_in_opens_nothing(self, start):
        running = start("tokens: {team-a: {role: pipeline}}")
        with running.store.write() as work:
            row = {"hash": hashlib.sha256(b"mine").hexdigest(), "name": "mine", "role": "auditor"}
            work.execute(tables.tokens.insert().values(**row, created_at=running.store.clock().now()))
        assert running.gate.caller_of("mine") is None


class TestClient:
    """What the client of another team sees."""

    def test_the_same_words_as_for_no_request(self, gate, of_team_a):
        with GateClient(gate.url, gate.token("team-b")) as client, pytest.raises(NotFound) as caught:
            client.request(of_team_a["id"])
        assert f"there is no request '{of_team_a['id']}' that you may see" in str(caught.value)

    def test_a_token_of_nobody(self, gate):
        answer = httpx.get(f"{gate.url}/api/v1/requests", headers={"Authorization": "Bearer mg_pipeline_x"})
        assert answer.status_code == 401
