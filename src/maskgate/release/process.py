"""The releaser as a process of its own: it holds the credentials, and trusts the ring that it has pinned.

::

    ask the gate ─▶ verify ─▶ take (fence) ─▶ fetch and copy ─▶ committing ─▶ publish ─▶ finish

* It verifies before it takes anything, by its own ring and registry (see ``verification.py``).
* It copies nothing that does not hash to what was signed, and publishes nothing without the gate's compare-and-set.
* What it does not know the end of, it leaves: the next attempt asks the destination first.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from maskgate.clock import moment
from maskgate.errors import Conflict, GateUnreachable, KeyReferenceError, MaskgateError, Refused
from maskgate.gate.brokering import BROKER
from maskgate.gate.consumption import LENT_FOR
from maskgate.gate.envelope import keyid_of
from maskgate.gate.fault_points import reach
from maskgate.gate.releaser import location_of
from maskgate.gate.ring import Ring
from maskgate.release.verification import COMMITTING, OfferedRelease, verify_release

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from maskgate.gate.model import Destination
    from maskgate.gate.releaser import ReleaseOrder
    from maskgate.release.dry_run_turn import DryRunTurn
    from maskgate.release.gate_link import GateLink
    from maskgate.release.handler_turn import HandlerTurn
    from maskgate.release.masking_turn import MaskingTurn
    from maskgate.release.releaser import DestinationReleaser
    from maskgate.release.sealed_files import SealedFiles

_LOG = logging.getLogger("maskgate.releaser")
_STEPS, _RENEW_SECONDS = 20, 10.0
_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_STOPPING_SECONDS = 5.0


@dataclass(frozen=True)
class ReleaserProcess:
    """What a releaser process works with.

    Attributes:
        link: The gate.
        ring: The file of the pinned ring; read anew for each look, so that a new ring needs no restart.
        destinations: Its own registry, with credentials.
        releaser: Copies and publishes.
        files: Where sealed copies come from.
        masking: What it masks, and has masked.
        acting: What it carries out by handlers.
        trying: What it says that these would do.
        instance: Random name of this process.
    """

    link: GateLink
    ring: Path
    destinations: Mapping[str, Destination]
    releaser: DestinationReleaser
    files: SealedFiles
    masking: MaskingTurn
    acting: HandlerTurn
    trying: DryRunTurn
    instance: str = field(default_factory=lambda: secrets.token_hex(8))

    def start(self) -> None:
        """Begin: what an earlier process of this releaser held is over.

        Raises:
            KeyReferenceError: If there is no ring.
            GateUnreachable: If the gate does not answer.
        """
        Ring.load(self.ring)
        self.files.clear()
        self.masking.start()
        self.link.start(self.instance)

    def step(self) -> bool:
        """Carry out what the gate has to release or to do now, and then to mask; say whether there was anything."""
        ring = Ring.load(self.ring)
        answer = self.link.releases(list(self.destinations))
        offered = answer.get("releases")
        if not isinstance(offered, list):
            raise GateUnreachable(f"{self.link.url} answered, but not as a gate does")
        now = moment(str(answer.get("now")))
        has_released = any(self._release(each, ring, now) for each in offered)
        return has_released or self.acting.step(ring, self.instance) or self.masking.step(self.instance)

    def _release(self, value: Mapping[str, Any], ring: Ring, now: datetime) -> bool:
        """Carry one release out; say whether it was this process's to do."""
        offered = OfferedRelease.from_json(value)
        refusal = self._refusal(offered, ring, now)
        try:
            taken = self.link.take(offered.request, self.instance)
            fence = int(taken["fence"])
            # The state may be another by now, and so may the time; so it is verified again.
            offered = replace(offered, state=str(taken["state"]))
            if refusal is not None:
                self._refused(offered, fence, ring, refusal)
            else:
                self._go_on(offered, fence, ring, moment(str(taken["now"])), lent=str(taken.get("lent", "no")))
        except Conflict:
            return False  # Somebody else has it, or has taken over; they finish, or say why not.
        finally:
            self.files.remove(offered.request)
        return True

    def _refusal(self, offered: OfferedRelease, ring: Ring, now: datetime) -> Refused | None:
        try:
            self._verified(offered, ring, now)
        except Refused as error:
            return error
        return None

    def _verified(self, offered: OfferedRelease, ring: Ring, now: datetime) -> ReleaseOrder:
        folder = self.files.folder_of(offered.request, offered.copy, encrypted=offered.encrypted)
        order = verify_release(offered, ring, self.destinations, now, folder)
        self.masking.records.check(order)
        return order

    def _go_on(self, offered: OfferedRelease, fence: int, ring: Ring, now: datetime, *, lent: str) -> None:
        try:
            order = self._verified(offered, ring, now)
            order = replace(order, fence=fence)
            if order.destination.level == BROKER and offered.state != COMMITTING:
                self._broker(order, lent, now)
            else:
                self._carry_out(order, offered.state)
        except (Conflict, GateUnreachable):
            raise  # Nobody can be told; the next attempt asks the destination first.
        except Refused as error:
            self._refused(offered, fence, ring, error)
        except MaskgateError as error:
            self.link.end(offered.request, fence, "later", str(error))
        except Exception as error:  # noqa: BLE001  storage libraries raise what they like
            # The kind alone: a foreign message may hold an address with a credential.
            why = f"the destination could not be written ({type(error).__name__})."
            self.link.end(offered.request, fence, "later", why)

    def _refused(self, offered: OfferedRelease, fence: int, ring: Ring, error: Refused) -> None:
        """Say a refusal: for good, unless a newer ring could know the key, or something may be visible already."""
        _LOG.warning("request %s is not released: %s", offered.request, error)
        is_new_key = keyid_of(offered.envelope) not in ring
        outcome = "later" if is_new_key or offered.state == COMMITTING else "failed"
        hint = " If the gate's key was replaced, give this releaser the new ring." if is_new_key else ""
        self.link.end(offered.request, fence, outcome, f"the releaser refuses: {error}{hint}")

    def _carry_out(self, order: ReleaseOrder, state: str) -> None:
        request, fence = order.request, order.fence
        order = self.files.bring(self.link, order)
        if state == COMMITTING:
            found = self.releaser.probe(order)
            if found == "committed":
                self.releaser.commit(order)  # changes nothing that is published; what is left beside it is cleared
                self._finish(order)
                return
            if found != "absent":
                self.link.end(request, fence, "indeterminate", "it cannot be found out whether it was published.")
                return
            self.releaser.clean(order)  # who was asleep until now finds nothing left to publish
            self.link.copy_again(request, fence)
        reach("before copy")
        self.releaser.copy(order, _Progress(self.link, order))
        reach("after copy")
        self._publish(order)

    def _broker(self, order: ReleaseOrder, lent: str, now: datetime) -> None:
        """Lend a credential to whoever asked; or publish what it has written, after looking at it.

        Raises:
            Refused: If it did not write the files in time; what it did write is removed.
        """
        if lent == "over":
            self.releaser.clean(order)
            raise Refused("whoever asked did not write the files in time. Nothing was published; ask again.")
        refusal = ""
        if lent == "receipt":
            try:
                self.releaser.check_uploads(order)
            except Refused as error:
                refusal = str(error)
        if lent == "no" or refusal:
            credential = self.releaser.lend(order, now, now + LENT_FOR)
            self.link.lend(order.request, order.fence, credential, refusal)
            return
        self._publish(self.files.bring(self.link, order))

    def _publish(self, order: ReleaseOrder) -> None:
        self.link.commit(order.request, order.fence)
        reach("after begin commit")
        try:
            self.releaser.commit(order)
        except Refused:
            self.releaser.clean(order)
            raise
        self._finish(order)

    def _finish(self, order: ReleaseOrder) -> None:
        reach("after publish")
        self.link.finish(order.request, order.fence, order.sealed.content_digest, location_of(order))


