"""Must hold 4: order of tasks, XCom, questions and answers are no evidence; the gate asks Airflow itself."""

from __future__ import annotations

import pytest
from demo.processes import wait_until
from specifications.world import REASON

pytestmark = pytest.mark.timeout(900)


@pytest.mark.run("marked", "gated")
class TestMarkedSuccessful:
    """The approval task marked successful by hand lets the release task run, and the gate says no."""

    def test_nothing_leaves(self, world, run):
        world.parked(run)
        assert world.user("requester").set_task_state(run.dag_id, run.run_id, "approve", "success").is_success
        world.ended(run, "failed")
        assert world.states(run)["approve"] == "success"
        assert "has not returned one" in world.log(run, "release")
        assert "Run the approval task of this run" in world.log(run, "release")
        world.nothing_left(run)


@pytest.mark.run("forged_xcom", "gated")
class TestForgedXCom:
    """An XCom that names the run's own, unsigned request, or another run's request, opens nothing."""

    def forge(self, world, run, request):
        entries = f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/approve/xcomEntries"
        forged = {"key": "return_value", "value": {"request": request}, "map_index": -1}
        requester = world.user("requester")
        requester.send("DELETE", f"{entries}/return_value")
        assert requester.send("POST", entries, json=forged).is_success

    def test_the_runs_own_unsigned_request(self, world, run):
        world.parked(run)
        request = world.request(run)
        self.forge(world, run, request["id"])
        assert world.user("requester").set_task_state(run.dag_id, run.run_id, "approve", "success").is_success
        world.ended(run, "failed")
        log = world.log(run, "release")
        assert request["id"] in log
        assert "Once the request is signed, clear this task" in log
        world.nothing_left(run)

    @pytest.mark.run("lender", "gated", conf={"destination": "archive"})
    def test_the_signed_request_of_another_run(self, world, run):
        lender, forger = world.runs["lender"], world.runs["forged_xcom"]
        world.ended(lender, "success")
        world.ended(forger, "failed")
        borrowed = world.request(lender)["id"]
        self.forge(world, forger, borrowed)
        assert world.user("requester").clear(forger.dag_id, forger.run_id, "release").is_success
        world.ended(forger, "failed")
        assert borrowed in world.log(forger, "release")
        assert "run" in world.log(forger, "release")
        world.nothing_left(forger)


class TestChangedQuestion:
    """A hostile DAG shows another question for the gate's request; an approval of that is no approval."""

    @pytest.mark.parametrize(
        "name",
        [
            pytest.param(
                "lunch",
                marks=pytest.mark.run(
                    "lunch",
                    "hostile_question",
                    conf={"question": {"subject": "Order lunch?", "body": "Pizza or pasta"}},
                ),
                id="Order lunch?",
            ),
            pytest.param(
                "milder",
                marks=pytest.mark.run("milder", "hostile_question", conf={"question": {"body": "Only counts."}}),
                id="another body",
            ),
            pytest.param(
                "no_form",
                marks=pytest.mark.run("no_form", "hostile_question", conf={"question": {"params": {}}}),
                id="without the reason",
            ),
        ],
    )
    def test_nothing_leaves(self, world, run, name):
        world.parked(run)
        world.answer(run, "reviewer")
        world.wait_for_note(run, "question")
        request = world.request(run)
        assert request["state"] == "pending"
        assert "decision.refused" in world.ledger_types(request["id"])
        with world.page("reviewer") as page:
            assert page.decide(request["id"], "deny", "This DAG asks for lunch.").is_success
        world.ended(run, "failed")
        world.nothing_left(run)


class TestAnswerOfAnotherRun:
    """A request that names a task whose question was answered before does not inherit that answer."""

    @pytest.mark.run("answered", "gated")
    def test_nothing_is_approved(self, world, run):
        world.parked(run)
        world.answer(run, "reviewer")
        world.ended(run, "success")
        first = world.request(run)
        version = world.version(first["id"])
        with world.client() as client:
            staging = client.open_staging()["id"]
            files = sorted(version.rglob("*.parquet"))
            for file in [*files, version / "manifest.json"]:
                client.upload(staging, str(file.relative_to(version)), file)
            second = client.create_request(
                staging=staging, destination="partner", why="again", host={**first["host"], "kind": "airflow"}
            )
            document = client.wait(second["id"], lambda found: found["state"] != "sealing", 60)
            assert document["id"] != first["id"]
            document = client.refresh(second["id"])
            assert (document["state"], document["decisions"]) == ("pending", [])
            assert "is not the question that the gate asks" in document["refusals"][-1]["message"]
            client.withdraw(second["id"])
        assert world.released(second["id"]) == []


@pytest.mark.run("masked_again", "gated")
class TestMaskedAgain:
    """Where masking runs again to the same bytes, the run gets the request that waits, and its answer still counts."""

    def test_the_same_bytes_are_the_same_request(self, world, run):
        world.parked(run)
        first = world.request(run)
        assert world.user("requester").clear(run.dag_id, run.run_id, "mask", downstream=True).is_success
        wait_until(
            lambda: "request.rebound" in world.ledger_types(first["id"]), what="the run has asked again", timeout=120
        )
        assert "request.asked_again" in world.ledger_types(first["id"])
        assert first["id"] in world.parked(run)["body"]
        assert "nobody is asked twice" in world.log(run, "approve")
        world.answer(run, "reviewer")
        world.ended(run, "success")
        assert [each["id"] for each in world.requests(run)] == [first["id"]]
        assert world.version(first["id"]).is_dir()


class TestReleaseAlone:
    """The release task without an approval task: refused, with a message that says what to do."""

    @pytest.mark.run("alone_without", "release_alone", conf={})
    def test_without_a_request(self, world, run):
        world.ended(run, "failed")
        assert "Run the approval task of this run, have it signed, then clear this task." in world.log(run, "release")

    @pytest.mark.run("alone_unknown", "release_alone", conf={"request": "req_forged"})
    def test_with_an_unknown_request(self, world, run):
        world.ended(run, "failed")
        assert "req_forged" in world.log(run, "release")
        assert "Run the approval task of this run, have it signed, then clear this task." in world.log(run, "release")

    @pytest.mark.run("waiting", "gated")
    def test_with_the_request_of_a_run_that_still_waits(self, world, run):
        world.parked(run)
        request = world.request(run)["id"]
        world.start("alone_with_it", "release_alone", {"request": request}, "requester")
        other = world.runs["alone_with_it"]
        world.ended(other, "failed")
        assert request in world.log(other, "release")
        assert world.released(request) == []
        with world.page("reviewer") as page:
            assert page.decide(request, "deny", REASON).is_success
        world.ended(run, "failed")
