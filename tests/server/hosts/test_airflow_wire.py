"""What the gate makes of Airflow's answers, to the letter: clears, and how runs and their tasks are shown."""

from __future__ import annotations

from urllib.parse import parse_qs

import httpx
import pytest

from maskgate.errors import HostUnreachable, NotFound
from maskgate.gate.host import Clears, RunOutcome
from maskgate.hosts.airflow import AirflowHost
from maskgate.testing.host import airflow_run

RUN = airflow_run("manual__1")
QUEUED, STARTED, AGAIN = "2026-11-24T12:00:00Z", "2026-11-24T12:00:05Z", "2026-11-24T13:00:00Z"


def task(task_id="approve", started=STARTED, **more):
    return {"task_id": task_id, "map_index": -1, "try_number": 1, "start_date": started, "state": "success", **more}


def log(owner, event, at=AGAIN, run_id=None, extra="{}"):
    return {"owner": owner, "event": event, "when": at, "run_id": run_id, "extra": extra}


class Airflow:
    """An API server that shows one run as a test says."""

    def __init__(self):
        self.run = {"dag_id": "export", "dag_run_id": "manual__1", "run_after": QUEUED, "queued_at": QUEUED}
        self.tasks, self.tries, self.logs = [task()], {}, []
        self.asked, self.at_once = [], 100

    def host(self):
        return AirflowHost("prod", "http://airflow", "gate", "x", transport=httpx.MockTransport(self.answer))

    def answer(self, request):
        path = request.url.path
        self.asked.append(request)
        if path == "/auth/token":
            return httpx.Response(201, json={"access_token": "t"})
        if path == "/api/v2/eventLogs":
            asked = parse_qs(request.url.query.decode())
            first, most = int(asked["offset"][0]), min(int(asked["limit"][0]), self.at_once)
            found = self.logs[first : first + most]
            return httpx.Response(200, json={"event_logs": found, "total_entries": len(self.logs)})
        if path.endswith("/tries"):
            return httpx.Response(200, json={"task_instances": self.tries[path.split("/")[-2]]})
        if path.endswith("/taskInstances"):
            first = int(parse_qs(request.url.query.decode()).get("offset", ["0"])[0])
            found = {"task_instances": self.tasks[first : first + self.at_once], "total_entries": len(self.tasks)}
            return httpx.Response(200, json=found)
        if path == "/api/v2/dags/export/dagRuns/manual__1":
            return httpx.Response(200, json=self.run)
        return httpx.Response(404, json={"detail": "not found"})


@pytest.fixture
def airflow():
    return Airflow()