class _Progress:
    """Renews the lease while bytes go out."""

    def __init__(self, link: GateLink, order: ReleaseOrder) -> None:
        self._link, self._order = link, order
        self._step, self._at = 0, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        reached = done * _STEPS // total if total else _STEPS
        if reached == self._step and time.monotonic() - self._at < _RENEW_SECONDS:
            return
        self._step, self._at = reached, time.monotonic()
        self._link.renew(self._order.request, self._order.fence, done, total)


def run_releaser(process: ReleaserProcess, is_stopping: Callable[[], bool], wait: Callable[[float], object]) -> None:
    """Release what there is to release, until stopped.

    Args:
        process: The releaser.
        is_stopping: Whether to end.
        wait: Waits so many seconds, or until told to end.
    """
    pause, is_started = 0.0, False
    beside = threading.Thread(target=process.trying.run, args=(is_stopping, wait), name="dry-runs", daemon=True)
    beside.start()
    while not is_stopping():
        try:
            if not is_started:
                process.start()
                is_started = True
            pause = 0.0 if process.step() else _PAUSE
        except (GateUnreachable, KeyReferenceError) as error:
            pause = min(max(pause, _PAUSE) * 2, _LONGEST_PAUSE)
            _LOG.warning("%s", error)
        except MaskgateError as error:
            pause = _LONGEST_PAUSE
            _LOG.warning("%s", error)
        wait(pause)
    beside.join(_STOPPING_SECONDS)
