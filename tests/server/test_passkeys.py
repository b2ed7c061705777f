"""Decisions that are signed with a passkey: who may add one, what it signs, and that anybody can verify it later."""

from __future__ import annotations

import html
import json
import re
import time

import pytest
from server.authenticator import Authenticator, decode
from server.conftest import Webhook
from server.web.forms import hidden_fields
from server.web.running_gate import REASON, Browser, RunningGate
from sqlalchemy import update

from maskgate.errors import Refused
from maskgate.gate.passkeys import verify_decision
from maskgate.gate.signed_decisions import problems_of
from maskgate.server.ledger_check import check_ledger
from maskgate.store import tables

POLICY = """\
version: 1
people:
  requester: ["company|requester"]
  reviewer: ["company|reviewer"]
  second: ["company|second"]
reviewers:
  privacy: {people: [reviewer, second]}
policies:
  - name: signed with a passkey
    when: {action: export, destination: {id: partner}}
    require: {slots: {privacy: 1}}
    reason: {min_length: 10}
    passkey: required
  - name: usual
    when: {action: export, destination: {id: regulator}}
    require: {slots: {privacy: 1}}
otherwise: refuse
"""


@pytest.fixture(scope="module")
def told():
    server = Webhook()
    yield server
    server.close()


@pytest.fixture(scope="module")
def gate(tmp_path_factory, provider, told, postgres):
    """A gate on PostgreSQL; the real browser's is on SQLite."""
    folder, database = tmp_path_factory.mktemp("gate"), postgres.new_database()
    running = RunningGate(folder, provider.issuer, policy=POLICY, webhook=told.url, name="localhost", database=database)
    running.start()
    yield running
    running.stop()
    postgres.drop(database)


@pytest.fixture(scope="module")
def device(gate):
    return Authenticator(gate.url)


@pytest.fixture(scope="module")
def reviewer(gate, provider, device):
    """A reviewer with a passkey."""
    person = Browser(gate, provider, "reviewer")
    assert enrolled(person, device).status_code == 303
    return person


@pytest.fixture(scope="module")
def pending(gate):
    return gate.request()


def posted(person, path, **fields):
    return person.http.post(path, data=fields, headers={"Origin": person.gate.url})


def begun(person):
    """Press the button that adds a passkey; return the form that comes, and what the browser is asked."""
    token = hidden_fields(person.http.get("/passkeys").text, "/passkeys/new")
    page = posted(person, "/passkeys/new", **token)
    assert page.status_code == 200, page.text
    return hidden_fields(page.text, "/passkeys"), options_of(page.text)


def enrolled(person, device, *, name="laptop", **client):
    fields, options = begun(person)
    return posted(person, "/passkeys", **fields | {"name": name, "passkey": json.dumps(device.make(options, **client))})


def options_of(page):
    return json.loads(html.unescape(re.search(r'data-passkey="([^"]+)"', page).group(1)))


def prepared(person, request, **changes):
    """Approve on the page; return the form that asks for the signature, and what the browser is asked."""
    page = person.decide(request["id"], **changes)
    assert page.status_code == 200, page.text
    return hidden_fields(page.text, f"/requests/{request['id']}/decisions"), options_of(page.text)


def signed(person, request, device, **client):
    fields, options = prepared(person, request)
    answer = json.dumps(device.sign(options, **client))
    return posted(person, f"/requests/{request['id']}/decisions", **fields | {"passkey": answer})


def over_rest(person, request, device, body):
    path, headers = f"/api/v1/requests/{request['id']}/decisions", {"X-CSRF-Token": person.csrf_token(request["id"])}
    asked = person.http.post(f"{path}/passkey", json=body, headers=headers).json()
    passkey = {"nonce": asked["nonce"], "credential": device.sign(asked["options"])}
    return person.http.post(path, json=body | {"passkey": passkey}, headers=headers)


def bodies(gate, kind, request=None):
    found = [entry["body"] for entry in gate.entries() if entry["body"]["type"] == kind]
    return [body for body in found if request is None or body.get("request") == request["id"]]


