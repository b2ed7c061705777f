"""Level *broker*: against a consumed grant, the caller gets a credential for one release and writes it itself.

::

    release()   consume ─▶ credential and addresses ─▶ (the caller puts the files) ─▶ receipt() ─▶ check ─▶ publish

* The credential is in the answer and nowhere else: not in the ledger, not in the database, not in a log.
* The caller's word that it has put the files is no evidence. The gate looks at each, and publishes the manifest.
* Without a receipt in time the release has failed, and what was put is removed.
* Where the releaser is a process of its own, it makes the credential, looks at the files and publishes; this gate hands
  the credential on, and has it in its memory alone for as long as it is good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.clock import timestamp
from maskgate.errors import Conflict, Refused
from maskgate.gate import consumption, releasing
from maskgate.gate.grants import open_envelope
from maskgate.gate.lifecycle import State
from maskgate.gate.request import get_request
from maskgate.store import tables

if TYPE_CHECKING:
    from maskgate.gate.consumption import Held
    from maskgate.gate.parts import Parts
    from maskgate.gate.releaser import ReleaseOrder

BROKER = "broker"


def lend(parts: Parts, request_id: str) -> dict[str, Any] | None:
    """Return the credential of a release that its caller carries out; None if it is not, or not now."""
    with parts.store.read() as work:
        request = get_request(work, request_id)
        is_lent = request.state is State.RELEASING and request.enforcement == BROKER
    if not is_lent:
        return None
    if parts.releaser.is_elsewhere:
        return parts.queue.lent(request_id)
    held, order, until = _order(parts, request_id, "releasing")
    with parts.store.write() as work:
        request = get_request(work, request_id)
        parts.record(work, "credential.lent", request, grant=held.grant, fence=held.fence, until=timestamp(until))
    return parts.releaser.lend(order, parts.clock.now(), until)


def receipt(parts: Parts, request_id: str, fence: int) -> None:
    """Look at what the caller has put, and publish it.

    Raises:
        Refused: If anything of it is not what was signed; the caller may mend it while its time lasts.
        Conflict: If this is not the attempt that is under way, or its time is over.
    """
    if parts.releaser.is_elsewhere:
        with parts.store.write() as work:
            row = work.execute(select(tables.grants).where(tables.grants.c.request == request_id)).one()
            consumption.take_receipt(work, consumption.Held(row.id, fence), parts.clock.now())
        return
    held, order, _ = _order(parts, request_id, "releasing")
    if held.fence != fence:
        raise Conflict(f"request {request_id}: attempt {fence} is over, and does not go on.")
    try:
        parts.releaser.check_uploads(order)
    except Refused as refusal:
        with parts.store.write() as work:
            parts.refuse(work, get_request(work, request_id), "receipt.refused", refusal, fence=fence)
        raise
    with parts.store.write() as work:
        consumption.begin_commit(work, held, parts.clock.now())
        request = get_request(work, request_id)
        parts.record(work, "release.committing", request, grant=held.grant, fence=held.fence)
    parts.releaser.commit(order)
    releasing.finish_release(parts, request_id, held, order)


def _order(parts: Parts, request_id: str, state: str) -> tuple[Held, ReleaseOrder, Any]:
    with parts.store.read() as work:
        request = get_request(work, request_id)
        row = work.execute(select(tables.grants).where(tables.grants.c.request == request_id)).first()
        if row is None or row.state != state or row.lease_until is None or row.lease_until <= parts.clock.now():
            raise Conflict(f"request {request_id} is {request.state}; no receipt of a caller is awaited.")
        grant = open_envelope(row.envelope, parts.keys.ring(work))
    held = consumption.Held(row.id, row.fence)
    return held, releasing.order_of(parts, request, grant, row.release_name, row.fence), row.lease_until
