"""Asking: who asks is read from the host, what is asked from registry and policy; the same run asks once."""

from __future__ import annotations

import pytest

from maskgate.errors import HostUnreachable, NotAllowed, NotFound, Refused, UsageError
from maskgate.gate.model import Caller, Destination, RequestInput
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run
from maskgate.testing.placed_world import PlacedWorld


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return GateWorld(tmp_path_factory.mktemp("asking"))


class TestRefused:
    """What cannot be asked is refused with what would be right; the refusals of the policy are entries."""

    @pytest.mark.parametrize(
        ("changes", "error", "words"),
        [
            pytest.param({"destination": "nowhere"}, UsageError, "no destination 'nowhere'", id="unknown destination"),
            pytest.param({"destination": "/etc"}, UsageError, "no destination", id="a path for a destination"),
            pytest.param({"staging": "stg_none"}, NotFound, "no such staging", id="unknown staging"),
            pytest.param({"action": "Export it"}, UsageError, "no action", id="an action that is no verb"),
            pytest.param({"action": "change-policy"}, UsageError, "no action", id="an action of the gate itself"),
            pytest.param({"action": "detokenize"}, Refused, "no policy permits", id="an action without a policy"),
            pytest.param({"requesters": ("zoe",)}, UsageError, "zoe is nobody", id="an unknown person added"),
        ],
    )
    def test_refused(self, world, changes, error, words):
        with pytest.raises(error, match=words):
            world.ask(run=airflow_run("refused"), **changes)

    def test_an_unlinked_user_who_started_the_run(self, world):
        with pytest.raises(NotAllowed, match="zoe, who is nobody in the policy"):
            world.ask(run=airflow_run("unlinked"), triggered_by=("zoe",))
        assert "zoe" in world.entries("request.refused")[-1]["refusal"]

    def test_a_login_that_is_two_people(self, world):
        with pytest.raises(NotAllowed, match="anna and bert"):
            world.ask(run=airflow_run("two"), triggered_by=("anna", "bert"))

    def test_an_instance_that_is_not_configured(self, world):
        run = airflow_run("other")
        run = type(run)(run.kind, "attacker", run.run_id, run.dag_id, run.task_id)
        world.host.add_run(run, triggered_by=("bert",))
        with pytest.raises(UsageError, match="airflow:attacker is not in the gate's configuration"):
            world.ask(run=run)

    def test_a_run_that_the_host_does_not_know(self, world):
        wanted = RequestInput(world.stage(), "partner", host=airflow_run("unknown"))
        with pytest.raises(NotFound, match="no such run"):
            world.gate.create_request(world.pipeline, wanted)

    def test_a_host_that_does_not_answer(self, tmp_path):
        world = GateWorld(tmp_path)
        world.host.add_run(airflow_run())
        world.host.is_reachable = False
        wanted = RequestInput(world.stage(), "partner", host=airflow_run())
        with pytest.raises(HostUnreachable):
            world.gate.create_request(world.pipeline, wanted)

    @pytest.mark.parametrize("role", ["auditor", "person"])
    def test_only_pipelines_ask(self, world, role):
        with pytest.raises(NotAllowed):
            world.gate.create_request(Caller(role, token="x"), RequestInput(world.stage(), "partner"))

    def test_another_tokens_staging_is_not_there(self, world):
        with pytest.raises(NotFound):
            world.gate.create_request(Caller("pipeline", token="other"), RequestInput(world.stage(), "partner"))


class TestInvolved:
    """Everyone who has to do with it may not decide it."""

    @pytest.mark.parametrize(
        ("facts", "more", "who"),
        [
            pytest.param({"triggered_by": ("anna",)}, (), ("anna", ["anna"]), id="who started the run"),
            pytest.param(
                {"triggered_by": ("anna",), "owners": ("cleo",)}, (), ("anna", ["anna", "cleo"]), id="the owner"
            ),
            pytest.param(
                {"triggered_by": ("anna",), "owners": ("airflow",)}, (), ("anna", ["anna"]), id="a nominal owner"
            ),
            pytest.param({"owners": ("cleo",)}, (), ("cleo", ["cleo"]), id="the owner of a scheduled run"),
            pytest.param({"owners": ("cleo", "anna")}, (), (None, ["anna", "cleo"]), id="two owners"),
            pytest.param({}, (), (None, []), id="nobody is known"),
            pytest.param({}, ("cleo",), (None, []), id="who is named by the caller does not make anyone known"),
            pytest.param(
                {"triggered_by": ("anna",), "cleared_by": ("bert", "anna")},
                (),
                ("anna", ["anna", "bert"]),
                id="cleared",
            ),
        ],
    )
    def test_who(self, world, request, facts, more, who):
        run = airflow_run(request.node.callspec.id)
        world.host.add_run(run, **facts)
        document = world.ask(run=run, requesters=more, sealed=False)
        assert (document["requester"]["person"], document["involved"]) == who
        assert document["requirement"]["distinct"] == (1 if {"triggered_by", "owners"} & facts.keys() else 2)

    def test_requesters_of_the_policy_answer_for_scheduled_runs(self, world):
        run = airflow_run("nightly")
        run = type(run)(run.kind, run.instance, run.run_id, "nightly_export", run.task_id)
        world.host.add_run(run)
        document = world.ask(run=run, sealed=False)
        assert (document["requester"]["person"], document["requirement"]["distinct"]) == ("anna", 1)


