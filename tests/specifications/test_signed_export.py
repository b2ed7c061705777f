"""Must hold 1 and 6: what was signed is what leaves, once."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from specifications.originals import ROWS

pytestmark = pytest.mark.timeout(900)
SIGNED = pytest.mark.run("signed", "gated")


@SIGNED
class TestSignedExport:
    """A reviewer signs under *Required Actions*; the gate releases exactly the bytes that were signed."""

    @pytest.fixture(scope="class")
    @classmethod
    def signed(cls, world):
        run = world.runs["signed"]
        world.parked(run)
        request = world.request(run)
        sealed = {
            Path(*path.parts[-2:]): path.read_bytes()  # below that, the folder of the attempt that sealed it
            for folder in [
                next(world.gate.home.glob(f"sealed/*{request['id']}*"), world.gate.staging / request["staging"])
            ]
            for path in folder.rglob("*.parquet")
        }
        world.answer(run, "reviewer")
        world.ended(run, "success")
        return world.request(run), sealed

    def test_the_released_files_are_the_sealed_ones_byte_for_byte(self, world, run, signed):
        request, sealed = signed
        version = world.version(request["id"])
        assert {path.relative_to(version): path.read_bytes() for path in version.rglob("*.parquet")} == sealed
        assert len(sealed) == 2

    def test_the_receipt_travels_as_xcom(self, world, run, signed):
        request, _ = signed
        receipt = world.user("admin").xcom(run.dag_id, run.run_id, "release")
        assert receipt == request["receipt"]
        assert receipt["location"] == str(world.version(request["id"]))
        assert {file["path"] for file in receipt["files"]} == {
            "customers/part-00000.parquet",
            "orders/part-00000.parquet",
            "manifest.json",
        }

    def test_tokens_of_both_tables_join(self, world, signed):
        request, _ = signed
        version = world.version(request["id"])
        customers = pq.read_table(version / "customers").column("customer_id").to_pylist()
        orders = pq.read_table(version / "orders").column("customer_id").to_pylist()
        assert len(set(customers)) == ROWS["customers"]
        assert len(orders) == ROWS["orders"]
        assert set(orders) <= set(customers)

    def test_the_ledger_tells_the_whole_story(self, world, signed):
        request, _ = signed
        wanted = ["request.created", "request.sealed", "decision.approve", "grant.issued", "release.completed"]
        types = world.ledger_types(request["id"])
        assert [entry for entry in types if entry in wanted] == wanted

    def test_only_ids_and_counts_travel_between_tasks(self, world, run, signed):
        reference = world.user("admin").xcom(run.dag_id, run.run_id, "mask")
        assert reference == {
            "staging": signed[0]["staging"],
            "tables": {name: {"rows": rows} for name, rows in ROWS.items()},
        }
        assert world.user("admin").xcom(run.dag_id, run.run_id, "approve") == {"request": signed[0]["id"]}

    def test_airflow_can_show_who_signed_and_what_was_done_to_each_column(self, world, run, signed):
        events = world.user("admin").read("/assets/events", source_run_id=run.run_id)["asset_events"]
        by_task = {event["source_task_id"]: event["extra"]["maskgate"] for event in events}
        customers = next(table for table in by_task["mask"]["lineage"]["tables"] if table["table"] == "customers")
        email = next(column for column in customers["columns"] if column["output"] == "email")
        assert (email["input"], email["method"], email["domain"]) == ("email", "token", "email")
        assert by_task["release"]["decisions"][0]["person"] == "reviewer"
        assert by_task["release"]["receipt"] == signed[0]["receipt"]

    def test_openlineage_says_that_columns_are_masked(self, world, run, signed):
        events = [json.loads(line) for line in (world.root / "openlineage.jsonl").read_text().splitlines()]
        outputs = [
            output
            for event in events
            if event["eventType"] == "COMPLETE" and event["job"]["name"] in {"gated.mask", "gated.release"}
            for output in event["outputs"]
            if output["name"].endswith("customers")
        ]
        assert outputs
        for output in outputs:
            email = output["facets"]["columnLineage"]["fields"]["email"]["inputFields"][0]
            assert email["field"] == "email"
            assert email["transformations"][0]["masking"] is True

    def test_a_cleared_release_returns_the_stored_receipt_and_copies_nothing(self, world, run, signed):
        request, _ = signed
        version = world.version(request["id"])
        before = {path: path.stat().st_mtime_ns for path in version.rglob("*")}
        assert world.user("requester").clear(run.dag_id, run.run_id, "release").is_success
        world.ended(run, "success")
        assert world.user("admin").task(run.dag_id, run.run_id, "release")["try_number"] == 2
        assert world.user("admin").xcom(run.dag_id, run.run_id, "release") == request["receipt"]
        assert {path: path.stat().st_mtime_ns for path in world.version(request["id"]).rglob("*")} == before
        assert world.ledger_types(request["id"]).count("release.completed") == 1

    def test_the_staging_is_gone_after_the_release(self, world, signed):
        assert not (world.gate.staging / signed[0]["staging"]).exists()


@pytest.mark.run("allowed", "decorated", conf={"destination": "archive"})
class TestAllowedCopy:
    """What the policy allows without a signature is recorded, not asked; `@task.anonymize` masks before it pushes."""

    def test_it_is_released_without_a_question(self, world, run):
        world.ended(run, "success")
        request = world.request(run)
        assert world.user("admin").question(run.dag_id, run.run_id, "approve") is None
        assert request["decisions"] == []
        assert pq.read_table(world.version(request["id"]) / "orders").num_rows == ROWS["orders"]

    def test_it_is_in_the_ledger(self, world, run):
        types = world.ledger_types(world.request(run)["id"])
        assert {"request.sealed", "grant.issued", "release.completed"} <= set(types)


@pytest.mark.run("nowhere", "gated", conf={"destination": "nowhere"})
class TestUnregisteredDestination:
    """A destination that nobody registered is refused, by name."""

    def test_the_run_fails_with_one_clear_message(self, world, run):
        world.ended(run, "failed")
        assert "nowhere" in world.log(run, "approve")
        assert "registered" in world.log(run, "approve")
        world.nothing_left(run)