def untouched(gate, request):
    document = gate.read(request["id"])
    return (document["state"], document["decisions"]) == ("pending", [])


class TestEnrolment:
    """A passkey is added by its person after a fresh login, and told by another way; revoked, it never comes back."""

    def test_it_is_an_entry_and_is_told(self, gate, reviewer, device, told):
        [body] = bodies(gate, "passkey.registered")[:1]
        assert (body["person"], body["account"]) == ("reviewer", "company|reviewer")
        assert body["public_key"]
        gate.gate.sweep()
        texts = [message["text"] for message in told.received]
        assert any("A passkey that signs in the name of reviewer was added" in text for text in texts)
        assert {"channel": "slack", "person": "reviewer"}.items() <= bodies(gate, "notification.sent")[0].items()
        assert "laptop" in reviewer.http.get("/passkeys").text

    def test_an_old_login_is_sent_through_a_fresh_one(self, gate, provider):
        provider.user("second", name="Sam", auth_time=int(time.time()) - 301)
        person = Browser(gate, provider, "second")
        page = person.http.get("/passkeys").text
        assert "/login/company?fresh=true&amp;next=%2Fpasskeys" in page
        assert hidden_fields(page, "/passkeys/new") == {}
        token = re.search(r'action="/logout">\s*<input type="hidden" name="csrf_token" value="([0-9a-f]+)"', page)
        assert posted(person, "/passkeys/new", csrf_token=token.group(1)).status_code == 403
        provider.user("second", name="Sam Second", groups=["privacy-team"])

    def test_who_is_nobody_adds_none(self, gate, provider):
        page = Browser(gate, provider, "stranger").http.get("/passkeys").text
        assert "linked to nobody in the policy" in page
        assert hidden_fields(page, "/passkeys/new") == {}

    def test_another_session_cannot_finish_it(self, gate, provider, reviewer):
        device = Authenticator(gate.url)
        fields, options = begun(reviewer)
        other = Browser(gate, provider, "second")
        mine, _ = begun(other)
        answer = json.dumps(device.make(options))
        taken = posted(other, "/passkeys", **mine | {"nonce": fields["nonce"], "name": "x", "passkey": answer})
        assert taken.status_code == 403
        assert "begun by somebody else" in taken.text

    @pytest.mark.parametrize(
        "client",
        [
            pytest.param({"origin": "https://evil.example"}, id="asked by another site"),
            pytest.param({"challenge": "AAAA"}, id="another challenge"),
            pytest.param({"type": "webauthn.get"}, id="another kind of answer"),
        ],
    )
    def test_an_answer_that_does_not_fit(self, gate, reviewer, client):
        before = len(bodies(gate, "passkey.registered"))
        answer = enrolled(reviewer, Authenticator(gate.url), **client)
        assert answer.status_code == 422
        assert "no new passkey for this gate" in answer.text
        assert len(bodies(gate, "passkey.registered")) == before

    def test_nobody_was_verified(self, gate, reviewer):
        assert enrolled(reviewer, Authenticator(gate.url, verified=False)).status_code == 422

    def test_no_answer_at_all(self, reviewer):
        fields, _ = begun(reviewer)
        for nonsense in ("", "[]", "{", "[" * 5000):
            assert posted(reviewer, "/passkeys", **fields | {"name": "x", "passkey": nonsense}).status_code == 422

    def test_without_the_token_of_the_page(self, gate, reviewer):
        for path in ("/passkeys/new", "/passkeys", "/passkeys/x/revoke"):
            assert posted(reviewer, path, csrf_token="0" * 64).status_code == 403

    def test_a_revoked_one_signs_nothing_and_never_comes_back(self, gate, provider, pending):
        person, device = Browser(gate, provider, "second"), Authenticator(gate.url)
        assert enrolled(person, device).status_code == 303
        fields, options = prepared(person, pending)
        page = person.http.get("/passkeys").text
        path = re.search(r'action="(/passkeys/[0-9a-f]+/revoke)"', page).group(1)
        assert posted(person, path, **hidden_fields(page, path)).status_code == 303
        assert bodies(gate, "passkey.revoked")[-1]["person"] == "second"
        answer = json.dumps(device.sign(options))
        late = posted(person, f"/requests/{pending['id']}/decisions", **fields | {"passkey": answer})
        assert late.status_code == 403
        again = enrolled(person, device)
        assert again.status_code == 409
        assert "is revoked" in again.text
        assert untouched(gate, pending)

    def test_nobody_revokes_anothers(self, gate, provider, reviewer):
        page = reviewer.http.get("/passkeys").text
        path = re.search(r'action="(/passkeys/[0-9a-f]+/revoke)"', page).group(1)
        other = Browser(gate, provider, "second")
        token = hidden_fields(other.http.get("/passkeys").text, "/passkeys/new")
        assert posted(other, path, **token).status_code == 404
        assert path in reviewer.http.get("/passkeys").text

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            pytest.param("localhost", "no other way of telling people", id="no way of telling"),
            pytest.param("127.0.0.1", "browsers bind passkeys to names", id="no name"),
        ],
    )
    def test_a_gate_that_cannot(self, tmp_path, provider, name, words):
        running = RunningGate(tmp_path, provider.issuer, policy=POLICY, name=name)
        [warning] = running.gate.warnings_about_passkeys()
        running.start()
        page = Browser(running, provider, "reviewer").http.get("/passkeys").text
        running.stop()
        assert words in html.unescape(page)
        assert warning.startswith('nobody can approve under the policy "signed with a passkey"')
        assert words in warning
        assert hidden_fields(page, "/passkeys/new") == {}


