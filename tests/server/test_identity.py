"""Who decides, and how fresh what is known of them is: groups of the moment, and proof of the moment."""

from __future__ import annotations

import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from server.web.running_gate import REASON, Browser, RunningGate
from sqlalchemy import update

from maskgate.store import tables

POLICY = """\
version: 1
people:
  requester: ["company|requester"]
  reviewer: ["company|reviewer", "live|reviewer"]
  second: ["company|second", "live|second"]
  named: ["live|named"]
reviewers:
  privacy: {group: privacy-team, people: [named]}
policies:
  - name: highest
    when: {action: export, destination: {id: partner}}
    require: {slots: {privacy: 1}}
    tier: high
  - name: usual
    when: {action: export, destination: {id: regulator}}
    require: {slots: {privacy: 1}}
otherwise: refuse
"""
LOGINS = """\
  live: {{issuer: "{issuer}", client_id: maskgate, client_secret: "file:client-secret", groups_from: userinfo}}
tokens: {{pipeline: {{owner: requester}}}}
"""
TEAM = {"groups": ["privacy-team"], "auth_time": None}


@pytest.fixture(scope="module")
def gate(tmp_path_factory, provider):
    more = LOGINS.format(issuer=provider.issuer)
    running = RunningGate(tmp_path_factory.mktemp("gate"), provider.issuer, policy=POLICY, more=more)
    running.start()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _as_before(provider):
    """Afterwards the provider's people are as they were."""
    yield
    provider.user("reviewer", name="Rhea Viewer", groups=["privacy-team"])
    provider.user("second", name="Sam Second", groups=["privacy-team"])
    provider.user("named", name="Nora Named")


@pytest.fixture(scope="module")
def usual(gate):
    return gate.request(destination="regulator")


@pytest.fixture(scope="module")
def highest(gate):
    return gate.request()


def bodies(gate, kind, pending):
    found = [entry["body"] for entry in gate.entries()]
    return [body for body in found if (body["type"], body.get("request")) == (kind, pending["id"])]


def refused(gate, pending):
    return [body["refusal"] for body in bodies(gate, "decision.refused", pending)]


def decision(gate, pending):
    [body] = bodies(gate, "decision.approve", pending)
    return body


class TestGroupsOfTheMoment:
    """A provider that is asked each time is asked at the decision; without an answer nobody is in a group."""

    def test_who_left_the_group_since_the_login_decides_nothing(self, gate, provider, usual):
        person = Browser(gate, provider, "second", login="live")
        form = person.form(usual["id"])
        provider.user("second", name="Sam Second", groups=["marketing"])
        answer = person.http.post(
            f"/requests/{usual['id']}/decisions",
            data=form | {"verdict": "approve", "reason": REASON},
            headers={"Origin": gate.url},
        )
        assert answer.status_code == 403
        assert "second is not among the reviewers" in answer.text
        assert gate.read(usual["id"])["state"] == "pending"
        assert "second is not among the reviewers" in refused(gate, usual)[-1]

    def test_who_came_into_it_since_does(self, gate, provider):
        pending = gate.request(destination="regulator")
        provider.user("second", name="Sam Second", groups=[])
        person = Browser(gate, provider, "second", login="live")
        assert person.http.get(f"/requests/{pending['id']}").status_code == 404
        provider.user("second", name="Sam Second", groups=["privacy-team"])
        assert person.decide(pending["id"]).status_code == 303
        assert gate.read(pending["id"])["state"] == "approved"
        assert decision(gate, pending)["groups"] == ["privacy"]

    def test_a_provider_that_does_not_answer(self, gate, provider, usual):
        person = Browser(gate, provider, "reviewer", login="live")
        token = person.csrf_token(usual["id"])
        provider.revoke_tokens("reviewer")
        body = {name: usual[name] for name in ("intent_digest", "context_digest")}
        answer = person.http.post(
            f"/api/v1/requests/{usual['id']}/decisions",
            json=body | {"verdict": "approve", "reason": REASON},
            headers={"X-CSRF-Token": token},
        )
        assert answer.status_code == 403
        assert "live does not say which groups you are in now" in answer.json()["detail"]
        assert gate.read(usual["id"])["state"] == "pending"

    def test_whom_the_policy_names_needs_no_group(self, gate, provider):
        pending = gate.request(destination="regulator")
        provider.user("named", name="Nora Named")
        person = Browser(gate, provider, "named", login="live")
        provider.revoke_tokens("named")
        assert person.decide(pending["id"]).status_code == 303

    def test_an_access_token_lies_in_the_database_under_the_cookie(self, gate, provider):
        person = Browser(gate, provider, "reviewer", login="live")
        cookie = person.http.cookies[gate.services.sessions.cookie]
        access = gate.services.sessions.find(cookie).proof.access
        assert access
        assert not any(access.encode() in file.read_bytes() for file in gate.home.folder.glob("gate.db*"))
        assert access not in repr(gate.services.sessions.find(cookie))
        with gate.store.write() as work:
            work.execute(update(tables.sessions).values(access=bytes(60)))
        assert gate.services.sessions.find(cookie).proof.access is None


