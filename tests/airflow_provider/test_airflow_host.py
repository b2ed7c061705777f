"""The gate's client of Airflow, against a real Airflow."""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from demo.airflow_server import AirflowServer
from demo.processes import Processes, free_port, wait_until

from maskgate.errors import HostUnreachable, NotFound, UsageError
from maskgate.gate.host import Clears, HostRun, Responder, RunOutcome
from maskgate.hosts.airflow import AirflowHost

pytestmark = pytest.mark.timeout(300)
DAGS = Path(__file__).parent / "dags"
USERS = {"requester": "user", "reviewer": "user", "gate": "user", "watcher": "viewer"}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    root = tmp_path_factory.mktemp("airflow_host")
    with Processes(root / "logs") as processes:
        server = AirflowServer(processes, work=root / "airflow", dags=DAGS, users=USERS)
        server.start()
        with server.client("requester") as requester:
            requester.wait_for_dag("asking")
            requester.wait_for_dag("asking_twice")
        yield server


@pytest.fixture(scope="module")
def host(airflow):
    found = AirflowHost("prod", airflow.url, "gate", airflow.passwords["gate"])
    yield found
    found.close()


@pytest.fixture(scope="module")
def question(airflow):
    spec = spec_from_file_location("asking_dags", DAGS / "asking_dags.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.QUESTION


def parked(airflow, dag_id="asking", map_index=-1):
    """Start a run, and wait until it may be answered."""
    with airflow.client("requester") as requester:
        run_id = requester.trigger(dag_id)
        wait_until(
            lambda: (
                {
                    task["state"]
                    for task in requester.read(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
                }
                == {"awaiting_input"}
            ),
            what="the tasks are parked",
            timeout=180,
        )
    time.sleep(3.5)
    return HostRun("airflow", "prod", run_id, dag_id, "approve", map_index, 1)


@pytest.fixture(scope="module")
def run(airflow):
    """A run that stays parked."""
    return parked(airflow)


def answer(airflow, user, run, option, **params):
    with airflow.client(user) as client:
        client.answer(run.dag_id, run.run_id, run.task_id, option, params=params).raise_for_status()


class TestReadRun:
    """Who triggered a run and who owns its DAG come from Airflow, with the gate's own account."""

    def test_a_run_that_a_person_triggered(self, host, run):
        facts = host.read_run(run)
        assert facts.triggered_by == ("airflow:prod|requester",)
        assert facts.owners == ("airflow:prod|pipelines",)
        assert (facts.workflow, facts.state, facts.parked, facts.try_number) == ("asking", "awaiting_input", True, 1)
        assert facts.task_instance_id
        assert facts.cleared_by == ()

    def test_a_run_from_the_command_line_names_no_airflow_user(self, host, airflow, run):
        environment = airflow.environment()
        from demo.processes import program  # noqa: PLC0415  beside its one use

        command = [program("airflow", "airflow"), "dags", "trigger", "asking", "--run-id", "from_a_shell"]
        airflow.processes.run("trigger", command, env=environment)
        there = replace(run, run_id="from_a_shell")
        facts = wait_until(lambda: found(host, there), what="the run has its task", timeout=120)
        assert facts.triggered_by[0].startswith("airflow:prod|os:")

    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param({"dag_id": "nowhere"}, id="another DAG"),
            pytest.param({"dag_id": "~"}, id="every DAG"),
            pytest.param({"dag_id": ".."}, id="a path"),
            pytest.param({"run_id": "manual__1"}, id="another run"),
            pytest.param({"task_id": "release"}, id="another task"),
            pytest.param({"map_index": 3}, id="another map index"),
        ],
    )
    def test_a_run_that_is_not_there(self, host, run, changed):
        with pytest.raises(NotFound):
            host.read_run(replace(run, **changed))


def found(host, run):
    try:
        return host.read_run(run)
    except NotFound:
        return None


