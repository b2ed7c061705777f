from __future__ import annotations

import json

import pyarrow as pa
import pytest

from maskgate.datasets import mask_dataset
from maskgate.errors import Refused
from maskgate.gate.manifest import parse_manifest
from maskgate.gate.model import Limits, StagingRoot
from maskgate.gate.staged_manifest import read_manifest
from maskgate.gate.staging import Staging, new_staging_id
from maskgate.rules import load_rules
from maskgate.testing.measured_once import seal_measured_once

RULES = load_rules(
    "version: 1\ntables: {customers: {columns: {name: redact, country: keep}}, orders: {columns: {total: keep}}}"
)
OTHERS = load_rules("version: 1\ntables: {orders: {columns: {total: redact}}}")
CUSTOMERS = pa.table({"name": ["Ann", "Bo"], "country": ["DE", "FR"]})
ORDERS = pa.table({"total": [1, 2]})
LIMITS = Limits(seal_seconds=60, seal_memory_mb=1024)
SEALED = {"manifest.json", "customers/part-00000.parquet"}


class Stage:
    """A staging in a shared folder."""

    def __init__(self, tmp_path):
        self.staging = Staging(StagingRoot(id="shared", uri=str(tmp_path / "staging")))
        self.id = new_staging_id()
        self.folder = tmp_path / "staging" / self.id
        self.sealed = tmp_path / "sealed"
        self.staging.open(self.id)

    def mask(self, table, name, *, into=".", rules=RULES):
        mask_dataset(table, str(self.folder / into), rules, table_name=name)

    def seal(self):
        known = {RULES.digest: RULES, OTHERS.digest: OTHERS}
        limits = {"limits": LIMITS, "progress": lambda *_: None}
        return seal_measured_once(self.staging, self.id, self.sealed, rules=known, **limits)

    def refusal(self):
        with pytest.raises(Refused) as caught:
            read_manifest(self.staging, self.id)
        return str(caught.value)


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


class TestOneTable:
    """Masking one table into the staging itself, or into its folder there, stages it."""

    @pytest.mark.parametrize("into", [".", "customers"])
    def test_is_sealed_in_its_folder(self, stage, into):
        stage.mask(CUSTOMERS, "customers", into=into)
        sealed = stage.seal()
        assert {file.path for file in sealed.files} == SEALED
        kept = parse_manifest((stage.sealed / "manifest.json").read_bytes())
        assert [file.path for file in kept.files] == ["customers/part-00000.parquet"]

    def test_has_the_same_content_wherever_it_was_masked_to(self, stage, tmp_path):
        other = Stage(tmp_path / "other")
        stage.mask(CUSTOMERS, "customers")
        other.mask(CUSTOMERS, "customers", into="customers")
        assert stage.seal().content_digest == other.seal().content_digest

    def test_changed_afterwards_is_refused(self, stage):
        stage.mask(CUSTOMERS, "customers")
        part = stage.folder / "part-00000.parquet"
        part.chmod(0o600)
        part.write_bytes(part.read_bytes()[::-1])
        with pytest.raises(Refused, match="not the one"):
            stage.seal()

    def test_beside_what_its_manifest_does_not_name_is_refused(self, stage):
        stage.mask(CUSTOMERS, "customers")
        (stage.folder / "part-00001.parquet").write_bytes(b"x")
        with pytest.raises(Refused, match="does not name it"):
            stage.seal()


class TestTablesMaskedOneByOne:
    """Each folder brings the manifest of its table; together they are one."""

    def test_are_sealed_together(self, stage):
        stage.mask(CUSTOMERS, "customers", into="customers")
        stage.mask(ORDERS, "orders", into="orders")
        sealed = stage.seal()
        assert {file.path for file in sealed.files} == SEALED | {"orders/part-00000.parquet"}
        assert [(table.name, table.rows) for table in sealed.tables] == [("customers", 2), ("orders", 2)]

    def test_in_a_folder_of_another_name_are_refused(self, stage):
        stage.mask(CUSTOMERS, "customers", into="clients")
        assert 'not the manifest of the one table "clients"' in stage.refusal()

    def test_by_different_rules_are_refused(self, stage):
        stage.mask(CUSTOMERS, "customers", into="customers")
        stage.mask(ORDERS, "orders", into="orders", rules=OTHERS)
        assert "masked by different rules" in stage.refusal()

    def test_with_different_versions_of_a_key_are_refused(self, stage):
        for name, table, version in (("customers", CUSTOMERS, 1), ("orders", ORDERS, 2)):
            stage.mask(table, name, into=name)
            path = stage.folder / name / "manifest.json"
            path.write_text(json.dumps({**json.loads(path.read_text()), "keys": {"people": version}}))
        assert 'two versions of the key "people"' in stage.refusal()

    def test_beside_one_manifest_for_all_are_refused(self, stage):
        stage.mask(CUSTOMERS, "customers")
        stage.mask(ORDERS, "orders", into="orders")
        with pytest.raises(Refused, match="does not name it"):
            stage.seal()


class TestNoManifest:
    """Files alone say nothing."""

    def test_is_refused(self, stage):
        (stage.folder / "customers").mkdir()
        (stage.folder / "customers/part-00000.parquet").write_bytes(b"x")
        assert "has no manifest.json" in stage.refusal()