class TestSigning:
    """An approval carries a signature over itself; a denial needs none; whoever has no passkey approves nothing."""

    def test_an_approval_is_signed_and_anybody_can_verify_it(self, gate, reviewer, device):
        request = gate.request()
        assert signed(reviewer, request, device).status_code == 303
        document = gate.read(request["id"])
        assert document["state"] == "approved"
        [body] = bodies(gate, "decision.approve", request)
        proof = body["passkey"]
        assert document["decisions"][0]["passkey"] == proof
        registered = next(each for each in bodies(gate, "passkey.registered") if each["person"] == "reviewer")
        assert (proof["credential"], proof["public_key"]) == (registered["credential"], registered["public_key"])
        verify_decision(body | {"verdict": "approve"}, proof)
        [granted] = bodies(gate, "grant.issued", request)
        assert granted["decisions"] == [body["decision"]]

    @pytest.mark.parametrize(
        "field", ["request", "intent_digest", "context_digest", "verdict", "reason", "person", "account", "acting_for"]
    )
    def test_another_byte_of_the_decision_does_not_verify(self, gate, reviewer, device, field):
        body = self.signed_once(gate, reviewer, device)
        verify_decision(body, body["passkey"])
        with pytest.raises(Refused):
            verify_decision(body | {field: f"{body.get(field)}x"}, body["passkey"])

    @pytest.mark.parametrize(
        "field",
        ["public_key", "rp_id", "origin", "nonce", "prepared_at", "client_data", "authenticator_data", "signature"],
    )
    def test_another_byte_of_the_proof_does_not_verify(self, gate, reviewer, device, field):
        body = self.signed_once(gate, reviewer, device)
        with pytest.raises(Refused):
            verify_decision(body, body["passkey"] | {field: "A" + body["passkey"][field][1:] + "A"})

    def test_the_ledger_is_verified_with_all_of_them(self, gate, reviewer, device):
        self.signed_once(gate, reviewer, device)
        verdict = check_ledger(gate.home, gate.store, None)
        assert verdict.problems == ()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            pytest.param(lambda body: body | {"reason": "another"}, "does not hold for this decision", id="reason"),
            pytest.param(lambda body: body | {"person": "second"}, "was not theirs then", id="person"),
        ],
    )
    def test_a_ledger_that_was_written_anew_does_not_verify(self, gate, reviewer, device, change, words):
        body = self.signed_once(gate, reviewer, device)
        before = [entry["body"] for entry in gate.entries() if entry["seq"] < body["seq"]]
        assert list(problems_of([*before, body])) == []
        [problem] = problems_of([*before, change(body)])
        assert words in problem

    def test_a_signature_that_came_before_its_key_or_twice(self, gate, reviewer, device):
        body = self.signed_once(gate, reviewer, device)
        before = [entry["body"] for entry in gate.entries() if entry["seq"] < body["seq"]]
        keys = [each for each in before if each["type"] == "passkey.registered"]
        assert "was not theirs then" in next(problems_of([body]))
        assert "served another decision before" in next(problems_of([*keys, body, body]))

    def signed_once(self, gate, reviewer, device, kept=[]):  # noqa: B006  one decision serves all of them
        if not kept:
            request = gate.request()
            assert signed(reviewer, request, device).status_code == 303
            kept.append(bodies(gate, "decision.approve", request)[0] | {"verdict": "approve"})
        return kept[0]

    def test_preparing_decides_nothing(self, gate, reviewer, pending):
        before = len(bodies(gate, "decision.refused", pending))
        prepared(reviewer, pending)
        assert untouched(gate, pending)
        assert len(bodies(gate, "decision.refused", pending)) == before

    def test_without_a_signature_nothing_is_approved(self, gate, reviewer, pending):
        body = {name: pending[name] for name in ("intent_digest", "context_digest")}
        answer = reviewer.http.post(
            f"/api/v1/requests/{pending['id']}/decisions",
            json=body | {"verdict": "approve", "reason": REASON},
            headers={"X-CSRF-Token": reviewer.csrf_token(pending["id"])},
        )
        assert answer.status_code == 403
        assert "signed with a passkey" in answer.json()["detail"]
        assert untouched(gate, pending)

    def test_who_has_none_approves_nothing(self, gate, provider, pending):
        answer = Browser(gate, provider, "second").decide(pending["id"])
        assert answer.status_code == 403
        assert "second has none at this gate" in answer.text
        assert "second has none at this gate" in bodies(gate, "decision.refused", pending)[-1]["refusal"]
        assert untouched(gate, pending)

    def test_a_denial_needs_none(self, gate, provider):
        request = gate.request()
        assert Browser(gate, provider, "second").decide(request["id"], "deny").status_code == 303
        assert gate.read(request["id"])["state"] == "denied"

    def test_over_rest(self, gate, reviewer, device):
        request = gate.request()
        body = {name: request[name] for name in ("intent_digest", "context_digest")}
        body |= {"verdict": "approve", "reason": REASON}
        path, headers = (
            f"/api/v1/requests/{request['id']}/decisions",
            {"X-CSRF-Token": reviewer.csrf_token(request["id"])},
        )
        asked = reviewer.http.post(f"{path}/passkey", json=body, headers=headers).json()
        passkey = {"nonce": asked["nonce"], "credential": device.sign(asked["options"])}
        answer = reviewer.http.post(path, json=body | {"passkey": passkey}, headers=headers)
        assert (answer.status_code, answer.json()["state"]) == (200, "approved")

    def test_where_it_is_not_asked_for_it_may_come_all_the_same(self, gate, reviewer, device):
        request = gate.request(destination="regulator")
        body = {name: request[name] for name in ("intent_digest", "context_digest")} | {"verdict": "approve"}
        path, headers = (
            f"/api/v1/requests/{request['id']}/decisions",
            {"X-CSRF-Token": reviewer.csrf_token(request["id"])},
        )
        asked = reviewer.http.post(f"{path}/passkey", json=body, headers=headers).json()
        passkey = {"nonce": asked["nonce"], "credential": device.sign(asked["options"])}
        answer = reviewer.http.post(path, json=body | {"passkey": passkey}, headers=headers)
        assert decode(answer.json()["decisions"][0]["passkey"]["credential"]) == device.credential


