from __future__ import annotations

import dataclasses

import pytest

from maskgate.gate.model import Destination, Limits, StagingRoot
from maskgate.gate.releaser import ReleaseOrder
from maskgate.gate.sealing import seal
from maskgate.gate.staging import Staging, new_staging_id
from maskgate.testing.staged_tables import masked_tables, sample_rules, staged_bytes, write_staged


@pytest.fixture(scope="session")
def sealed_once(tmp_path_factory):
    """A sealed copy as the gate makes it; tests that spoil one take `sealed`."""
    folder = tmp_path_factory.mktemp("gate")
    rules = sample_rules()
    staging = Staging(StagingRoot(id="shared", uri=str(folder / "staging")))
    opened = staging.open(staging_id := new_staging_id())
    write_staged(opened.uri, staged_bytes(masked_tables(rows=2000), rules))
    return seal(
        staging,
        staging_id,
        folder / "sealed",
        rules={rules.digest: rules},
        limits=Limits(seal_seconds=60, seal_memory_mb=1024),
        progress=lambda *_: None,
    )


@pytest.fixture
def sealed(sealed_once, tmp_path):
    """A sealed copy of one's own."""
    copy = tmp_path / "sealed"
    for file in sealed_once.files:
        target = copy / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((type(tmp_path)(sealed_once.folder) / file.path).read_bytes())
    return dataclasses.replace(sealed_once, folder=str(copy))


@pytest.fixture
def order_of(sealed):
    def make(uri, *, fence=1, options=None, grant="grant-1", version="20261124T080000Z-req_1", mode="new_version"):
        destination = Destination(id="partner", uri=uri, trust="external", mode=mode, options=options or {})
        return ReleaseOrder(grant, fence, "req_1", destination, sealed, version)

    return make
