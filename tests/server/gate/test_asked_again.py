"""The same bytes under two stagings: one run gets one request; nobody else's, and nothing that was not sealed."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from maskgate.errors import NotFound
from maskgate.gate.model import RequestInput
from maskgate.testing.gate_world import GateWorld
from maskgate.testing.host import airflow_run

RUNS = itertools.count()


class TwoTokens(GateWorld):
    """A gate with a second pipeline."""

    @property
    def other(self):
        return dataclasses.replace(self.pipeline, token="other")

    def bare(self, staging, *, by=None, destination="partner", why="for the partner", **more):
        return self.gate.create_request(by or self.pipeline, RequestInput(staging, destination, why=why, **more))

    def stage_one_by_one(self):
        """Stage tables that bring a manifest each, as scripts do that mask one after the other."""
        staging = self.stage()
        folder = self.folder / "staging" / staging
        whole = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").unlink()
        for name, table in whole["tables"].items():
            files = [{**file, "path": file["path"].rpartition("/")[2]} for file in table["files"]]
            own = {**whole, "tables": {name: {**table, "files": files}}, "report": {}}
            (folder / name / "manifest.json").write_text(json.dumps(own))
        return staging


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return TwoTokens(tmp_path_factory.mktemp("again"))


@pytest.fixture
def run():
    return airflow_run(f"manual__again_{next(RUNS)}")


class TestOneRun:
    """A task that masks is cleared, stages the same anew, and the task after it asks again."""

    def test_it_gets_the_request_that_waits_and_is_told(self, world, run):
        first = world.ask(run=run)
        staging = world.stage()
        again = world.gate.create_request(
            world.pipeline, RequestInput(staging, "partner", why="for the partner", host=run)
        )
        assert again["id"] == first["id"]
        assert again["staging"] == first["staging"]
        assert "nobody is asked twice" in again["note"]
        assert staging in again["note"]
        assert len(world.entries("request.created", request=first["id"])) == 1
        (entry,) = world.entries("request.asked_again", request=first["id"])
        assert (entry["staging"], entry["before"]) == (staging, first["staging"])
        assert not world.gate.seal_waiting(), "there is nothing more to seal"

    def test_also_where_each_table_brings_its_manifest(self, world, run):
        first, second = world.ask(run=run, staging=world.stage_one_by_one()), world.stage_one_by_one()
        assert first["state"] == "pending"
        assert world.ask(run=run, staging=second)["id"] == first["id"]

    def test_also_while_the_first_is_not_sealed_yet(self, world, run):
        first = world.ask(run=run, sealed=False)
        assert world.ask(run=run)["id"] == first["id"]

    def test_among_many_runs_with_the_same_bytes(self, world, run):
        first = world.ask(run=run)
        for number in range(30):
            world.ask(run=dataclasses.replace(run, run_id=f"{run.run_id}_{number}"), sealed=False)
        assert world.ask(run=run)["id"] == first["id"]

    def test_two_at_once(self, world, run):
        world.host.add_run(run, triggered_by=("anna",))
        stagings = [world.stage() for _ in range(6)]
        with ThreadPoolExecutor(6) as threads:
            asked = threads.map(lambda each: world.bare(each, host=run)["id"], stagings)
            assert len(set(asked)) == 1

    def test_a_later_try_of_the_task_takes_its_place(self, world, run):
        first = world.ask(run=run)
        later = dataclasses.replace(run, try_number=2)
        world.host.add_run(later, triggered_by=("anna",))
        again = world.ask(run=later)
        assert again["id"] == first["id"]
        assert world.entries("request.rebound", request=first["id"])[0]["try_number"] == 2

    def test_whoever_cleared_the_run_in_between_is_involved(self, world, run):
        first = world.ask(run=run)
        later = dataclasses.replace(run, try_number=2)
        world.host.add_run(later, triggered_by=("anna",), cleared_by=("bert",))
        again = world.ask(run=later)
        assert again["id"] == first["id"]
        assert "bert" in again["involved"]

    def test_the_second_staging_keeps_its_request_when_it_is_gone(self, world, run):
        first, second = world.ask(run=run), world.stage()
        assert world.ask(run=run, staging=second)["id"] == first["id"]
        world.decide(world.read(first["id"]), verdict="deny")
        shutil.rmtree(world.folder / "staging" / second)
        assert world.ask(run=run, staging=second)["state"] == "denied"

    def test_what_is_released_are_the_bytes_of_the_first(self, world, run):
        first, second = world.ask(run=run), world.stage()
        world.ask(run=run, staging=second)
        (world.folder / "staging" / second / "customers" / "part-00000.parquet").unlink()
        done = world.release(world.decide(world.read(first["id"])), dataclasses.replace(run, task_id="release"))
        assert done["state"] == "released"
        assert done["receipt"]["content_digest"] == first["content_digest"]

    def test_what_is_settled_is_asked_for_anew(self, world, run):
        first = world.ask(run=run)
        world.gate.withdraw(world.pipeline, first["id"])
        assert world.ask(run=run)["id"] != first["id"]


class TestAnother:
    """Whatever a reviewer would see as another request is another one."""

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"destination": "archive"}, id="another destination"),
            pytest.param({"destination": "site", "action": "publish"}, id="another action"),
            pytest.param({"requesters": ("cleo",)}, id="somebody more who is involved"),
            pytest.param({"rows": 5}, id="other bytes"),
        ],
    )
    def test_it_is_its_own(self, world, run, changes):
        first = world.ask(run=run)
        changes = dict(changes)
        staging = world.stage(changes.pop("rows", 4))
        assert world.ask(run=run, staging=staging, **changes)["id"] != first["id"]

    def test_another_reason(self, world, run):
        first = world.ask(run=run)
        assert world.bare(world.stage(), host=run, why="for the press")["id"] != first["id"]

    @pytest.mark.parametrize(
        "change", [{"run_id": "manual__elsewhere"}, {"map_index": 3}, {"task_id": "approve_too"}], ids=str
    )
    def test_another_run_or_task(self, world, run, change):
        first = world.ask(run=run)
        other = dataclasses.replace(run, **change)
        world.host.add_run(other, triggered_by=("anna",))
        assert world.ask(run=other)["id"] != first["id"]

    def test_a_token_that_is_an_agents_by_now(self, world, run, monkeypatch):
        first = world.ask(run=run)
        holder = dataclasses.replace(world.gate._parts.registry.holder("pipeline"), agent=True)
        monkeypatch.setattr(type(world.gate._parts.registry), "holder", lambda *_: holder)
        assert world.ask(run=run)["id"] != first["id"]

    def test_another_token_is_handed_nothing(self, world, run):
        first = world.ask(run=run)
        with pytest.raises(NotFound, match="no such staging"):
            world.bare(world.stage(), by=world.other, host=run)
        opened = world.gate.open_staging(world.other)["id"]
        shutil.copytree(
            world.folder / "staging" / first["staging"], world.folder / "staging" / opened, dirs_exist_ok=True
        )
        its = world.bare(opened, by=world.other, host=run)
        assert its["id"] != first["id"]
        assert "note" not in its

    def test_outside_of_runs_both_are_asked_for_and_the_caller_is_told(self, world):
        first = world.bare(world.stage(), why="by hand", requesters=("anna",))
        second = world.bare(world.stage(), why="by hand", requesters=("anna",))
        assert second["id"] != first["id"]
        assert first["id"] in second["note"]
        assert "note" not in first


class TestChangedAfterAsking:
    """A manifest that is another one when it is sealed is refused: somebody else may have been given its request."""

    def test_refused(self, world, run):
        first, other = world.ask(run=run, sealed=False), world.stage(6)
        assert world.ask(run=run, sealed=False)["id"] == first["id"]
        root = world.folder / "staging"
        shutil.rmtree(root / first["staging"])
        shutil.copytree(root / other, root / first["staging"])
        while world.gate.seal_waiting():
            pass
        refused = world.read(first["id"])
        assert refused["state"] == "refused"
        assert "was changed after it was asked for" in refused["message"]