class TestIdempotency:
    """The same run, task, staging, destination and action get the same request."""

    def test_asked_twice(self, world):
        staging = world.stage()
        first = world.ask(run=airflow_run("twice"), staging=staging)
        assert world.ask(run=airflow_run("twice"), staging=staging)["id"] == first["id"]
        assert len(world.entries("request.created", request=first["id"])) == 1

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"run": airflow_run("another")}, id="another run"),
            pytest.param({"run": airflow_run("same", task_id="other")}, id="another task"),
            pytest.param({"destination": "archive"}, id="another destination"),
        ],
    )
    def test_what_differs_is_another_request(self, world, change):
        staging = world.stage()
        first = world.ask(run=airflow_run("same"), staging=staging, sealed=False)
        second = world.ask(**{"run": airflow_run("same"), "staging": staging, "sealed": False} | change)
        assert second["id"] != first["id"]

    def test_a_later_try_is_bound_and_recorded(self, tmp_path):
        world = GateWorld(tmp_path)
        staging, again = world.stage(), airflow_run(try_number=2)
        first = world.ask(staging=staging)
        world.host.add_run(again, triggered_by=("anna",))
        second = world.ask(run=again, staging=staging)
        assert (second["id"], second["intent_digest"]) == (first["id"], first["intent_digest"])
        (entry,) = world.entries("request.rebound")
        assert (entry["task_instance"], entry["before"]) == ("ti-manual__1-2", "ti-manual__1-1")
        world.host.park(again, second["question"])
        world.host.answer(again, "bert", reason="checked the columns")
        assert world.gate.refresh(world.pipeline, first["id"])["state"] == "approved"

    def test_a_request_whose_staging_is_gone_still_answers(self, world):
        run, staging = airflow_run("gone"), world.stage()
        first = world.ask(run=run, staging=staging)
        world.gate.withdraw(world.pipeline, first["id"])
        world.gate.sweep()
        assert world.ask(run=run, staging=staging)["state"] == "withdrawn"


class TestSealed:
    """After sealing the request is asked, allowed or refused, by what was measured."""

    def test_what_will_be_signed_is_fixed(self, world):
        document = world.ask(run=airflow_run("fixed"))
        assert document["state"] == "pending"
        assert set(document["evidence"]["measured"]["tables"]) == {"customers", "orders"}
        lineage = {table["table"]: table for table in document["lineage"]["tables"]}
        columns = {column["input"]: column for column in lineage["customers"]["columns"]}
        assert (columns["ssn"]["output"], columns["ssn"]["method"]) == (None, "drop")
        assert (columns["email"]["domain"], columns["email"]["key_version"]) == ("email", 1)
        (entry,) = world.entries("request.sealed", request=document["id"])
        assert entry["intent_digest"] == document["intent_digest"]

    def test_allowed_is_recorded_and_granted_without_asking(self, world):
        document = world.ask(run=airflow_run("allowed"), destination="archive")
        assert (document["state"], document["decisions"]) == ("approved", [])
        assert len(world.entries("grant.issued", request=document["id"])) == 1

    def test_below_the_policys_evidence_nobody_is_asked(self, world):
        document = world.ask(run=airflow_run("empty"), staging=world.stage(rows=0))
        assert document["state"] == "refused"
        assert "Nobody was asked." in document["message"]
        assert world.entries("request.refused", request=document["id"])

    def test_what_the_destination_cannot_take_nobody_is_asked_about(self, tmp_path):
        """Two tables for a destination that is one; the database itself is not asked, and does not even run."""
        place = Destination("partner", "postgresql://127.0.0.1:1/lake?table=lake.customers", "external", "append")
        document = PlacedWorld(tmp_path, partner=place).ask()
        assert document["state"] == "refused"
        assert "is one table, and this release has 2" in document["message"]
        assert "Nobody was asked." in document["message"]

    def test_below_the_floor_an_allowed_action_is_refused_too(self, tmp_path):
        world = GateWorld(tmp_path, POLICY.replace("otherwise", "floor: {direct_identifier: [drop]}\notherwise"))
        document = world.ask(destination="archive")
        assert document["state"] == "refused"
        assert "below the policy's floor" in document["message"]
        assert world.entries("grant.issued") == []

    def test_a_staging_that_lies_is_refused(self, world):
        opened = world.gate.open_staging(world.pipeline)
        document = world.ask(run=airflow_run("lies"), staging=opened["id"])
        assert document["state"] == "refused"
        assert "has no manifest.json" in document["message"]

    def test_hostile_words_of_the_requester_stay_words(self, tmp_path):
        world = GateWorld(tmp_path)
        run = airflow_run()
        world.host.add_run(run, triggered_by=("anna",))
        why = "ok\n\n# Approve\u202e <script>[x](http://evil) | {{ ti }}"
        wanted = RequestInput(world.stage(), "partner", "export", why, run)
        made = world.gate.create_request(world.pipeline, wanted)
        world.gate.seal_waiting()
        body = world.read(made["id"])["question"]["body"]
        (line,) = [line for line in body.splitlines() if line.startswith("> ")]
        assert line == r"> ok \# Approve \<script\>\[x\]\(http\:\/\/evil\) \| \{\{ ti \}\}"
