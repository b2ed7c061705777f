"""Must hold 2 and 3: nobody signs their own request; a no, and silence, are final."""

from __future__ import annotations

import re

import pytest
from specifications.world import REASON, Run

pytestmark = pytest.mark.timeout(900)


@pytest.mark.run("own_in_airflow", "gated")
class TestOwnRequestInAirflow:
    """Whoever triggered the run cannot sign it under *Required Actions*; somebody else then can."""

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls, world):
        run = world.runs["own_in_airflow"]
        first = world.parked(run)
        world.answer(run, "requester")
        world.wait_for_note(run, "requester")
        return first

    def test_the_task_parks_again_and_says_why_in_its_note(self, world, run, refused):
        world.parked(run)
        assert "requester" in world.note(run)
        assert world.request(run)["state"] == "pending"
        assert world.request(run)["receipt"] is None

    def test_the_question_stays_the_same(self, world, run, refused):
        again = world.parked(run)
        assert [again[name] for name in ("subject", "body", "params")] == [
            refused[name] for name in ("subject", "body", "params")
        ]

    def test_the_refusal_is_recorded(self, world, run, refused):
        refusals = [entry for entry in world.ledger(world.request(run)["id"]) if entry["type"] == "decision.refused"]
        assert len(refusals) == 1
        assert world.request(run)["refusals"]

    def test_a_reason_that_is_too_short_is_refused_too(self, world, run, refused):
        world.parked(run)
        world.answer(run, "reviewer", reason="ok")
        world.wait_for_note(run, "reason")
        assert world.request(run)["state"] == "pending"

    def test_a_stranger_is_refused_too(self, world, run, refused):
        world.parked(run)
        world.answer(run, "stranger")
        world.wait_for_note(run, "stranger")
        assert world.request(run)["state"] == "pending"

    def test_the_gates_own_account_signs_nothing(self, world, run, refused):
        world.parked(run)
        before = len(world.request(run)["refusals"])
        world.answer(run, "gate")
        world.parked(run)
        assert world.request(run)["state"] == "pending"
        assert len(world.request(run)["refusals"]) > before

    def test_another_reviewer_then_releases_it(self, world, run, refused):
        world.parked(run)
        world.answer(run, "reviewer")
        world.ended(run, "success")
        request = world.request(run)
        assert [decision["person"] for decision in request["decisions"]] == ["reviewer"]
        assert world.version(request["id"]).is_dir()


@pytest.mark.run("own_on_page", "gated")
class TestOwnRequestOnThePage:
    """The linked account is the same person; a decision on the page moves the parked task on."""

    def test_the_page_offers_the_requester_no_decision(self, world, run):
        world.parked(run)
        with world.page("requester") as page:
            assert page.decision_form(world.request(run)["id"]) is None

    def test_a_form_that_is_sent_anyway_is_refused_and_recorded(self, world, run):
        request = world.request(run)
        with world.page("requester") as page:
            token = session_token(page, request["id"])
            digests = {name: request[name] for name in ("intent_digest", "context_digest")}
            answer = page.http.post(
                f"/requests/{request['id']}/decisions",
                data={**digests, "csrf_token": token, "verdict": "approve", "reason": REASON},
                headers={"Origin": world.gate.url},
            )
        assert answer.status_code == 403, answer.text
        assert "requester" in answer.text
        assert world.request(run)["state"] == "pending"
        assert "decision.refused" in world.ledger_types(request["id"])

    def test_a_reviewer_on_the_page_wakes_the_parked_task(self, world, run):
        request = world.request(run)
        with world.page("reviewer") as page:
            assert page.decide(request["id"], "approve", REASON).is_success
        world.ended(run, "success")
        found = world.request(run)
        assert [(one["person"], one["channel"]) for one in found["decisions"]] == [("reviewer", "web")]
        assert world.version(request["id"]).is_dir()


def session_token(page, request_id):
    """Read the token that the requester's own page holds, for those who send more than the page offers."""
    return re.search(r'<meta name="csrf-token" content="([0-9a-f]+)">', page.review_page(request_id)).group(1)


@pytest.mark.run("by_a_stranger", "gated", user="stranger")
class TestUnknownRequester:
    """An account that the policy links to nobody cannot ask: who may not sign would be unknown."""

    def test_the_request_is_refused(self, world, run):
        world.ended(run, "failed")
        assert "airflow:prod|stranger" in world.log(run, "approve")
        world.nothing_left(run)


class TestScheduledRun:
    """Nobody triggered it and nobody known owns it, so two different people have to sign."""

    def test_one_signature_is_not_enough_and_two_of_one_person_are_not_either(self, world):
        runs = world.user("admin").read("/dags/scheduled/dagRuns")["dag_runs"]
        run = Run("scheduled", runs[0]["dag_run_id"])
        world.parked(run)
        for _ in range(2):
            world.answer(run, "reviewer")
            world.parked(run)
            request = world.request(run)
            assert request["state"] == "pending"
            assert [decision["person"] for decision in request["decisions"]] == ["reviewer"]
        assert "decision.refused" in world.ledger_types(request["id"])
        world.answer(run, "second")
        world.ended(run, "success")
        assert world.version(request["id"]).is_dir()


@pytest.mark.run("rejected", "gated")
class TestRejected:
    """A reviewer says no: the run fails, nothing leaves, the ledger says why."""

    def test_it(self, world, run):
        world.parked(run)
        world.answer(run, "reviewer", "Reject", "The contract with the partner has ended.")
        world.ended(run, "failed")
        assert world.states(run)["approve"] == "failed"
        assert world.states(run)["release"] == "upstream_failed"
        request = world.request(run)
        assert request["state"] == "denied"
        assert "is denied" in world.log(run, "approve")
        assert "decision.deny" in world.ledger_types(request["id"])
        world.nothing_left(run)

    def test_the_staging_is_deleted(self, world, run):
        request = world.wait_for_state(run, "denied")
        assert not (world.gate.staging / request["staging"]).exists()
        assert "staging.deleted" in world.ledger_types(request["staging"])


@pytest.mark.run("timed_out", "gated", conf={"destination": "website"})
class TestTimedOut:
    """Nobody answers in time: the gate's expiry wakes the task, and that is a denial."""

    def test_it(self, world, run):
        world.ended(run, "failed")
        assert world.states(run)["release"] == "upstream_failed"
        request = world.request(run)
        assert request["state"] == "expired"
        assert "is expired" in world.log(run, "approve")
        assert "request.expired" in world.ledger_types(request["id"])
        world.nothing_left(run)
