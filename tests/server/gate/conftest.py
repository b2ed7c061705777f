"""Whatever a test does with a gate, the ledger holds afterwards, unless the test tampered with the tables."""

from __future__ import annotations

import pytest

from maskgate.gate.kept_rows import check_kept_rows
from maskgate.ledger import verify
from maskgate.testing.gate_world import GateWorld


@pytest.fixture(autouse=True)
def _the_ledger_holds(request):
    before = len(GateWorld.made)
    yield
    for world in GateWorld.made[before:]:
        if not getattr(request.cls, "tampers", False):
            with world.store.read() as work:
                assert verify(work).problems == ()
                assert list(check_kept_rows(work)) == []
    del GateWorld.made[before:]
