"""Level mask, within one process: the releaser masks a registered source, and what it says of it is measured."""

from __future__ import annotations

import base64

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from server.gate.source_world import MASKING, PEOPLE, SourceWorld, key_and_rules

from maskgate.errors import NotFound, Refused, UsageError
from maskgate.gate.model import RequestInput
from maskgate.gate.sources import MASKED_ROOT
from maskgate.keys import Key
from maskgate.release.releaser import DestinationReleaser
from maskgate.store import tables
from maskgate.testing.gate_world import POLICY
from maskgate.testing.host import airflow_run


@pytest.fixture(autouse=True, scope="module")
def _key_and_rules():
    with key_and_rules():
        yield


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A gate that tests share; each asks from a run of its own."""
    return SourceWorld(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def only_masked(tmp_path_factory):
    """A gate whose partner takes only what the releaser masks."""
    return SourceWorld(tmp_path_factory.mktemp("world"), level="mask")


def released_table(world, name):
    (path,) = [each for each in world.released() if each.endswith(f"{name}/part-00000.parquet")]
    return pq.read_table(world.folder / "released" / path)


class TestMaskedRelease:
    """Source, then masked files, then signature, then release; nobody but the releaser has seen an original."""

    def test_what_leaves_is_masked_and_what_was_signed(self, only_masked):
        world = only_masked
        document = world.ask_source()
        assert document["state"] == "pending", document["message"]
        assert document["level"] == "mask"
        task = airflow_run(run_id=document["host"]["run_id"], task_id="release")
        done = world.release(world.decide(document), task)
        assert done["state"] == "released", done["message"]
        assert done["receipt"]["content_digest"] == document["content_digest"]
        customers = released_table(world, "customers")
        assert customers.column_names == ["email", "full_name", "country"]
        assert not set(customers["email"].to_pylist()) & set(PEOPLE["email"]) - {None}
        assert released_table(world, "orders")["amount"].to_pylist() == [3, 4, 5]

    def test_masking_is_measured_and_not_declared(self, world):
        evidence = world.ask_source()["evidence"]
        masking = evidence["measured"]["masking"]
        assert masking["source"] == "crm"
        assert masking["rules_digest"] == world.source.rules.digest
        assert masking["keys"]["contact"]["version"] == 1
        assert masking["tables"]["customers"] == {"rows": 3, "no_value_survives": ["email"]}
        assert "keys" not in evidence["declared"]
        staged = world.ask()["evidence"]
        assert "masking" not in staged["measured"]
        assert staged["declared"]["keys"] == {"contact": 1}

    def test_the_fingerprint_tells_keys_apart_and_is_no_key(self, world, monkeypatch):
        first = world.ask_source()["evidence"]["measured"]["masking"]["keys"]["contact"]["fingerprint"]
        again = world.ask_source(tables=("orders",))["evidence"]["measured"]["masking"]["keys"]["contact"]
        assert again["fingerprint"] == first
        assert bytes.fromhex(first) not in b"k" * 32
        monkeypatch.setenv("MASKGATE_TEST_KEY", base64.b64encode(b"j" * 32).decode())
        other = world.ask_source(tables=("customers",))["evidence"]["measured"]["masking"]["keys"]["contact"]
        assert other["fingerprint"] != first

    def test_the_signature_covers_source_rules_and_keys(self, world):
        document = world.ask_source()
        with world.store.read() as work:
            row = work.execute(tables.requests.select().where(tables.requests.c.id == document["id"])).one()
        assert row.intent["masking"] == document["evidence"]["measured"]["masking"]
        assert row.intent["level"] == "mask"

    def test_some_tables_alone(self, world):
        document = world.ask_source(tables=("orders",))
        assert list(document["evidence"]["measured"]["tables"]) == ["orders"]

    def test_masked_files_lie_where_no_pipeline_writes_and_go_when_they_are_sealed(self, world):
        document = world.ask_source(sealed=False)
        with pytest.raises(UsageError, match="no staging root"):
            world.gate.put_file(world.pipeline, document["staging"], "customers/part-00000.parquet", None)
        world.gate.seal_waiting()
        assert not (world.folder / "sealed" / document["id"] / "masked").exists()
        world.decide(world.read(document["id"]), verdict="deny")
        world.gate.sweep()
        assert not (world.folder / "sealed" / document["id"]).exists()
        gone = [each["root"] for each in world.entries("staging.deleted") if each["staging"] == document["staging"]]
        assert gone == [MASKED_ROOT]
        size = len(world.entries())
        world.gate.sweep()
        assert len(world.entries()) == size

    def test_the_same_run_gets_the_same_request_and_another_run_its_own(self, world):
        run = airflow_run(run_id="manual__same")
        first = world.ask_source(run=run)
        assert world.ask_source(run=run)["id"] == first["id"]
        assert world.ask_source()["id"] != first["id"]
        assert len(world.entries("source.masked", request=first["id"])) == 1

    def test_the_ledger_has_counts_and_no_value(self, world):
        document = world.ask_source()
        (entry,) = world.entries("source.masked", request=document["id"])
        assert entry["keys"]["contact"]["version"] == 1
        assert "example.com" not in str(world.entries())


class TestRefused:
    """What cannot be masked as asked is refused before anybody is asked to sign."""

    def test_a_destination_of_level_mask_takes_nothing_that_a_pipeline_masked(self, only_masked):
        with pytest.raises(Refused, match="only what the releaser masks itself"):
            only_masked.ask()
        (entry,) = only_masked.entries("request.refused")
        assert "level mask" in entry["refusal"]

    def test_a_source_that_is_not_registered(self, world):
        with pytest.raises(UsageError, match="no source 'erp' is registered"):
            world.ask_source(source="erp")

    def test_a_table_that_the_source_has_not(self, world):
        with pytest.raises(UsageError, match='has no table "invoices"'):
            world.ask_source(tables=("invoices",))

    def test_other_rules_than_asked_for(self, world):
        with pytest.raises(UsageError, match="is masked by the rules"):
            world.ask_source(rules="sha256:" + "0" * 64)

    def test_a_policy_that_is_for_staged_files(self, world):
        with pytest.raises(Refused, match="no policy permits publish"):
            world.ask_source(action="publish", destination="partner")

    def test_originals_that_survive(self, world):
        leaking = {**PEOPLE, "country": PEOPLE["email"]}
        originals, run = world.folder / "originals" / "customers.parquet", airflow_run(run_id="manual__leaking")
        pq.write_table(pa.table(leaking), originals)
        document = world.ask_source(run=run)
        pq.write_table(pa.table(PEOPLE), originals)
        assert document["state"] == "refused"
        assert "no_value_survives" in document["message"]
        assert "example.com" not in str(document)
        assert world.ask_source(run=run)["id"] != document["id"], "what nobody decided may be asked again"

    def test_a_key_that_cannot_be_had(self, world, monkeypatch):
        monkeypatch.delenv("MASKGATE_TEST_KEY")
        document = world.ask_source()
        assert document["state"] == "refused"
        assert "MASKGATE_TEST_KEY" in document["message"]

    def test_a_staging_of_the_releaser_by_its_id(self, world):
        masked = world.ask_source()
        document = world.ask(staging=masked["staging"], run=airflow_run(run_id="manual__9"))
        assert document["state"] == "refused"
        assert "no longer in the gate's configuration" in document["message"]

    def test_somebody_elses_token(self, world):
        with pytest.raises(Exception, match="only a pipeline's token"):
            world.gate.create_request(world.auditor, RequestInput("", "partner", "mask", source="crm"))


class Interrupted(DestinationReleaser):
    """A releaser whose process ends while it masks."""

    is_on = True

    def mask(self, order, progress):
        if self.is_on:
            super().mask(order, lambda *_: None)
            raise KeyboardInterrupt
        return super().mask(order, progress)


THRESHOLD = MASKING.replace("    require:", "    evidence: {no_value_survives: [email]}\n    require:")


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A gate whose policy has that threshold."""
    return SourceWorld(tmp_path_factory.mktemp("strict"), policy=POLICY.replace("otherwise: refuse\n", THRESHOLD))


