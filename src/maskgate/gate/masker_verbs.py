"""The part of the gate that a releaser process talks to while it masks sources.

* Each step names the fence. Who was overtaken finds out at its next step.
* What comes is written once, into a folder of the gate that no pipeline reaches, and is sealed as everything is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, update

from maskgate.clock import timestamp
from maskgate.errors import Conflict, NotFound, Refused, UsageError
from maskgate.gate import consumption
from maskgate.gate.lifecycle import State
from maskgate.gate.markdown import visible
from maskgate.gate.releaser_names import must_be_releaser, worker_name
from maskgate.gate.request import get_request
from maskgate.gate.source_masking import brought_masked, masking_of, note_masked, open_masked
from maskgate.gate.sources import Masked
from maskgate.store.tables import maskings, requests

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from typing import BinaryIO

    from maskgate.gate.model import Caller
    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work

_LONGEST_MESSAGE = 1000


class MaskerVerbs:
    """The verbs of a releaser process that masks; `Gate` is all of it."""

    _parts: Parts

    def maskings_to_do(self, caller: Caller, sources: Collection[str]) -> dict[str, Any]:
        """List what of these sources is to be masked, and nobody masks."""
        must_be_releaser(caller)
        with self._parts.store.read() as work:
            now = self._parts.clock.now()
            chosen = select(requests.c.id, maskings).join(maskings, maskings.c.staging == requests.c.staging)
            chosen = chosen.where(requests.c.state == str(State.SEALING), requests.c.level == "mask", _is_free(now))
            rows = work.execute(chosen.order_by(requests.c.created_at)).all()
        names = ("source", "source_digest", "rules", "tables")
        return {
            "maskings": [
                {"request": row.id, **{name: getattr(row, name) for name in names}}
                for row in rows
                if row.source in sources
            ]
        }

    def take_masking(self, caller: Caller, request_id: str, instance: str) -> dict[str, Any]:
        """Take a masking, by compare-and-set.

        Raises:
            Conflict: If somebody else masks it, or it is done.
        """
        name = must_be_releaser(caller)
        with self._parts.store.write() as work:
            request, row = _asked(work, request_id)
            now = self._parts.clock.now()
            values = {
                "fence": row.fence + 1,
                "worker": worker_name(name, instance),
                "lease_until": now + consumption.LEASE,
            }
            taken = work.execute(update(maskings).where(_same(row), _is_free(now)).values(values))
            if taken.rowcount != 1 or request.state is not State.SEALING:
                raise Conflict(f"request {request.id} is masked by somebody else, or nothing of it is to be masked.")
            self._parts.record(work, "masking.started", request, staging=row.staging, fence=row.fence + 1, by=name)
            staging = brought_masked(self._parts, work, request, row, row.fence + 1)
        open_masked(self._parts, request, staging)
        return {"fence": row.fence + 1, "now": timestamp(now), "lease_seconds": int(consumption.LEASE.total_seconds())}

    def renew_masking(self, caller: Caller, request_id: str, fence: int, done: int, total: int) -> None:
        """Hold on to a masking, and say how far it is, in rows."""
        with self._parts.store.write() as work:
            _, row = _held(work, caller, request_id, fence)
            until = self._parts.clock.now() + consumption.LEASE
            work.execute(update(maskings).where(_same(row)).values(lease_until=until))
            work.execute(update(requests).where(requests.c.id == request_id).values(done=done, total=total))

    def put_masked(self, caller: Caller, request_id: str, fence: int, path: str, stream: BinaryIO) -> dict[str, Any]:
        """Take one masked file, once."""
        with self._parts.store.read() as work:
            request, row = _held(work, caller, request_id, fence)
            staging = brought_masked(self._parts, work, request, row, fence)
        written = staging.put(row.staging, path, stream)
        return {"path": written.path, "size": written.size, "sha256": written.sha256}

    def finish_masking(self, caller: Caller, request_id: str, fence: int, masked: dict[str, Any]) -> None:
        """Say that everything is masked and brought, and what it is.

        Raises:
            UsageError: If that has another form.
            Conflict: If another attempt has taken over.
        """
        try:
            said = Masked.from_json(masked)
        except (KeyError, TypeError):
            raise UsageError("what was masked has `files`, `keys` and `tables`.") from None
        with self._parts.store.write() as work:
            request, row = _held(work, caller, request_id, fence)
            note_masked(self._parts, work, request, row, said)

    def end_masking(self, caller: Caller, request_id: str, fence: int, outcome: str, message: str) -> None:
        """Say that it could not be masked: for good, or for now."""
        said = visible(message, _LONGEST_MESSAGE)
        with self._parts.store.write() as work:
            request, row = _held(work, caller, request_id, fence)
            values = {"worker": None, "lease_until": self._parts.clock.now() + consumption.LEASE}
            work.execute(update(maskings).where(_same(row)).values(values))
            if outcome == "failed":
                refused = self._parts.advance(work, request, State.REFUSED, f"{said} Nobody was asked.")
                self._parts.refuse(work, refused, "request.refused", Refused(said))
            else:
                self._parts.refuse(work, request, "masking.interrupted", Refused(f"{said} The releaser tries again."))


def end_maskings_of_releaser(work: Work, worker: str, now: datetime) -> None:
    """End every lease of a releaser process that has ended, by how its name begins."""
    its = maskings.c.worker.startswith(worker, autoescape=True)
    work.execute(update(maskings).where(its, maskings.c.masked_at.is_(None)).values(lease_until=now))


def _asked(work: Work, request_id: str) -> tuple[Request, Any]:
    request = get_request(work, request_id)
    if request.level != "mask":
        raise NotFound(f"of request {visible(request_id, 40)} nothing is to be masked.")
    return request, masking_of(work, request.staging or "")


def _held(work: Work, caller: Caller, request_id: str, fence: int) -> tuple[Request, Any]:
    """Return the masking that this releaser holds under a fence."""
    name = must_be_releaser(caller)
    request, row = _asked(work, request_id)
    is_its = row.worker is not None and row.worker.startswith(worker_name(name, ""))
    if not is_its or row.fence != fence or row.masked_at is not None or request.state is not State.SEALING:
        raise Conflict(f"request {request.id}: attempt {fence} was overtaken or is over, and does not go on.")
    return request, row


def _same(row: Any) -> Any:
    return (maskings.c.staging == row.staging) & (maskings.c.fence == row.fence)


def _is_free(now: datetime) -> Any:
    return maskings.c.masked_at.is_(None) & or_(maskings.c.lease_until.is_(None), maskings.c.lease_until <= now)
