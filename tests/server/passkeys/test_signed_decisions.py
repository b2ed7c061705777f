"""What a passkey signs, and that anybody can verify it later."""

from __future__ import annotations

import json

import pytest
from server.authenticator import Authenticator, decode
from server.passkeys.pages import (
    bodies,
    enrolled,
    posted,
    prepared,
    signed,
    untouched,
)
from server.web.running_gate import REASON, Browser
from sqlalchemy import update

from maskgate.errors import Refused
from maskgate.gate.passkeys import verify_decision
from maskgate.gate.signed_decisions import problems_of
from maskgate.server.ledger_check import check_ledger
from maskgate.store import tables


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
        answer = self.signed_over_rest(reviewer, request, device, reason=REASON)
        assert (answer.status_code, answer.json()["state"]) == (200, "approved")

    def test_where_it_is_not_asked_for_it_may_come_all_the_same(self, gate, reviewer, device):
        request = gate.request(destination="regulator")
        answer = self.signed_over_rest(reviewer, request, device)
        assert decode(answer.json()["decisions"][0]["passkey"]["credential"]) == device.credential

    def signed_over_rest(self, reviewer, request, device, **more):
        body = {name: request[name] for name in ("intent_digest", "context_digest")} | {"verdict": "approve", **more}
        path = f"/api/v1/requests/{request['id']}/decisions"
        headers = {"X-CSRF-Token": reviewer.csrf_token(request["id"])}
        asked = reviewer.http.post(f"{path}/passkey", json=body, headers=headers).json()
        passkey = {"nonce": asked["nonce"], "credential": device.sign(asked["options"])}
        return reviewer.http.post(path, json=body | {"passkey": passkey}, headers=headers)


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
