"""Running a releaser process: one at a time on its folder, until it is stopped."""

from __future__ import annotations

import fcntl
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from maskgate.errors import MaskgateError
from maskgate.gate.ring import Ring
from maskgate.release.dry_run_turn import DryRunTurn
from maskgate.release.gate_link import GateLink
from maskgate.release.handler_turn import HandlerTurn
from maskgate.release.masking_turn import MaskedRecords, MaskingTurn
from maskgate.release.process import ReleaserProcess, run_releaser
from maskgate.release.releaser import DestinationReleaser
from maskgate.release.sealed_files import SealedFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from maskgate.server.releaser_configuration import ReleaserConfiguration


def run(configuration: ReleaserConfiguration, say: Callable[[str], None]) -> None:
    """Run a releaser until it is stopped by a signal.

    Raises:
        KeyReferenceError: If there is no ring to trust.
        MaskgateError: If another releaser runs on the same folder.
    """
    ring = Ring.load(configuration.ring)
    stopping = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stopping.set())
    with _alone(configuration.state), make_link(configuration) as link:
        say(f"this releaser asks {configuration.gate} for releases to {', '.join(sorted(configuration.destinations))}")
        say(f"it trusts the keys of {configuration.ring}: {', '.join(key.fingerprint for key in ring.keys)}")
        run_releaser(make_process(configuration, link), stopping.is_set, stopping.wait)
    say("the releaser has stopped")


def make_link(configuration: ReleaserConfiguration) -> GateLink:
    """Connect to the gate."""
    return GateLink(configuration.gate, configuration.token)


def make_process(configuration: ReleaserConfiguration, link: GateLink) -> ReleaserProcess:
    """Put a releaser's parts together."""
    releaser, state = DestinationReleaser(configuration.bytes_per_second), configuration.state
    records = MaskedRecords(state / "masked")
    return ReleaserProcess(
        link=link,
        ring=configuration.ring,
        destinations=configuration.destinations,
        releaser=releaser,
        files=SealedFiles(state / "spool", configuration.sealed),
        masking=MaskingTurn(link, configuration.sources, releaser, state / "masking", records),
        acting=HandlerTurn(link, configuration.handlers, state / "actions"),
        trying=DryRunTurn(link, configuration.ring, configuration.handlers),
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "releaser.lock").open("wb")
    except OSError as error:
        raise MaskgateError(f"`state:` {folder} cannot be used: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise MaskgateError(f"another releaser runs on {folder}. Stop that one first") from None
        yield