class TestForgedSignatures:
    """A signature is for one decision, by one person's key, at this gate, once; anything else decides nothing."""

    @pytest.mark.parametrize(
        "client",
        [
            pytest.param({"origin": "https://evil.example"}, id="asked by another site"),
            pytest.param({"crossOrigin": True}, id="asked in a frame of another site"),
            pytest.param({"challenge": "AAAA"}, id="another challenge"),
            pytest.param({"type": "webauthn.create"}, id="another kind of answer"),
        ],
    )
    def test_what_the_browser_says(self, gate, reviewer, device, pending, client):
        answer = signed(reviewer, pending, device, **client)
        assert answer.status_code == 422
        assert untouched(gate, pending)

    def test_nobody_was_verified(self, gate, reviewer, device, pending):
        device.verified = False
        answer = signed(reviewer, pending, device)
        device.verified = True
        assert answer.status_code == 422
        assert untouched(gate, pending)

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"reason": "something else entirely"}, id="another reason"),
            pytest.param({"verdict": "deny"}, id="another verdict"),
        ],
    )
    def test_another_decision_than_the_one_that_was_signed(self, gate, reviewer, device, pending, change):
        fields, options = prepared(reviewer, pending)
        answer = json.dumps(device.sign(options))
        sent = posted(reviewer, f"/requests/{pending['id']}/decisions", **fields | {"passkey": answer} | change)
        assert sent.status_code == 409
        assert "is not this decision" in sent.text
        assert untouched(gate, pending)

    def test_a_signature_for_another_request(self, gate, reviewer, device, pending):
        request = gate.request()
        fields, options = prepared(reviewer, request)
        answer = {"passkey": json.dumps(device.sign(options)), "passkey_nonce": fields["passkey_nonce"]}
        mine = reviewer.form(pending["id"]) | {"verdict": "approve", "reason": REASON} | answer
        assert posted(reviewer, f"/requests/{pending['id']}/decisions", **mine).status_code == 409
        assert untouched(gate, pending)

    def test_anothers_passkey(self, gate, provider, device, reviewer, pending):
        other, own = Browser(gate, provider, "second"), Authenticator(gate.url)
        assert enrolled(other, own).status_code == 303
        fields, options = prepared(other, pending)
        answer = json.dumps(device.sign(options))
        sent = posted(other, f"/requests/{pending['id']}/decisions", **fields | {"passkey": answer})
        assert sent.status_code == 403
        assert "no passkey of second" in sent.text
        assert untouched(gate, pending)

    def test_a_replay(self, gate, reviewer, device):
        request, again = gate.request(), gate.request()
        fields, options = prepared(reviewer, request)
        answer = {"passkey": json.dumps(device.sign(options))}
        path = f"/requests/{request['id']}/decisions"
        assert posted(reviewer, path, **fields | answer).status_code == 303
        assert posted(reviewer, path, **fields | answer).status_code == 409
        mine = reviewer.form(again["id"]) | {"verdict": "approve", "reason": REASON}
        sent = posted(
            reviewer, f"/requests/{again['id']}/decisions", **mine | answer | {"passkey_nonce": fields["passkey_nonce"]}
        )
        assert sent.status_code == 409
        assert "used before" in sent.text
        assert untouched(gate, again)

    def test_a_copy_that_has_signed_less_often(self, gate, reviewer, device, pending):
        device.count -= 1
        answer = signed(reviewer, pending, device)
        device.count += 1
        assert answer.status_code == 422
        assert untouched(gate, pending)

    def test_a_signature_that_took_too_long(self, gate, reviewer, device, pending):
        fields, options = prepared(reviewer, pending)
        with gate.store.write() as work:
            work.execute(update(tables.passkey_challenges).values(made_at=gate.store.clock().now().replace(year=2020)))
        sent = posted(
            reviewer, f"/requests/{pending['id']}/decisions", **fields | {"passkey": json.dumps(device.sign(options))}
        )
        assert sent.status_code == 409
        assert untouched(gate, pending)

    def test_pages_without_a_passkey_have_no_script(self, reviewer, pending):
        assert "script-src" not in reviewer.http.get(f"/requests/{pending['id']}").headers["Content-Security-Policy"]
        page = reviewer.decide(pending["id"])
        assert page.headers["Content-Security-Policy"].endswith("; script-src 'self'")
