from __future__ import annotations

import base64

import pyarrow as pa
import pytest

from maskgate import load_rules
from maskgate.datasets import mask_bundle
from maskgate.gate.evidence import judge
from maskgate.gate.model import Floor, Limits, StagingRoot, Thresholds
from maskgate.gate.sealing import seal
from maskgate.gate.staging import Staging, new_staging_id

RULES = """
version: 1
keys: {people: env:MASKGATE_TEST_KEY}
domains:
  customer: {scheme: cmac, key: people}
  email: {scheme: hmac, key: people, prefix: em_, normalize: [trim, lower]}
tables:
  customers:
    entity: customer_id
    columns:
      customer_id: {method: token, domain: customer}
      email: {method: token, domain: email}
      full_name: redact
      ssn: drop
      phone: nullify
      birth_date: {method: generalize, to: year}
      income: {method: noise, kind: laplace, scale: 500, min: 0, max: 250000, round_to: 100}
      signed_up_at: {method: shift_date, days: 180}
      card: {method: mask, keep_last: 4}
      country: keep
"""


def customers(rows):
    day = 86_400_000_000
    return pa.table(
        {
            "customer_id": pa.array(range(rows), pa.int64()),
            "email": pa.array(
                [None if row % 5 == 1 else f"person{row}@example.com" for row in range(rows)], pa.string()
            ),
            "full_name": pa.array([f"Person {row}" for row in range(rows)], pa.string()),
            "ssn": pa.array([f"123-45-{row:04}" for row in range(rows)], pa.string()),
            "phone": pa.array([f"+4790000{row:03}" for row in range(rows)], pa.string()),
            "birth_date": pa.array([row * 300 for row in range(rows)], pa.date32()),
            "income": pa.array([row * 1000.0 for row in range(rows)], pa.float64()),
            "signed_up_at": pa.array([row * day for row in range(rows)], pa.timestamp("us", "UTC")),
            "card": pa.array([f"41111111{row:08}" for row in range(rows)], pa.string()),
            "country": pa.array(["" if row % 7 == 2 else "NO" for row in range(rows)], pa.string()),
        }
    ).replace_schema_metadata({"made by": "somebody"})


@pytest.mark.parametrize("rows", [0, 1, 200])
class TestSealingOfABundle:
    """What `mask_bundle` writes is what the gate takes, for every method and without a word against it."""

    @pytest.fixture
    def rules(self, monkeypatch):
        monkeypatch.setenv("MASKGATE_TEST_KEY", base64.b64encode(bytes(range(32))).decode())
        return load_rules(RULES)

    def test_nothing_stands_against_it(self, rules, rows, tmp_path):
        staging = Staging(StagingRoot(id="shared", uri=str(tmp_path / "staging")))
        opened = staging.open(staging_id := new_staging_id())
        mask_bundle({"customers": customers(rows)}, opened.uri, rules)
        limits = Limits(seal_seconds=60, seal_memory_mb=1024)
        known = {rules.digest: rules}
        sealed = seal(staging, staging_id, tmp_path / "sealed", rules=known, limits=limits, progress=lambda *_: None)
        floor = Floor(direct_identifier=("drop", "redact", "nullify", "token", "mask"))
        evidence = judge(sealed, rules, floor, Thresholds())
        assert evidence.refusals == ()
        assert evidence.measured["tables"]["customers"]["rows"] == rows
        assert evidence.measured["tables"]["customers"]["columns"]["phone"]["nulls"] == rows
        assert evidence.declared["tables"]["customers"]["columns"]["email"]["method"] == "token"
