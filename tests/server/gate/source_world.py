"""A gate with a source of originals that its releaser masks."""

from __future__ import annotations

import base64
import dataclasses
import itertools
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.gate.model import RequestInput
from maskgate.gate.sources import Source
from maskgate.rules import load_rules
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run
from maskgate.testing.staged_tables import RULES_TEXT

if TYPE_CHECKING:
    from maskgate.keys import Key

SURVIVES = """
    check: {no_value_survives: [email]}
  orders:
"""
RULES = RULES_TEXT.replace("\n  orders:\n", SURVIVES, 1)
RUNS = itertools.count(100)
MASKING = """\
  - name: masked by the releaser
    when: {action: mask, level: mask}
    require: {slots: {privacy: 1}}
    channels: [web]
    expires: 24h
otherwise: refuse
"""
PEOPLE = {
    "email": ["ann@example.com", None, "bob@example.com"],
    "full_name": ["Ann Ahlgren", "Cy Cole", None],
    "ssn": ["536-90-4399", "536-90-4398", None],
    "country": ["NO", "SE", "NO"],
}


@dataclass
class SourceWorld(GateWorld):
    """A gate with a source of originals that only its releaser reads."""

    policy: str = POLICY.replace("otherwise: refuse\n", MASKING)
    level: str = "release"
    wrapping: Key | None = None

    def __post_init__(self):
        originals = self.folder / "originals"
        originals.mkdir(exist_ok=True)
        pq.write_table(pa.table(PEOPLE), originals / "customers.parquet")
        orders = {"email": PEOPLE["email"], "amount": [3, 4, 5]}
        pq.write_table(pa.table(orders), originals / "orders.parquet")
        super().__post_init__()

    @property
    def source(self):
        places = {
            name: str((self.places or self.folder) / "originals" / f"{name}.parquet")
            for name in ("customers", "orders")
        }
        return Source("crm", load_rules(RULES), places, encrypt=self.wrapping)

    @property
    def registry(self):
        found = super().registry
        partner = dataclasses.replace(found.destinations["partner"], level=self.level)
        places = {**found.destinations, "partner": partner}
        return dataclasses.replace(found, destinations=places, sources={"crm": self.source})

    def ask_source(self, *, sealed=True, run=None, **more):
        wanted = {"staging": "", "destination": "partner", "action": "mask", "source": "crm", **more}
        run = run or airflow_run(run_id=f"manual__{next(RUNS)}")
        if run.run_id not in self.host.runs:
            self.host.add_run(run, triggered_by=("anna",))
        document = self.gate.create_request(self.pipeline, RequestInput(**wanted, host=run))
        while sealed and self.gate.seal_waiting():
            pass
        return self.read(document["id"])


@contextmanager
def key_and_rules():
    """Have the key that the rules of the source refer to, and register these rules at every gate."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MASKGATE_TEST_KEY", base64.b64encode(b"k" * 32).decode())
        for module in ("gate_world", "staged_tables"):
            patched.setattr(f"maskgate.testing.{module}.RULES_TEXT", RULES)
        yield
