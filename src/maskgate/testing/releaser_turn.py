"""One turn of a releaser process, in a process of its own that is made quickly, and may be cut off on its way."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

from maskgate.gate import fault_points
from maskgate.server.releaser_configuration import load_releaser
from maskgate.server.releasing import make_link, make_process

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


def start_turn(configuration: Path, fault: str = "") -> ForkServerProcess:
    """Start a releaser that does what there is to do, and ends.

    Args:
        configuration: The ``releaser.yaml``.
        fault: Where it is cut off, as ``MASKGATE_FAULT`` has it; empty for nowhere.
    """
    process = _CONTEXT.Process(target=_take_turn, args=(configuration, fault))
    process.start()
    return process


def _take_turn(configuration: Path, fault: str) -> None:
    fault_points.arm(fault)
    found = load_releaser(configuration)
    with make_link(found) as link:
        process = make_process(found, link)
        process.start()
        while process.step():
            pass
