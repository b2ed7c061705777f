"""Every route of the application, found by asking the application: what is added later is held to this as well."""

from __future__ import annotations

import pytest
from server.web.every_route import all_routes, filled

READING = {"GET", "HEAD"}
# Logging out ends the visitor's own session, if there is one.
WITHOUT_A_CALLER = {("POST", "/logout")}


@pytest.fixture(scope="module")
def pending(gate):
    return gate.request()


def body_of(path):
    return {"json": {}} if path.startswith("/api/") else {"data": {}}


class TestEveryRoute:
    """No route changes anything for nobody, none decides for a token, and reading is inert."""

    def test_the_application_tells_its_routes(self, gate):
        routes = all_routes(gate)
        assert ("POST", "/api/v1/requests/{request_id}/decisions") in routes
        assert ("POST", "/requests/{request_id}/decisions") in routes
        assert len(routes) > 20

    def test_what_changes_something_needs_a_caller(self, gate, pending, browser):
        nobody = browser(None).http
        before = gate.root()
        for method, path in all_routes(gate):
            if method in READING or (method, path) in WITHOUT_A_CALLER:
                continue
            answer = nobody.request(method, filled(path, pending), **body_of(path))
            assert answer.status_code in {401, 403}, (method, path, answer.status_code)
            wrong = nobody.request(
                method, filled(path, pending), headers={"Authorization": "Bearer mg_pipeline_forged"}, **body_of(path)
            )
            assert wrong.status_code in {401, 403}, (method, path, wrong.status_code)
        assert gate.root() == before

    def test_no_token_decides(self, gate, pending):
        decisions = [(method, path) for method, path in all_routes(gate) if path.endswith("/decisions")]
        assert len(decisions) == 2
        body = {
            "verdict": "approve",
            "reason": "as good as signed",
            "intent_digest": pending["intent_digest"],
            "context_digest": pending["context_digest"],
        }
        for role in ("pipeline", "auditor"):
            with gate.bearer(role) as http:
                for method, path in decisions:
                    for kind in ("json", "data"):
                        answer = http.request(method, filled(path, pending), **{kind: body})
                        assert answer.status_code == 403, (role, path, answer.text)
        assert gate.read(pending["id"])["decisions"] == []
        assert gate.entries()[-1]["type"] == "decision.refused", "refusals are entries too"

    def test_a_session_without_the_pages_token_changes_nothing(self, gate, pending, browser):
        person = browser("reviewer").http
        before = gate.root()
        for method, path in all_routes(gate):
            if method in READING:
                continue
            for token in ({}, {"X-CSRF-Token": "0" * 64}):
                answer = person.request(method, filled(path, pending), headers=token, **body_of(path))
                assert answer.status_code == 403, (method, path, answer.status_code)
        assert gate.root() == before

    def test_decisions_are_not_taken_by_any_other_method(self, gate, pending, browser):
        person = browser("reviewer").http
        before = gate.root()
        for path in ("/api/v1/requests/{request_id}/decisions", "/requests/{request_id}/decisions"):
            for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
                answer = person.request(method, filled(path, pending), params={"verdict": "approve"})
                assert answer.status_code == 405, (method, path)
        assert gate.root() == before

    def test_reading_changes_nothing(self, gate, pending, browser):
        readers = [browser("reviewer").http, browser(None).http, gate.bearer(), gate.bearer("auditor")]
        before = gate.root()
        for reader in readers:
            for method, path in all_routes(gate):
                if method not in READING or path.startswith("/login/") or path == "/requests/{request_id}":
                    continue
                answer = reader.request(method, filled(path, pending))
                assert answer.status_code < 500, (method, path, answer.text)
        assert gate.root() == before

    def test_the_first_look_at_a_page_and_each_at_masked_rows_are_entries(self, gate, pending, browser):
        person = browser("reviewer").http
        size, _ = gate.root()
        person.head(f"/requests/{pending['id']}")
        assert gate.root()[0] == size
        person.get(f"/requests/{pending['id']}")
        person.get(f"/requests/{pending['id']}")
        entries = [entry["type"] for entry in gate.entries()[size:]]
        assert entries == ["page.viewed", "page.sample_viewed", "page.sample_viewed"]

    def test_what_people_cannot_see_stays_so_for_every_reader(self, gate, pending, browser):
        stranger = browser("outsider").http
        for path in (f"/requests/{pending['id']}", f"/api/v1/requests/{pending['id']}", "/requests/req_nowhere"):
            assert stranger.get(path).status_code == 404
        assert stranger.get("/api/v1/requests").json()["requests"] == []


class TestHeaders:
    """Every answer, also an error, forbids scripts, frames, caching and guessing."""

    def test_on_every_kind_of_answer(self, gate, pending, browser):
        person = browser("reviewer").http
        for path in ("/", f"/requests/{pending['id']}", "/static/style.css", "/nowhere", "/api/v1/nowhere", "/healthz"):
            headers = person.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy, path
            assert "frame-ancestors 'none'" in policy
            assert "base-uri 'none'" in policy
            assert "unsafe" not in policy
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert "server" not in headers

    def test_pages_have_neither_scripts_nor_styles_of_their_own(self, gate, pending, browser):
        person = browser("reviewer")
        for html in (person.page(pending["id"]), person.http.get("/").text, person.http.get("/login").text):
            assert "<script" not in html
            assert "style=" not in html
            assert "<style" not in html
            assert " on" + "click" not in html

    def test_another_name_for_the_gate_gets_a_pointer(self, gate, browser):
        answer = browser("reviewer").http.get("/", headers={"Host": "evil.example"})
        assert answer.status_code == 421
        assert gate.url in answer.text