class TestReadClears:
    """Every clear that may have been about the run names who did it; one that left no entry is noticed."""

    def test_a_run_that_was_not_cleared(self, airflow):
        assert airflow.host().read_clears(RUN) == Clears()

    @pytest.mark.parametrize(
        ("entry", "account"),
        [
            pytest.param(log("ann", "clear_dag_run", run_id="manual__1"), "ann", id="the run"),
            pytest.param(log("ann", "post_clear_task_instances", run_id="manual__1"), "ann", id="its tasks"),
            pytest.param(log("ann", "post_clear_task_instances"), "ann", id="tasks of whatever run"),
            pytest.param(log("ann", "clear_dag_runs", extra='{"dag_runs": ["manual__1"]}'), "ann", id="among others"),
            pytest.param(log("ann", "clear_dag_runs", extra='{"partition_key": "a"}'), "ann", id="by a partition"),
            pytest.param(log("root", "cli_task_clear"), "os:root", id="in a shell"),
            pytest.param(log("root", "cli_dag_clear"), "os:root", id="in a shell, whole runs"),
            pytest.param(
                log("ann", "patch_dag_run", run_id="manual__1", extra='{"state": "queued"}'), "ann", id="queued"
            ),
            pytest.param(
                log("ann", "patch_dag_run", run_id="manual__1", extra='{"state": "failed"}'), None, id="failed"
            ),
            pytest.param(log("ann", "clear_dag_run", run_id="manual__2"), None, id="another run"),
            pytest.param(log("ann", "clear_dag_runs", extra='{"dag_runs": ["manual__2"]}'), None, id="other runs"),
            pytest.param(log("ann", "trigger_dag_run", run_id="manual__1"), None, id="no clear"),
            pytest.param(log("gate", "clear_dag_run", run_id="manual__1"), None, id="the gate's own account"),
        ],
    )
    def test_who_is_named(self, airflow, entry, account):
        airflow.logs = [entry]
        expected = () if account is None else ((f"airflow:prod|{account}",),)
        assert airflow.host().read_clears(RUN) == Clears(expected)

    def test_the_hundred_and_first_entry_is_read_too(self, airflow):
        airflow.logs = [log("ann", "clear_dag_run", run_id="other")] * 100 + [
            log("ben", "clear_dag_run", run_id="manual__1")
        ]
        assert airflow.host().read_clears(RUN).by == (("airflow:prod|ben",),)

    def test_every_clearer_is_named_whatever_the_server_gives_out_at_once(self, airflow):
        airflow.at_once = 7
        names = [f"user_{number}" for number in range(30)]
        airflow.logs = [log(name, "clear_dag_run", run_id="manual__1") for name in names]
        assert [each for (each,) in airflow.host().read_clears(RUN).by] == [f"airflow:prod|{name}" for name in names]

    def test_more_entries_than_are_read_may_hide_one(self, airflow):
        airflow.logs = [log("ann", "clear_dag_run", run_id="other")] * 5001
        assert airflow.host().read_clears(RUN) == Clears(unseen=True)

    TRIES = (
        task(end_date="2026-11-24T12:01:00Z"),
        task(started="2026-11-24T12:30:00Z", end_date="2026-11-24T12:31:00Z", try_number=2),
        task(started="2026-11-24T13:00:09Z", try_number=3),
    )

    @pytest.mark.parametrize(
        ("times", "unseen"),
        [
            pytest.param(["2026-11-24T13:00:00Z"], True, id="the first of two left no entry"),
            pytest.param(["2026-11-24T12:29:00Z"], True, id="the second did not"),
            pytest.param(["2026-11-24T12:29:00Z", "2026-11-24T13:00:00Z"], False, id="both did"),
        ],
    )
    def test_a_clear_before_the_last_is_noticed_by_what_ran_again(self, airflow, times, unseen):
        airflow.run["queued_at"], airflow.tasks = AGAIN, [self.TRIES[-1]]
        airflow.tries["approve"] = list(reversed(self.TRIES))
        airflow.logs = [log("ann", "clear_dag_run", at=at, run_id="manual__1") for at in times]
        assert airflow.host().read_clears(RUN) == Clears((("airflow:prod|ann",),), unseen=unseen)

    @pytest.mark.parametrize(
        ("times", "unseen"),
        [
            pytest.param(["2026-11-24T12:29:59Z"], True, id="one entry for two clears"),
            pytest.param(["2026-11-24T12:29:59Z", "2026-11-24T12:30:20.500Z"], True, id="the second was after the try"),
            pytest.param(["2026-11-24T12:29:59Z", "2026-11-24T12:30:19Z"], False, id="one for each"),
        ],
    )
    def test_an_entry_is_about_one_try(self, airflow, times, unseen):
        quick = [
            self.TRIES[0],
            task(started="2026-11-24T12:30:00Z", end_date="2026-11-24T12:30:05Z", try_number=2),
            task(started="2026-11-24T12:30:20Z", try_number=3),
        ]
        airflow.run["queued_at"], airflow.tasks = times[-1], quick[-1:]
        airflow.tries["approve"] = quick
        airflow.logs = [log("ann", "clear_dag_run", at=at, run_id="manual__1") for at in times]
        assert airflow.host().read_clears(RUN) == Clears((("airflow:prod|ann",),), unseen=unseen)

    def test_what_failed_is_retried_by_airflow_itself(self, airflow):
        airflow.tasks = [task(started="2026-11-24T12:30:00Z", try_number=2)]
        airflow.tries["approve"] = [task(state="failed"), *airflow.tasks]
        assert airflow.host().read_clears(RUN) == Clears()

    @pytest.mark.parametrize(("more", "unseen"), [(0, False), (1, True)], ids=["as many as are read", "one more"])
    def test_more_retries_than_are_looked_at_may_hide_a_clear(self, airflow, more, unseen):
        names = [f"task_{number}" for number in range(100 + more)]
        airflow.tasks = [task(name, started="2026-11-24T12:30:00Z", try_number=2) for name in names]
        airflow.tries = {each["task_id"]: [task(each["task_id"], state="failed"), each] for each in airflow.tasks}
        assert airflow.host().read_clears(RUN) == Clears(unseen=unseen)

    @pytest.mark.parametrize(("more", "unseen"), [(0, False), (1, True)], ids=["as many as are read", "one more"])
    def test_more_tasks_than_are_read_may_hide_a_clear(self, airflow, more, unseen):
        airflow.at_once = 2
        airflow.tasks = [task(f"task_{number}") for number in range(100 + more)]
        assert airflow.host().read_clears(RUN) == Clears(unseen=unseen)

    @pytest.mark.parametrize(
        "tasks",
        [
            pytest.param([task()], id="a task started before the run was queued"),
            pytest.param([task(started=None), task("mask")], id="another task did"),
            pytest.param([task(started="2026-11-24T13:00:09Z", try_number=2)], id="an earlier try of a task did"),
        ],
    )
    def test_a_run_that_was_queued_again_without_an_entry_was_cleared_unseen(self, airflow, tasks):
        airflow.run["queued_at"], airflow.tasks = AGAIN, tasks
        airflow.tries["approve"] = [task(), task(started="2026-11-24T13:00:09Z", try_number=2)]
        assert airflow.host().read_clears(RUN) == Clears(unseen=True)

    @pytest.mark.parametrize(
        ("at", "unseen"),
        [
            pytest.param("2026-11-24T12:59:59Z", False, id="just before"),
            pytest.param("2026-11-24T12:50:00Z", True, id="long before"),
            pytest.param("2026-11-24T13:00:10Z", True, id="afterwards"),
        ],
    )
    def test_an_entry_explains_the_clear_that_followed_it(self, airflow, at, unseen):
        airflow.run["queued_at"] = AGAIN
        airflow.logs = [log("ann", "clear_dag_run", at=at, run_id="manual__1")]
        assert airflow.host().read_clears(RUN) == Clears((("airflow:prod|ann",),), unseen=unseen)

    @pytest.mark.parametrize("logs", [None, "many"], ids=["no list", "no list at all"])
    def test_what_is_no_answer_is_not_believed(self, airflow, logs):
        transport = httpx.MockTransport(
            lambda request: (
                httpx.Response(200, json={"event_logs": logs, "total_entries": 1})
                if request.url.path.endswith("eventLogs")
                else airflow.answer(request)
            )
        )
        with pytest.raises(HostUnreachable, match="did not say who cleared the run"):
            AirflowHost("prod", "http://airflow", "gate", "x", transport=transport).read_clears(RUN)


