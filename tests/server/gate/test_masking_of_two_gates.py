"""Level mask with two gates on one database: what was brought to one, the other seals where they share a folder."""

from __future__ import annotations

import shutil

import pytest
from server.gate.source_world import SourceWorld, key_and_rules

from maskgate.gate.model import Caller
from maskgate.gate.releaser import ReleaserElsewhere
from maskgate.gate.sources import MaskOrder
from maskgate.gate.staged_names import MANIFEST
from maskgate.release.masking import mask_source
from maskgate.testing.gate_world import GateWorld

RELEASER = Caller("releaser", "exports")


@pytest.fixture(autouse=True, scope="module")
def _key_and_rules():
    with key_and_rules():
        yield


@pytest.fixture
def first(tmp_path, postgres_url):
    (tmp_path / "first").mkdir()
    before = len(GateWorld.made)
    yield SourceWorld(
        tmp_path / "first", database=postgres_url, releaser=ReleaserElsewhere(), sealed=tmp_path / "first" / "sealed"
    )
    worlds, GateWorld.made[before:] = GateWorld.made[before:], []
    for world in worlds:
        world.store.close()


def beside(first, folder, sealed):
    return first.beside(folder, releaser=ReleaserElsewhere(), sealed=sealed)


def bring(world, document):
    """Mask, as a releaser process does, and bring it to one gate."""
    (asked,) = world.gate.maskings_to_do(RELEASER, ["crm"])["maskings"]
    fence = world.gate.take_masking(RELEASER, document["id"], "x")["fence"]
    folder = world.folder / "masking"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    masked = mask_source(MaskOrder(world.source, tuple(asked["tables"]), folder), lambda *_: None)
    for path in (*(file.path for file in masked.files), MANIFEST):
        with (folder / path).open("rb") as stream:
            world.gate.put_masked(RELEASER, document["id"], fence, path, stream)
    world.gate.finish_masking(RELEASER, document["id"], fence, masked.as_json())


class TestSharedFolder:
    """Any gate seals what was brought to another, and finds what another has sealed."""

    def test_brought_to_one_sealed_by_the_other(self, first, tmp_path):
        second = beside(first, tmp_path / "second", sealed=first.sealed)
        document = first.ask_source(sealed=False)
        assert not second.gate.seal_waiting(), "there is nothing to seal before it is masked"
        bring(first, document)
        assert second.gate.seal_waiting()
        asked = second.read(document["id"])
        assert asked["state"] == "pending", asked["message"]
        assert asked["evidence"]["measured"]["masking"]["source"] == "crm"
        assert not (first.sealed / document["id"] / "masked").exists()


class TestFoldersOfTheirOwn:
    """Without a shared folder, the gate that has the files seals them; the other neither refuses nor asks anew."""

    def test_the_other_leaves_them_alone(self, first, tmp_path):
        second = beside(first, tmp_path / "second", sealed=tmp_path / "second" / "sealed")
        document = first.ask_source(sealed=False)
        bring(first, document)
        assert not second.gate.seal_waiting()
        assert first.gate.seal_waiting()
        assert first.read(document["id"])["state"] == "pending"

    def test_once_that_gate_is_gone_for_long_it_is_masked_again(self, first, tmp_path):
        second = beside(first, tmp_path / "second", sealed=tmp_path / "second" / "sealed")
        document = first.ask_source(sealed=False)
        bring(first, document)
        second.clock.forward(minutes=11)
        assert second.gate.seal_waiting()
        assert second.read(document["id"])["state"] == "sealing"
        second.clock.forward(minutes=2)
        bring(second, document)
        assert second.gate.seal_waiting()
        assert second.read(document["id"])["state"] == "pending"