class TestSurvivorsAsAThreshold:
    """A policy may want it measured that no value of a column survives; the releaser measures it, table by table."""

    def test_where_it_was_looked_for(self, strict):
        document = strict.ask_source(tables=("customers",))
        assert document["state"] == "pending", document["message"]
        assert document["evidence"]["measured"]["masking"]["tables"]["customers"]["no_value_survives"] == ["email"]

    def test_a_table_that_has_the_column_and_was_not_looked_at(self, strict):
        document = strict.ask_source()
        assert document["state"] == "refused"
        assert 'table "orders": the policy wants that no value of "email" survives' in document["message"]

    def test_no_table_was_looked_at(self, strict):
        document = strict.ask_source(tables=("orders",))
        assert document["state"] == "refused"
        assert "of no table the releaser has looked" in document["message"]


class Watching(DestinationReleaser):
    """A releaser that looks at what lies in the open while it masks, and once it has."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def mask(self, order, progress):
        masked = super().mask(order, progress)
        self.seen += [file.read_bytes() for file in order.folder.rglob("*") if file.is_file()]
        return masked


class TestEncrypted:
    """A source with `encrypt:`: what is masked is encrypted from its first byte to its deletion."""

    @pytest.fixture
    def world(self, tmp_path):
        return SourceWorld(tmp_path, wrapping=Key("staging", bytes(range(32))), releaser=Watching())

    def sealed(self, world):
        return [path for path in (world.folder / "sealed").rglob("*") if path.is_file()]

    def test_nothing_lies_in_the_open_until_it_is_released(self, world):
        document = world.ask_source()
        assert document["state"] == "pending", document["message"]
        found = [*world.releaser.seen, *(path.read_bytes() for path in self.sealed(world))]
        assert len(found) == 6
        for content in found:
            assert b"PAR1" not in content
            assert b"em_" not in content
        assert document["evidence"]["measured"]["tables"]["customers"]["rows"] == 3
        task = airflow_run(run_id=document["host"]["run_id"], task_id="release")
        done = world.release(world.decide(document), task)
        assert done["state"] == "released", done["message"]
        assert released_table(world, "orders")["amount"].to_pylist() == [3, 4, 5]

    def test_the_key_is_erased_with_it(self, world):
        document = world.ask_source()
        world.decide(document, verdict="deny")
        world.gate.sweep()
        assert [each["staging"] for each in world.entries("staging.key_erased")] == [document["staging"]]
        assert self.sealed(world) == []

    def test_without_the_key_it_is_neither_shown_nor_released(self, world):
        document = world.decide(world.ask_source())
        world.wrapping = None
        world.store.close()
        world.start()
        done = world.release(document, airflow_run(run_id=document["host"]["run_id"], task_id="release"))
        assert done["state"] == "failed"
        assert "Put `encrypt:` back" in done["message"]
        assert world.released() == []


class TestInterrupted:
    """Masking that was cut off begins anew, and gives the same bytes."""

    def test_masks_again(self, tmp_path):
        world = SourceWorld(tmp_path, releaser=Interrupted())
        document = world.ask_source(sealed=False)
        with pytest.raises(KeyboardInterrupt):
            world.gate.seal_waiting()
        assert world.read(document["id"])["state"] == "sealing"
        world.releaser.is_on = False
        world.store.close()
        world.start()
        while world.gate.seal_waiting():
            pass
        done = world.read(document["id"])
        assert done["state"] == "pending", done["message"]
        assert len(world.entries("source.masked")) == 1
        assert [each.name for each in (world.folder / "sealed" / document["id"]).iterdir()] == ["2"]


class TestTampered:
    """What the releaser wrote is what is sealed and released, whatever the database says of level and files."""

    tampers = True

    def test_a_row_that_says_mask_of_what_a_pipeline_staged(self, world):
        document = world.decide(world.ask())
        with world.store.write() as work:
            work.execute(tables.requests.update().where(tables.requests.c.id == document["id"]).values(level="mask"))
        with pytest.raises((Refused, NotFound), match="none that the releaser has masked"):
            world.release(document)
        assert world.read(document["id"])["state"] == "approved"
