from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from server.web.forms import hidden_fields


@pytest.fixture
def pending(gate):
    return gate.request()


class TestLoggingIn:
    """A page without a session leads to the login, and back to itself; nowhere else."""

    def test_a_link_leads_to_the_login_and_back(self, gate, pending, provider, browser):
        nobody = browser(None)
        sent = nobody.http.get(f"/requests/{pending['id']}")
        assert sent.status_code == 303
        choice = nobody.http.get(sent.headers["location"])
        assert "Log in with company" in choice.text
        assert "Log in with other" in choice.text
        began = nobody.http.get(f"/login/company?next=/requests/{pending['id']}")
        landed = nobody.http.get(provider.authorize(began.headers["location"], "reviewer"))
        assert landed.headers["location"] == f"/requests/{pending['id']}"
        assert nobody.http.get(landed.headers["location"]).status_code == 200
        entry = next(entry for entry in reversed(gate.entries()) if entry["type"] == "login.completed")
        assert entry["body"]["account"] == "company|reviewer"

    def test_never_to_another_site(self, provider, browser):
        for target in ("https://evil.example", "//evil.example", "/\\evil.example"):
            nobody = browser(None)
            began = nobody.http.get("/login/company", params={"next": target})
            landed = nobody.http.get(provider.authorize(began.headers["location"], "reviewer"))
            assert landed.headers["location"] == "/"
            assert "evil" not in nobody.http.get("/login", params={"next": target}).text

    def test_a_callback_is_good_once(self, browser):
        person = browser("reviewer")
        again = person.http.get(person.callback)
        assert again.status_code == 400
        assert "Please log in again" in again.text

    def test_a_callback_of_another_browser(self, provider, browser):
        began = browser(None).http.get("/login/company")
        stolen = provider.authorize(began.headers["location"], "reviewer")
        answer = browser(None).http.get(stolen)
        assert answer.status_code == 400
        assert "set-cookie" not in answer.headers

    def test_a_callback_of_another_provider(self, provider, browser):
        nobody = browser(None)
        began = nobody.http.get("/login/company")
        answer = provider.authorize(began.headers["location"], "reviewer").replace("/company/", "/other/")
        assert nobody.http.get(answer).status_code == 400

    def test_too_many_groups_fail_closed(self, gate, provider, browser):
        provider.user("manifold", groups=[], _claim_names={"groups": "src1"})
        nobody = browser(None)
        began = nobody.http.get("/login/company")
        answer = nobody.http.get(provider.authorize(began.headers["location"], "manifold"))
        assert answer.status_code == 403
        assert "too many" in answer.text
        assert gate.entries()[-1]["type"] == "login.refused"

    def test_no_such_provider(self, browser):
        assert browser(None).http.get("/login/nowhere").status_code == 404

    def test_each_login_has_its_own_cookie_and_ends_the_one_before(self, provider, browser):
        person = browser("reviewer")
        first = person.http.cookies["maskgate_session"]
        began = person.http.get("/login/company")
        person.http.get(provider.authorize(began.headers["location"], "reviewer"))
        assert person.http.cookies["maskgate_session"] != first
        old = httpx.get(f"{person.gate.url}/", cookies={"maskgate_session": first})
        assert old.status_code == 303

    def test_the_request_asks_for_pkce_and_nonce(self, browser):
        began = browser(None).http.get("/login/company")
        asked = parse_qs(urlsplit(began.headers["location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["nonce"]
        assert asked["state"]

    def test_logging_out_ends_the_session(self, browser):
        person = browser("reviewer")
        fields = hidden_fields(person.http.get("/").text, "/logout")
        cookie = person.http.cookies["maskgate_session"]
        assert person.http.post("/logout", data=fields).status_code == 200
        assert httpx.get(f"{person.gate.url}/", cookies={"maskgate_session": cookie}).status_code == 303


class TestInbox:
    """What waits for me, what I asked, what is settled."""

    def test_a_reviewer_sees_what_waits(self, pending, browser):
        html = browser("reviewer").http.get("/").text
        assert pending["id"] in html.split("Settled")[0]

    def test_a_requester_sees_what_they_asked(self, pending, browser):
        html = browser("requester").http.get("/").text
        assert pending["id"] in html.split("Asked by you")[1]
        assert "Nothing waits for your signature" in html

    def test_an_account_that_is_nobodys_is_told_so(self, browser):
        html = browser("stranger").http.get("/").text
        assert "linked to nobody in the policy" in html


class TestReview:
    """The page says who, what, where and why; measured beside declared; and offers what one may do."""

    def test_everything_a_reviewer_needs(self, pending, browser):
        html = browser("reviewer").page(pending["id"])
        for words in (
            "Export to partner",
            "external",
            "requester",
            "for the quarterly report",
            "Written by the requester",
            "measured by the gate",
            "Declared by the pipeline",
            "replaced by a token",
            "domain email, key contact",
            "contact, version 1",
            "ssn",
            "A few masked rows of",
            "em_",
            "two eyes",
            "0 of 1 signed",
            pending["content_digest"],
        ):
            assert words in html, words

    def test_what_people_write_is_shown_and_does_not_act(self, gate, browser):
        evil = gate.request(why='<script>alert(1)</script> \u202etxet \x1b[31m & "quoted"\' {{7*7}}')
        html = browser("reviewer").page(evil["id"])
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
        assert "\u202e" not in html
        assert "\x1b" not in html
        assert "{{7*7}}" in html

    def test_the_requester_gets_a_reason_and_no_form(self, pending, browser):
        person = browser("requester")
        html = person.page(pending["id"])
        assert person.form(pending["id"]) == {}
        assert "involved" in html
        assert "Your decision" not in html

    def test_a_stranger_gets_nothing(self, pending, browser):
        for subject in ("outsider", "stranger"):
            answer = browser(subject).http.get(f"/requests/{pending['id']}")
            assert answer.status_code == 404
            assert "partner" not in answer.text

    def test_a_request_that_is_not_there(self, browser):
        answer = browser("reviewer").http.get("/requests/req_nowhere")
        assert answer.status_code == 404
        assert "There is no" in answer.text or "there is no" in answer.text


class TestDeciding:
    """Approve or deny by the page's form, once, about what the page showed."""

    def test_approving_leads_back_to_the_request(self, gate, pending, browser):
        person = browser("reviewer")
        answer = person.decide(pending["id"])
        assert (answer.status_code, answer.headers["location"]) == (303, f"/requests/{pending['id']}")
        html = person.page(pending["id"])
        assert "reviewer approved through web" in html
        assert "checked against ticket 1432" in html
        assert person.form(pending["id"]) == {}
        assert gate.read(pending["id"])["state"] == "approved"

    def test_denying(self, gate, pending, browser):
        person = browser("reviewer")
        assert person.decide(pending["id"], "deny").status_code == 303
        assert "denied through web" in person.page(pending["id"])
        assert gate.read(pending["id"])["state"] == "denied"

    def test_a_denial_needs_no_reason(self, gate, pending, browser):
        assert browser("reviewer").decide(pending["id"], "deny", reason="").status_code == 303
        assert gate.read(pending["id"])["state"] == "denied"

    def test_a_short_reason_keeps_what_was_written(self, pending, browser):
        answer = browser("reviewer").decide(pending["id"], reason="fine <b>")
        assert answer.status_code == 422
        assert "10 characters" in answer.text
        assert "fine &lt;b&gt;" in answer.text

    def test_the_requester_is_refused_also_without_a_form(self, gate, pending, browser):
        person = browser("requester")
        data = {
            "csrf_token": person.csrf_token(pending["id"]),
            "verdict": "approve",
            "reason": "I know what I do",
            "intent_digest": pending["intent_digest"],
            "context_digest": pending["context_digest"],
        }
        answer = person.http.post(f"/requests/{pending['id']}/decisions", data=data)
        assert answer.status_code == 403
        assert "involved" in answer.text
        assert gate.read(pending["id"])["state"] == "pending"
        assert gate.read(pending["id"])["refusals"]
        assert "involved" in browser("reviewer").page(pending["id"])

    def test_another_content_than_shown(self, pending, browser):
        answer = browser("reviewer").decide(pending["id"], context_digest="sha256:" + "0" * 64)
        assert answer.status_code == 409
        assert "Open it again" in answer.text

    def test_what_is_settled_stays_settled(self, gate, pending, browser):
        one, other = browser("reviewer"), browser("second")
        form = other.form(pending["id"])
        one.decide(pending["id"], "deny")
        data = form | {"verdict": "approve", "reason": "too late for that"}
        assert other.http.post(f"/requests/{pending['id']}/decisions", data=data).status_code == 409
        assert gate.read(pending["id"])["state"] == "denied"

    def test_the_form_of_another_session(self, pending, browser):
        form = browser("second").form(pending["id"])
        data = form | {"verdict": "approve", "reason": "checked against ticket"}
        answer = browser("reviewer").http.post(f"/requests/{pending['id']}/decisions", data=data)
        assert answer.status_code == 403

    @pytest.mark.parametrize(
        "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
    )
    def test_from_another_site(self, gate, pending, browser, headers):
        person = browser("reviewer")
        data = person.form(pending["id"]) | {"verdict": "approve", "reason": "checked against ticket"}
        answer = person.http.post(f"/requests/{pending['id']}/decisions", data=data, headers=headers)
        assert answer.status_code == 403
        assert gate.read(pending["id"])["state"] == "pending"

    def test_an_unknown_field(self, pending, browser):
        assert browser("reviewer").decide(pending["id"], as_person="second").status_code == 422

    def test_four_eyes_need_two_people(self, gate, browser):
        pending = gate.request(destination="regulator")
        one = browser("reviewer")
        assert one.decide(pending["id"]).status_code == 303
        assert gate.read(pending["id"])["state"] == "pending"
        assert "1 of 2 signed" in one.page(pending["id"])
        assert one.form(pending["id"]) == {}, "one person signs once"
        assert browser("second").decide(pending["id"]).status_code == 303
        assert gate.read(pending["id"])["state"] == "approved"


class TestTakingBack:
    """Who asked may take it back, on the page as well; nobody else may."""

    def take_back(self, person, pending):
        path = f"/requests/{pending['id']}/withdraw"
        data = {"csrf_token": person.csrf_token(pending["id"])}
        return person.http.post(path, data=data, headers={"Origin": person.gate.url})

    def test_by_the_requester(self, gate, pending, browser):
        person = browser("requester")
        assert "Take the request back" in person.page(pending["id"])
        assert self.take_back(person, pending).status_code == 303
        assert gate.read(pending["id"])["state"] == "withdrawn"
        assert self.take_back(person, pending).status_code == 303, "once more changes nothing"

    def test_not_by_a_reviewer(self, gate, pending, browser):
        person = browser("reviewer")
        assert "Take the request back" not in person.page(pending["id"])
        assert self.take_back(person, pending).status_code == 403
        assert gate.read(pending["id"])["state"] == "pending"


class TestSettled:
    """Afterwards the page says what became of it."""

    def test_a_released_one_shows_its_receipt(self, gate, pending, browser):
        person = browser("reviewer")
        person.decide(pending["id"])
        with gate.client() as client:
            client.release(pending["id"])
            receipt = client.wait(pending["id"], lambda _: False, timeout=60)["receipt"]
        html = person.page(pending["id"])
        assert receipt["location"] in html
        assert "Released, once" in html