class TestReadOutcome:
    """How a run is shown, and whether a task that releases is shown as successful."""

    @pytest.mark.parametrize(
        ("state", "tasks", "expected"),
        [
            pytest.param("running", [task()], RunOutcome("running", is_over=False, is_success=False), id="it goes on"),
            pytest.param("success", [], RunOutcome("success", is_over=True, is_success=True), id="it ended well"),
            pytest.param("failed", [], RunOutcome("failed", is_over=True, is_success=False), id="it failed"),
            pytest.param(
                "running",
                [task(), task("publish", operator_name="ReleaseOperator")],
                RunOutcome("running", is_over=False, is_success=False, released_by="publish"),
                id="its release is shown as done",
            ),
            pytest.param(
                "failed",
                [task("publish", operator_name="ReleaseOperator", state="failed")],
                RunOutcome("failed", is_over=True, is_success=False),
                id="its release failed",
            ),
        ],
    )
    def test_a_run(self, airflow, state, tasks, expected):
        airflow.run["state"], airflow.tasks = state, tasks
        assert airflow.host().read_outcome(RUN) == expected

    def test_a_run_that_is_gone(self, airflow):
        with pytest.raises(NotFound):
            airflow.host().read_outcome(airflow_run("manual__2"))

    def test_an_answer_about_another_run_is_not_believed(self, airflow):
        airflow.run["dag_run_id"] = "manual__2"
        with pytest.raises(HostUnreachable, match="another dag_run_id"):
            airflow.host().read_outcome(RUN)
