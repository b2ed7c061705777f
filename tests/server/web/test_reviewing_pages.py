"""The pages and routes of reviewers, over real HTTP, with people who log in at a real identity provider."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from server.gate.acting import ACTIONS, ask
from server.signing import Signing
from server.web.forms import hidden_fields
from server.web.running_gate import POLICY, REASON, Browser, RunningGate
from sqlalchemy import text

from maskgate.cli.main import run
from maskgate.server.presentation import batch_row, common_headline
from maskgate.testing.gate_world import GateWorld

TERMS = """standing: {days: 30, uses: 3}
    break_glass: {role: on-call}
    channels: [web]"""
PEOPLE = (
    POLICY.replace("channels: [web]", TERMS, 1)
    .replace("require: {slots: {privacy: 1}, distinct: 1}", "require: {slots: {privacy: 1, legal: 1}}", 1)
    .replace(
        "{group: privacy-team}",
        "{group: privacy-team}\n  legal: {people: [second]}\n  on-call: {people: [outsider]}",
        1,
    )
    .replace("privacy: {group: privacy-team}", "privacy: {people: [reviewer, second], group: privacy-team}")
)
WHY = "the regulator's portal closes in ten minutes"


@pytest.fixture(scope="module")
def gate(tmp_path_factory, provider):
    running = RunningGate(tmp_path_factory.mktemp("reviewing"), provider.issuer, policy=PEOPLE)
    running.start()
    yield running
    running.stop()


def token_of(page):
    return re.search(r'<meta name="csrf-token" content="([0-9a-f]+)">', page).group(1)


def reviewing(browser, path="/delegations"):
    return {"X-CSRF-Token": token_of(browser.http.get(path).text), "Origin": browser.gate.url}


def post(browser, path, **data):
    """Send a form of one of the pages, as the page would."""
    page = "/" + path.split("/")[1]
    token = token_of(browser.http.get(page).text)
    return browser.http.post(path, data={"csrf_token": token, **data}, headers={"Origin": browser.gate.url})


class TestPages:
    """Each page shows, needs a session, and does nothing without its token."""

    @pytest.mark.parametrize("path", ["/batches", "/standing", "/delegations", "/post-reviews", "/reconciliation"])
    def test_shows_and_writes_nothing(self, gate, browser, path):
        person = browser("reviewer")
        before = gate.root()
        for method in ("GET", "HEAD"):
            assert person.http.request(method, path).status_code == 200
        assert gate.root() == before
        assert browser(None).http.get(path).headers["location"].startswith("/login")

    @pytest.mark.parametrize(
        "path",
        ["/batches", "/standing/sta_1/end", "/delegations", "/delegations/del_1/end", "/post-reviews/pre_1/close"],
    )
    def test_without_the_token_nothing_happens(self, gate, browser, path):
        person = browser("reviewer")
        before = gate.root()
        answer = person.http.post(path, data={"csrf_token": "0" * 64}, headers={"Origin": gate.url})
        assert answer.status_code == 403
        elsewhere = {"csrf_token": token_of(person.http.get("/delegations").text)}
        assert person.http.post(path, data=elsewhere, headers={"Origin": "https://evil.example"}).status_code == 403
        assert gate.root() == before

    def test_no_token_of_a_pipeline_passes(self, gate):
        with gate.bearer() as pipeline:
            for path, body in (
                ("/api/v1/delegations", {"delegate": "second", "ends_at": "2030-01-01T00:00:00Z"}),
                ("/api/v1/batches", {"verdict": "approve", "requests": []}),
                ("/api/v1/standing/sta_1/end", {}),
                ("/api/v1/post-reviews/pre_1/close", {"finding": "all was well"}),
            ):
                assert pipeline.post(path, json=body).status_code == 403, path
            assert pipeline.get("/api/v1/standing").status_code == 403


class TestStandingIn:
    """Two reviewers agree by the page, and the decision shows both."""

    def test_from_the_page_to_the_decision(self, gate, browser):
        away, stand_in = browser("reviewer"), browser("second")
        day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
        assert post(away, "/delegations", delegate="second", ends=day, why="on leave").status_code == 303
        pending = gate.request()
        form = hidden_fields(stand_in.page(pending["id"]), f"/requests/{pending['id']}/decisions")
        assert '<option value="reviewer">' in stand_in.page(pending["id"])
        data = form | {"verdict": "approve", "reason": REASON, "acting_for": "reviewer"}
        assert (
            stand_in.http.post(
                f"/requests/{pending['id']}/decisions", data=data, headers={"Origin": gate.url}
            ).status_code
            == 303
        )
        (decision,) = gate.read(pending["id"])["decisions"]
        assert (decision["person"], decision["acting_for"]) == ("second", "reviewer")
        assert "second approved through web, standing in for reviewer" in stand_in.page(pending["id"])
        (mine,) = away.http.get("/api/v1/delegations").json()["delegations"]
        ended = away.http.post(f"/api/v1/delegations/{mine['id']}/end", headers=reviewing(away))
        assert (ended.status_code, ended.json()["revoked_at"] is None) == (200, False)

    def test_over_the_api_as_on_the_page(self, gate, browser):
        away = browser("reviewer")
        ends = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
        body = {"delegate": "second", "ends_at": ends.isoformat(), "why": "on leave"}
        made = away.http.post("/api/v1/delegations", json=body, headers=reviewing(away))
        assert made.status_code == 201, made.text
        assert (made.json()["delegate"], made.json()["why"]) == ("second", "on leave")
        assert datetime.fromisoformat(made.json()["ends_at"]) == ends
        ended = away.http.post(f"/api/v1/delegations/{made.json()['id']}/end", headers=reviewing(away))
        assert ended.status_code == 200

    @pytest.mark.parametrize("ends", [1893456000, "2030-01-01T00:00:00", "2030-01-01", None, True])
    def test_a_moment_without_a_zone_is_told_how_to_write_one(self, browser, ends):
        person = browser("reviewer")
        body = {"delegate": "second", "ends_at": ends}
        answer = person.http.post("/api/v1/delegations", json=body, headers=reviewing(person))
        assert answer.status_code == 422
        assert "such as 2026-01-31T12:00:00Z" in answer.json()["detail"]

    @pytest.mark.parametrize("ends", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon"])
    def test_a_moment_that_is_none_is_refused(self, browser, ends):
        person = browser("reviewer")
        body = {"delegate": "second", "ends_at": ends}
        answer = person.http.post("/api/v1/delegations", json=body, headers=reviewing(person))
        assert answer.status_code in {400, 422}

    def test_a_day_that_is_none_is_told(self, browser):
        answer = post(browser("reviewer"), "/delegations", delegate="second", ends="soon")
        assert answer.status_code in {400, 422}
        assert "write a day such as" in answer.text


class TestTogether:
    """Several on one page, and by the API."""

    def test_one_that_changed_is_told_beside_those_that_were_decided(self, gate, browser):
        person = browser("reviewer")
        first, second = gate.request(), gate.request()
        page = person.http.get("/batches").text
        seen = [
            each
            for each in re.findall(r'name="chosen" value="([^"]+)"', page)
            if each.split("|")[0] in {first["id"], second["id"]}
        ]
        assert len(seen) == 2
        changed = seen[0].rsplit("|", 1)[0] + "|sha256:" + "0" * 64
        answer = post(person, "/batches", chosen=[changed, seen[1]], verdict="deny", reason=REASON)
        assert answer.status_code == 200
        assert "changed" in answer.text
        states = {gate.read(each["id"])["state"] for each in (first, second)}
        assert states == {"pending", "denied"}

    def test_each_line_says_what_it_is_about(self, tmp_path):
        """The headline stands for all of them, so it has nothing that is of one alone."""
        world = GateWorld(tmp_path, policy=ACTIONS)
        shop = ask(world, resource="prod/shop", arguments={"bits": 512, "password": "hunter2"}, why="it leaked")
        row = batch_row(shop, world.clock.now())
        assert (common_headline(shop), row["about"], row["why"]) == ("Rotate key", "prod/shop", "it leaked")
        assert "bits: 512" in row["arguments"]
        assert "hunter2" not in row["arguments"]
        export = world.ask(triggered_by=("cleo",))
        assert (common_headline(export), batch_row(export, world.clock.now())["about"]) == (
            "Export to partner",
            "customers, orders",
        )

    def test_a_line_shows_who_denied_it_before(self, tmp_path):
        world = GateWorld(tmp_path, policy=ACTIONS)
        world.decide(world.read(ask(world)["id"]), "anna", "deny")
        (before,) = batch_row(ask(world), world.clock.now())["earlier"]
        assert (before["text"], before["tone"]) == ("anna denied rotate-key", "bad")

    def test_by_the_api(self, gate, browser):
        person, pending = browser("reviewer"), gate.request()
        names = ("id", "intent_digest", "context_digest")
        body = {"verdict": "approve", "reason": REASON, "requests": [{name: pending[name] for name in names}]}
        answer = person.http.post("/api/v1/batches", json=body, headers=reviewing(person))
        assert answer.json()["results"][0]["decided"] is True
        assert gate.read(pending["id"])["decisions"][0]["person"] == "reviewer"


class TestStandingApproval:
    """Offered on the page, signed by both, used, and ended."""

    def test_from_the_page_to_its_end(self, gate, browser):
        people, pending = (browser("reviewer"), browser("second")), gate.request()
        for person in people:
            page = person.page(pending["id"])
            digest = re.search(r'name="standing" value="(sha256:[0-9a-f]{64})"', page).group(1)
            assert person.decide(pending["id"], standing=digest).status_code == 303
        assert gate.read(pending["id"])["state"] == "approved"
        with gate.client() as client:
            later = client.create_request(staging=gate.stage(client), destination="partner")
            later = client.wait(later["id"], lambda each: each["state"] != "sealing", timeout=60)
        assert (later["state"], later["standing"]["signers"]) == ("approved", ["reviewer", "second"])
        (mine,) = people[0].http.get("/api/v1/standing").json()["standing"]
        assert mine["id"] in people[0].http.get("/standing").text
        assert post(people[0], f"/standing/{mine['id']}/end", text="no longer").status_code == 303
        assert gate.request()["state"] == "pending"


class TestBreakGlass:
    """In the open: a badge on the page, and a post-review that somebody else closes."""

    def test_from_the_page_to_the_post_review(self, gate, browser):
        person, other, pending = browser("outsider"), browser("second"), gate.request()
        page = person.page(pending["id"])
        assert "Approve without the others" in page
        token = token_of(page)
        data = {
            "csrf_token": token,
            "intent_digest": pending["intent_digest"],
            "context_digest": pending["context_digest"],
            "verdict": "approve",
            "reason": WHY,
            "break_glass": "yes",
            "ticket": "INC-4711",
        }
        path = f"/requests/{pending['id']}/decisions"
        assert person.http.post(path, data=data, headers={"Origin": gate.url}).status_code == 303
        assert gate.read(pending["id"])["state"] == "approved"
        shown = other.page(pending["id"])
        assert "Break-glass." in shown
        assert "outsider signed for ticket INC-4711, passing over" in shown
        (review,) = other.http.get("/api/v1/post-reviews").json()["post_reviews"]
        own = post(person, f"/post-reviews/{review['id']}/close", text="it was as I said")
        assert own.status_code == 403
        assert post(other, f"/post-reviews/{review['id']}/close", text="it was as they said").status_code == 303
        assert "second has looked at it" in other.page(pending["id"])


class TestCommandLine:
    """`maskgate approve` says the same beside a decision as the page does."""

    @pytest.fixture
    def signed(self, gate, provider):
        def signed(subject, document, *arguments, reason=WHY):
            signing = Signing(gate, "approve", document["id"], "--reason", reason, "--json", *arguments)
            signing.go_back(signing.lend(Browser(gate, provider, subject)))
            return signing.end()

        return signed

    def test_breaks_glass(self, gate, browser, signed):
        code, out, err = signed("outsider", gate.request(), "--break-glass", "INC-4711")
        assert code == 0, err
        document = json.loads(out)
        assert (document["state"], document["break_glass"]["ticket"]) == ("approved", "INC-4711")
        assert "BREAK-GLASS, without the usual signatures, for INC-4711" in err
        review = document["break_glass"]["id"]
        assert post(browser("reviewer"), f"/post-reviews/{review}/close", text="it was in order").status_code == 303

    def test_signs_for_later_ones(self, gate, signed):
        document = gate.request()
        code, out, err = signed("reviewer", document, "--standing")
        assert (code, json.loads(out)["state"]) == (0, "pending")
        assert "signed for later exports like it too: 3 of them, for 30 days" in err

    def test_stands_in_only_for_whoever_asked(self, gate, signed):
        document = gate.request()
        code, _, err = signed("reviewer", document, "--acting-for", "second")
        assert (code, "second has not asked reviewer to stand in" in err) == (3, True)
        assert gate.read(document["id"])["decisions"] == []


class TestReconciliation:
    """What does not fit is a page for people of the policy, and a table for auditors; neither changes anything."""

    @pytest.fixture
    def planted(self, gate):
        name = "20261124T110000Z-req_0123456789abcdef0123"
        (gate.released / "partner" / name).mkdir(exist_ok=True)
        with gate.store.write() as work:
            work.execute(
                text("UPDATE settings SET value = '\"2026-01-01T00:00:00.000Z\"' WHERE name = 'reconciled_at'")
            )
        gate.gate.reconcile()
        return name

    def test_is_shown_with_what_to_look_at(self, browser, planted):
        page = browser("reviewer").http.get("/reconciliation").text
        assert "A version at a destination that no release explains" in page
        assert planted in page

    @pytest.fixture
    def shell(self, gate, monkeypatch):
        def shell(token, *more):
            monkeypatch.setenv("MASKGATE_URL", gate.url)
            monkeypatch.setenv("MASKGATE_TOKEN", gate.token(token))
            return run(["requests", "--reconcile", *more])

        return shell

    def test_and_in_a_shell(self, planted, shell, capsys):
        assert shell("auditor") == 0
        assert f"destination=partner  version={planted}" in capsys.readouterr().out
        assert shell("auditor", "--json") == 0
        found = json.loads(capsys.readouterr().out)
        assert [each["version"] for each in found["findings"]] == [planted]

    @pytest.mark.parametrize(
        ("token", "more", "words"),
        [
            pytest.param("auditor", ["--state", "pending"], "Leave --state out", id="of one state"),
            pytest.param("pipeline", [], "for auditors and for people", id="for a pipeline"),
        ],
    )
    def test_not_for(self, shell, capsys, token, more, words):
        assert shell(token, *more) > 1
        assert words in capsys.readouterr().err

    def test_who_is_nobody_in_the_policy_sees_nothing(self, gate, provider, planted):
        provider.user("stranger", name="stranger")
        answer = Browser(gate, provider, "stranger").http.get("/reconciliation")
        assert (answer.status_code, planted in answer.text) == (403, False)
