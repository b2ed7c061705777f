"""Who may add a passkey, and what becomes of it."""

from __future__ import annotations

import html
import json
import re
import time

import pytest
from demo.processes import wait_until
from server.authenticator import Authenticator
from server.passkeys.pages import (
    POLICY,
    begun,
    bodies,
    enrolled,
    posted,
    prepared,
    untouched,
)
from server.web.forms import hidden_fields
from server.web.running_gate import Browser, RunningGate


class TestEnrolment:
    """A passkey is added by its person after a fresh login, and told by another way; revoked, it never comes back."""

    def test_it_is_an_entry_and_is_told(self, gate, reviewer, device, told):
        [body] = bodies(gate, "passkey.registered")[:1]
        assert (body["person"], body["account"]) == ("reviewer", "company|reviewer")
        assert body["public_key"]
        # The gate tells it by itself, between this test's looks.
        [sent] = wait_until(lambda: bodies(gate, "notification.sent")[:1], what="it is told", timeout=60)
        assert {"channel": "slack", "person": "reviewer"}.items() <= sent.items()
        texts = [message["text"] for message in told.received]
        assert any("A passkey that signs in the name of reviewer was added" in text for text in texts)
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