class TestReadAnswer:
    """The question comes back to the letter, and the answer with who gave it, when and to which try."""

    def test_an_open_question(self, host, run, question):
        record = host.read_answer(run)
        assert (record.subject, record.body) == (question["subject"], question["body"])
        assert (record.options, record.params) == (tuple(question["options"]), question["params"])
        assert (record.defaults, record.multiple) == (None, False)
        assert (record.responded_at, record.responded_by, record.chosen_options) == (None, None, ())
        assert record.task_instance_id == host.read_run(run).task_instance_id

    def test_no_question_at_all(self, host, run):
        assert host.read_answer(replace(run, task_id="nothing")) is None

    def test_an_answer_and_a_second_one_after_parking_again(self, host, airflow, question):
        run = parked(airflow)
        answer(airflow, "requester", run, "Reject", reason="first")
        wait_until(lambda: host.read_answer(run).responded_at is None, what="it asks again", timeout=90)
        wait_until(lambda: host.read_run(run).parked, what="it is parked again", timeout=90)
        time.sleep(3.5)
        answer(airflow, "reviewer", run, "Approve", reason="second")
        record = host.read_answer(run)
        assert record.responded_by == Responder("reviewer", "reviewer")
        assert (record.chosen_options, record.params_input) == (("Approve",), {"reason": "second"})
        assert record.body == question["body"]

    def test_a_cleared_task_keeps_the_question_and_becomes_another_instance(self, host, airflow):
        run = parked(airflow)
        before = host.read_answer(run)
        answer(airflow, "reviewer", run, "Approve")
        wait_until(lambda: host.read_run(run).state == "success", what="it has ended", timeout=90)
        with airflow.client("requester") as requester:
            requester.clear("asking", run.run_id, "approve").raise_for_status()
        wait_until(lambda: host.read_run(run).parked, what="it is parked again", timeout=120)
        after = host.read_answer(run)
        assert (after.subject, after.body) == (before.subject, before.body)
        assert after.task_instance_id != before.task_instance_id
        assert (after.try_number, after.responded_at) == (2, None)
        assert host.read_run(run).cleared_by == (("airflow:prod|requester",),)
        assert host.read_clears(run) == Clears((("airflow:prod|requester",),), unseen=False)

    def test_a_clear_over_all_dags_is_noticed_though_airflow_shows_its_entry_to_nobody(self, host, airflow):
        run = parked(airflow)
        assert host.read_clears(run) == Clears()
        answer(airflow, "reviewer", run, "Approve")
        wait_until(lambda: host.read_run(run).state == "success", what="it has ended", timeout=90)
        with airflow.client("reviewer") as reviewer:
            body = {"dry_run": False, "dag_runs": [{"dag_id": run.dag_id, "dag_run_id": run.run_id}]}
            reviewer.send("POST", "/dags/~/clearDagRuns", json=body).raise_for_status()
        assert host.read_clears(run) == Clears((), unseen=True)
        wait_until(lambda: host.read_run(run).parked, what="it is parked again", timeout=120)
        facts = host.read_run(run)
        assert (facts.cleared_by, facts.cleared_unseen, facts.try_number) == ((), True, 2)
        with airflow.client("requester") as requester:
            requester.clear("asking", run.run_id, "approve").raise_for_status()
        assert host.read_clears(run) == Clears((("airflow:prod|requester",),), unseen=True), "another hides nothing"

    def test_mapped_tasks_are_told_apart(self, host, airflow):
        first = parked(airflow, "asking_twice", 0)
        second = replace(first, map_index=1)
        answer_to(airflow, first, 0)
        assert host.read_answer(first).responded_at is not None
        assert host.read_answer(second).responded_at is None
        host.note(second, "only here")
        with airflow.client("requester") as requester:
            notes = [requester.task("asking_twice", first.run_id, "approve", index)["note"] for index in (0, 1)]
        assert notes == [None, "only here"]


def answer_to(airflow, run, map_index):
    with airflow.client("reviewer") as client:
        client.answer(run.dag_id, run.run_id, run.task_id, "Approve", map_index=map_index).raise_for_status()


class TestWakeAndNote:
    """A parked task is answered with the gate's own account, which is recognisable as such; a note is written."""

    @pytest.mark.parametrize(("approved", "option"), [(True, "Approve"), (False, "Reject")])
    def test_a_parked_task_moves_on(self, host, airflow, approved, option):
        run = parked(airflow)
        host.wake(run, approved=approved)
        record = host.read_answer(run)
        assert record.chosen_options == (option,)
        assert f"airflow:prod|{record.responded_by.name}" in host.accounts

    def test_a_task_that_is_not_parked_is_left_alone(self, host, airflow):
        run = parked(airflow)
        answer(airflow, "reviewer", run, "Approve")
        wait_until(lambda: host.read_run(run).state == "success", what="it has ended", timeout=90)
        with pytest.raises(HostUnreachable, match="is not parked"):
            host.wake(run, approved=True)
        wait_until(lambda: host.read_outcome(run).is_over, what="the run has ended", timeout=90)
        assert host.read_outcome(run) == RunOutcome("success", is_over=True, is_success=True)

    def test_a_note_is_written_and_cut(self, host, airflow, run):
        host.note(run, "requester cannot sign this. " + "x" * 2000)
        with airflow.client("requester") as requester:
            note = requester.task(run.dag_id, run.run_id, run.task_id)["note"]
        assert note.startswith("requester cannot sign this.")
        assert len(note) == 1000

    def test_a_database_that_is_locked_for_a_while_is_waited_for(self, host, airflow, run):
        writer = sqlite3.connect(airflow.database, isolation_level=None, check_same_thread=False)
        writer.execute("BEGIN IMMEDIATE")
        release = threading.Timer(3, writer.execute, ("ROLLBACK",))
        release.start()
        host.note(run, "written after all")
        release.join()
        writer.close()
        with airflow.client("reviewer") as reviewer:
            task = reviewer.read(f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{run.task_id}")
        assert task["note"] == "written after all"


class TestAccount:
    """The session is renewed by itself; what is wrong with the account is said in words, without the password."""

    @pytest.fixture
    def reach(self, airflow):
        opened = []

        def reach(user, password, url=airflow.url):
            opened.append(AirflowHost("prod", url, user, password))
            return opened[-1]

        yield reach
        for host in opened:
            host.close()

    def test_a_session_that_has_run_out_is_renewed(self, host, run):
        host._token = "an old one"
        assert host.read_run(run).parked

    def test_a_wrong_password(self, reach, run):
        other = reach("gate", "wrong-password")
        with pytest.raises(HostUnreachable, match="does not let the gate's account 'gate' in") as caught:
            other.read_run(run)
        assert "wrong-password" not in str(caught.value) + repr(other)

    def test_an_account_that_may_only_look(self, reach, airflow, run):
        watcher = reach("watcher", airflow.passwords["watcher"])
        assert watcher.read_run(run).parked
        with pytest.raises(HostUnreachable, match="give it the role `user`"):
            watcher.wake(run, approved=True)

    def test_an_airflow_that_is_not_there(self, reach, run):
        with pytest.raises(HostUnreachable, match="did not answer"):
            reach("gate", "x", f"http://127.0.0.1:{free_port()}").read_run(run)

    def test_something_else_than_an_airflow(self, reach, airflow, run):
        with pytest.raises(HostUnreachable):
            reach("gate", airflow.passwords["gate"], f"{airflow.url}/api").read_run(run)

    def test_no_address_at_all(self):
        with pytest.raises(UsageError, match="no http or https URL"):
            AirflowHost("prod", "airflow.example", "gate", "x")
