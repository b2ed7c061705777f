"""A gate whose one destination is of any kind and mode, and its release in a process of its own that is cut off."""

from __future__ import annotations

import dataclasses
import multiprocessing
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskgate.gate import fault_points
from maskgate.testing.gate_world import GateWorld

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.process import BaseProcess

    from maskgate.gate.model import Destination
    from maskgate.gate.registry import Registry
    from maskgate.testing.still_clock import StillClock

_PATIENCE_SECONDS = 60


@dataclass
class PlacedWorld(GateWorld):
    """A gate whose destination `partner` is the one under test."""

    partner: Destination = field(kw_only=True)

    @property
    def registry(self) -> Registry:
        """What is configured: this destination alone."""
        return dataclasses.replace(super().registry, destinations={"partner": self.partner})

    def start_release(self, document: Mapping[str, Any], fault: str) -> BaseProcess:
        """Release in a process of its own, which is killed or stops at a point."""
        # Not a fork of this process: it has threads, whose locks nobody would ever give back.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        process = context.Process(target=_release, args=(self.folder, self.partner, document, fault, self.clock))
        process.start()
        return process


def wait_until_stopped(process: BaseProcess) -> None:
    """Wait until a process has stopped itself.

    Raises:
        TimeoutError: If it does not, or has ended.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while process.is_alive() and time.monotonic() < deadline:
        if Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T":
            return
        time.sleep(0.01)
    raise TimeoutError(f"the process did not stop (it ended with {process.exitcode})")


def _release(folder: Path, partner: Destination, document: Mapping[str, Any], fault: str, clock: StillClock) -> None:
    world = PlacedWorld(folder, partner=partner, clock=clock)
    fault_points.arm(fault)
    world.release(document)