class TestGroupsOfTheLogin:
    """Groups of an id token age; those that are not there are no groups, and the page says what to configure."""

    def test_groups_of_long_ago_decide_nothing(self, gate, provider, usual):
        person = Browser(gate, provider, "reviewer")
        form = person.form(usual["id"])
        with gate.store.write() as work:
            ago = gate.store.clock().now() - timedelta(minutes=61)
            mine = tables.sessions.c.account == "company|reviewer"
            work.execute(update(tables.sessions).where(mine).values(authenticated_at=ago))
        answer = person.http.post(
            f"/requests/{usual['id']}/decisions",
            data=form | {"verdict": "approve", "reason": REASON},
            headers={"Origin": gate.url},
        )
        assert answer.status_code == 403
        assert "they have to log in again" in answer.text

    def test_no_claim(self, gate, provider, usual):
        provider.user("reviewer", name="Rhea Viewer")
        person = Browser(gate, provider, "reviewer")
        assert person.http.get(f"/requests/{usual['id']}").status_code == 404
        identity = gate.services.sessions.find(person.http.cookies[gate.services.sessions.cookie]).proof
        assert 'company sent no claim "groups"' in identity.groups_missing
        assert "`groups_from: userinfo`, in `login.company`" in identity.groups_missing

    @pytest.mark.parametrize(
        "claims",
        [
            pytest.param({"_claim_names": {"groups": "src1"}, "groups": ["privacy-team"]}, id="they are elsewhere"),
            pytest.param({"hasgroups": True, "groups": ["privacy-team"]}, id="there are some"),
        ],
    )
    @pytest.mark.parametrize("login", ["company", "live"])
    def test_too_many_for_a_token(self, gate, provider, claims, login):
        provider.user("reviewer", **claims)
        person = Browser(gate, provider, None)
        began = person.http.get(f"/login/{login}")
        answer = person.http.get(provider.authorize(began.headers["location"], "reviewer"))
        assert answer.status_code == 403
        assert "too many for its token" in answer.text
        assert f"login.{login}" in answer.text
        assert gate.services.sessions.cookie not in person.http.cookies
        assert gate.entries()[-1]["body"]["type"] == "login.refused"


class TestProofOfTheMoment:
    """What needs a fresh login sends people through one; the provider's word about when counts, and no other."""

    def test_an_old_login_is_sent_through_a_fresh_one_and_back(self, gate, provider):
        pending = gate.request()
        provider.user("reviewer", groups=["privacy-team"], auth_time=int(time.time()) - 3600)
        person = Browser(gate, provider, "reviewer")
        page = person.page(pending["id"])
        assert "no older than 300 seconds" in page
        assert person.form(pending["id"]) == {}
        again = f"/login/company?fresh=true&amp;next=%2Frequests%2F{pending['id']}"
        assert again in page
        began = person.http.get(again.replace("&amp;", "&"))
        asked = parse_qs(urlsplit(began.headers["location"]).query)
        assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
        provider.user("reviewer", groups=["privacy-team"], amr=["pwd", "otp"], acr="urn:two-factors")
        back = person.http.get(provider.authorize(began.headers["location"], "reviewer"))
        assert back.headers["location"] == f"/requests/{pending['id']}"
        assert person.decide(pending["id"]).status_code == 303
        made = decision(gate, pending)
        assert (made["methods"], made["context_class"]) == (["pwd", "otp"], "urn:two-factors")
        assert made["authenticated_at"] <= made["decided_at"]
        shown = gate.read(pending["id"])["decisions"][0]
        assert (shown["methods"], shown["context_class"]) == (["pwd", "otp"], "urn:two-factors")

    def test_a_post_with_an_old_login_is_refused(self, gate, provider, highest):
        provider.user("reviewer", groups=["privacy-team"], auth_time=int(time.time()) - 301)
        person = Browser(gate, provider, "reviewer")
        body = {name: highest[name] for name in ("intent_digest", "context_digest")}
        for verdict in ("approve", "deny"):
            answer = person.http.post(
                f"/api/v1/requests/{highest['id']}/decisions",
                json=body | {"verdict": verdict, "reason": REASON},
                headers={"X-CSRF-Token": person.csrf_token(highest["id"])},
            )
            assert (answer.status_code, answer.json()["code"]) == (403, "fresh_login_needed")
        assert gate.read(highest["id"])["state"] == "pending"
        assert "no older than 300 seconds" in refused(gate, highest)[-1]

    def test_a_provider_that_does_not_say_when(self, gate, provider, highest):
        provider.user("reviewer", **TEAM)
        person = Browser(gate, provider, "reviewer")
        assert "did not say when you last proved who you are" in person.page(highest["id"])
        assert person.form(highest["id"]) == {}

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            pytest.param(None, "`auth_time`", id="it does not say when"),
            pytest.param(int(time.time()) - 300, "without asking who you are", id="it did not ask"),
            pytest.param(int(time.time()) + 7200, "log in later", id="in the future"),
        ],
    )
    def test_a_fresh_login_that_is_none(self, gate, provider, said, words):
        person = Browser(gate, provider, None)
        began = person.http.get("/login/company?fresh=true")
        provider.user("reviewer", groups=["privacy-team"], auth_time=said)
        answer = person.http.get(provider.authorize(began.headers["location"], "reviewer"))
        assert answer.status_code in {403, 502}
        assert words in answer.text
        assert gate.services.sessions.cookie not in person.http.cookies

    def test_what_needs_none_is_decided_all_the_same(self, gate, provider):
        pending = gate.request(destination="regulator")
        provider.user("reviewer", **TEAM)
        assert Browser(gate, provider, "reviewer").decide(pending["id"]).status_code == 303
        assert decision(gate, pending)["authenticated_at"] is None
