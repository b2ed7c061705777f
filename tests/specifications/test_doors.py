"""Must hold 10: there is one door to a decision, for people with a session, by POST, with the page's own token."""

from __future__ import annotations

import httpx
import pytest
from specifications.world import REASON

pytestmark = [pytest.mark.timeout(900), pytest.mark.run("doors", "gated")]


@pytest.fixture(scope="module")
def pending(world):
    run = world.runs["doors"]
    world.parked(run)
    yield world.request(run)
    with world.page("reviewer") as page:
        page.decide(world.request(run)["id"], "deny", REASON)
    world.ended(run, "failed")


def routes(request):
    return [f"/api/v1/requests/{request['id']}/decisions", f"/requests/{request['id']}/decisions"]


def decision(request):
    return {
        "verdict": "approve",
        "reason": REASON,
        "intent_digest": request["intent_digest"],
        "context_digest": request["context_digest"],
    }


def still_pending(world, request):
    with world.client() as client:
        found = client.request(request["id"])
    assert (found["state"], found["decisions"]) == ("pending", [])


class TestTokens:
    """No token decides, whatever its role."""

    @pytest.mark.parametrize("role", ["pipeline", "auditor"])
    @pytest.mark.parametrize("verdict", ["approve", "deny"])
    def test_a_token_decides_nothing(self, world, pending, role, verdict):
        headers = {"Authorization": f"Bearer {world.gate.token(role)}"}
        for route in routes(pending):
            answer = httpx.post(
                f"{world.gate.url}{route}", headers=headers, json=decision(pending) | {"verdict": verdict}
            )
            assert answer.status_code in {401, 403}, answer.text
            form = httpx.post(
                f"{world.gate.url}{route}", headers=headers, data=decision(pending) | {"verdict": verdict}
            )
            assert form.status_code in {401, 403, 415, 422}, form.text
        still_pending(world, pending)

    def test_an_auditor_asks_for_nothing(self, world, pending):
        answer = httpx.post(
            f"{world.gate.url}/api/v1/requests/{pending['id']}/release",
            headers={"Authorization": f"Bearer {world.gate.token('auditor')}"},
            json={"host": pending["host"]},
        )
        assert answer.status_code in {403, 404}, answer.text
        still_pending(world, pending)


class TestSessions:
    """A decision needs a session, and the token that the session's own page holds."""

    def test_without_a_session(self, world, pending):
        for route in routes(pending):
            answer = httpx.post(f"{world.gate.url}{route}", json=decision(pending), headers={"Origin": world.gate.url})
            assert answer.status_code in {401, 403}, answer.text
        still_pending(world, pending)

    @pytest.mark.parametrize("token", [None, "", "forged"])
    def test_without_the_token_of_the_page(self, world, pending, token):
        headers = {"Origin": world.gate.url} | ({} if token is None else {"X-CSRF-Token": token})
        with world.page("reviewer") as page:
            for route in routes(pending):
                answer = page.http.post(route, json=decision(pending), headers=headers)
                assert answer.status_code in {403, 415, 422}, answer.text
                form = page.http.post(route, data=decision(pending) | {"csrf_token": token or ""}, headers=headers)
                assert form.status_code in {403, 415, 422}, form.text
        still_pending(world, pending)

    def test_with_the_token_of_another_session(self, world, pending):
        with world.page("reviewer") as page, world.page("second") as other:
            form = other.decision_form(pending["id"])
            data = {**form.fields, "verdict": "approve", "reason": REASON}
            answer = page.http.post(form.action, data=data, headers={"Origin": world.gate.url})
        assert answer.status_code == 403, answer.text
        still_pending(world, pending)

    def test_from_another_site(self, world, pending):
        with world.page("reviewer") as page:
            form = page.decision_form(pending["id"])
            data = {**form.fields, "verdict": "approve", "reason": REASON}
            headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
            answer = page.http.post(form.action, data=data, headers=headers)
        assert answer.status_code == 403, answer.text
        still_pending(world, pending)


class TestReading:
    """GET and HEAD decide nothing, with whatever credentials and parameters."""

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
    def test_other_methods_decide_nothing(self, world, pending, method):
        with world.page("reviewer") as page:
            for route in routes(pending):
                answer = page.http.request(method, route, params=decision(pending), follow_redirects=False)
                assert answer.status_code in {403, 404, 405}, (route, answer.status_code)
        still_pending(world, pending)

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_the_review_page_is_inert(self, world, pending, method):
        with world.page("reviewer") as page:
            answer = page.http.request(method, f"/requests/{pending['id']}", params=decision(pending))
            assert answer.is_success
        still_pending(world, pending)

    def test_a_stale_digest_is_refused(self, world, pending):
        with world.page("reviewer") as page:
            form = page.decision_form(pending["id"])
            stale = {name: "sha256:" + "0" * 64 for name in form.fields if name.endswith("_digest")}
            assert stale
            data = {**form.fields, **stale, "verdict": "approve", "reason": REASON}
            answer = page.http.post(form.action, data=data, headers={"Origin": world.gate.url})
        assert answer.status_code in {409, 422}, answer.text
        still_pending(world, pending)
