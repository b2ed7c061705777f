"""What one token keeps open is counted where it is added, so that clients at once get no more than one would."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

from maskgate.errors import TooMany
from maskgate.gate.model import Limits
from maskgate.testing.gate_world import GateWorld


class SmallWorld(GateWorld):
    """A gate where a token keeps three stagings."""

    @property
    def registry(self):
        return dataclasses.replace(super().registry, limits=Limits(stagings_per_token=3))


class TestStagings:
    """Three are three, however many ask at once."""

    def test_twelve_clients_at_once(self, tmp_path):
        world = SmallWorld(tmp_path)

        def open_one(_):
            try:
                return world.gate.open_staging(world.pipeline)["id"]
            except TooMany:
                return None

        with ThreadPoolExecutor(12) as clients:
            opened = [each for each in clients.map(open_one, range(24)) if each]
        assert len(opened) == 3
        assert sorted(path.name for path in (tmp_path / "staging").iterdir() if path.name in opened) == sorted(opened)
        assert len(world.entries("staging.opened")) == 3
