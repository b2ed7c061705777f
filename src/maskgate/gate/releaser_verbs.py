"""The part of the gate that a releaser process talks to.

* The gate tells what is to be released, and keeps the compare-and-set; the releaser believes neither, and verifies the
  grant by the ring that it has pinned before it takes it.
* Every step names the fence. Who was overtaken finds out at its next step, before anything becomes visible.
* Sealed files are read only by who holds the grant. The receipt is the gate's own: what a releaser reports has to be
  what was signed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from maskgate.clock import timestamp
from maskgate.errors import Conflict, NotFound, Refused, UsageError
from maskgate.gate import consumption, no_follow
from maskgate.gate.consumption import Held
from maskgate.gate.grants import open_envelope
from maskgate.gate.markdown import visible
from maskgate.gate.masker_verbs import end_maskings_of_releaser
from maskgate.gate.releaser import location_of
from maskgate.gate.releaser_names import must_be_releaser, worker_name
from maskgate.gate.releasing import (
    fail_release,
    finish_release,
    give_up_release,
    has_copy,
    order_of,
    try_release_later,
)
from maskgate.gate.request import get_request
from maskgate.gate.sealed_copy import opened_sealed
from maskgate.gate.staging_keys import is_encrypted_staging, with_key
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import BinaryIO

    from maskgate.gate.model import Caller
    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work

_LONGEST_MESSAGE = 1000
OUTCOMES = ("failed", "later", "indeterminate")


class ReleaserVerbs:
    """The verbs of a releaser process; `Gate` is all of it."""

    _parts: Parts

    def begin_releaser(self, caller: Caller, instance: str) -> None:
        """Say that a releaser has started, so that what its token held before is over."""
        name = must_be_releaser(caller)
        with self._parts.store.write() as work:
            consumption.end_leases_of_releaser(work, worker_name(name, ""), self._parts.clock.now())
            end_maskings_of_releaser(work, worker_name(name, ""), self._parts.clock.now())
            self._parts.record(work, "releaser.started", releaser=name, instance=visible(instance, 40))

    def releases_to_do(self, caller: Caller, destinations: Collection[str]) -> dict[str, Any]:
        """List what was started, and nobody carries out: for these destinations, with sealed copies that are here."""
        must_be_releaser(caller)
        with self._parts.store.read() as work:
            now = self._parts.clock.now()
            found = [_work_of(self._parts, work, each) for each in consumption.interrupted(work, now)]
            wanted = [each for each in found if each is not None and each["destination"] in destinations]
            return {"now": timestamp(now), "releases": wanted}

    def take_release(self, caller: Caller, request_id: str, instance: str) -> dict[str, Any]:
        """Take the grant of a release that was started, by compare-and-set.

        Raises:
            Conflict: If somebody else carries it out, or it is over.
        """
        name = must_be_releaser(caller)
        with self._parts.store.write() as work:
            row, now = _grant_row(work, request_id), self._parts.clock.now()
            if row.state == "issued":
                raise Conflict(f"nobody has started the release of request {request_id}; its run does that.")
            held = consumption.consume(work, row.id, worker=worker_name(name, instance), now=now)
            request = get_request(work, request_id)
            self._parts.record(work, "release.started", request, grant=held.grant, fence=held.fence, releaser=name)
            lease = int(consumption.LEASE.total_seconds())
            self._parts.queue.lend(request_id, None)
            told = {"fence": held.fence, "state": row.state, "now": timestamp(now), "lease_seconds": lease}
            return {**told, "lent": _lent(row)}

    def lend_release(
        self, caller: Caller, request_id: str, fence: int, credential: dict[str, Any], refusal: str = ""
    ) -> None:
        """Hand the credential of a release on to whoever asked.

        Args:
            caller: The releaser.
            request_id: Which release.
            fence: Which attempt.
            credential: What the caller gets; it is kept in memory alone.
            refusal: What was wrong with what the caller had written before.
        """
        with self._parts.store.write() as work:
            held, now = _held(caller, work, request_id, fence), self._parts.clock.now()
            request = get_request(work, request_id)
            consumption.leave_to_caller(work, held, now)
            if refusal:
                said = Refused(visible(refusal, _LONGEST_MESSAGE))
                self._parts.refuse(work, request, "receipt.refused", said, fence=fence)
            until = timestamp(now + consumption.LENT_FOR)
            self._parts.record(work, "credential.lent", request, grant=held.grant, fence=fence, until=until)
        self._parts.queue.lend(request_id, {**credential, "fence": fence})

    def renew_release(self, caller: Caller, request_id: str, fence: int, done: int, total: int) -> None:
        """Hold on to a grant, and say how far it is."""
        with self._parts.store.write() as work:
            held = _held(caller, work, request_id, fence)
            consumption.renew(work, held, self._parts.clock.now())
            changes = {"done": done, "total": total}
            work.execute(update(tables.requests).where(tables.requests.c.id == request_id).values(changes))

    def commit_release(self, caller: Caller, request_id: str, fence: int) -> None:
        """Say that a release is about to become visible."""
        with self._parts.store.write() as work:
            held = _held(caller, work, request_id, fence)
            consumption.begin_commit(work, held, self._parts.clock.now())
            request = get_request(work, request_id)
            self._parts.record(work, "release.committing", request, grant=held.grant, fence=fence)

    def copy_release_again(self, caller: Caller, request_id: str, fence: int) -> None:
        """Go back to copying, after the destination said that nothing was published."""
        with self._parts.store.write() as work:
            consumption.copy_again(work, _held(caller, work, request_id, fence))

    def finish_release(self, caller: Caller, request_id: str, fence: int, content_digest: str, location: str) -> None:
        """Say that a release is published; the receipt is the gate's own.

        Raises:
            Conflict: If what was published is not what was signed, or not where, or another attempt has taken over.
        """
        with self._parts.store.read() as work:
            held, row = _held(caller, work, request_id, fence), _grant_row(work, request_id)
            request, ring = get_request(work, request_id), self._parts.keys.ring(work)
        grant = open_envelope(row.envelope, ring, accept_revoked=True)
        order = order_of(self._parts, request, grant, row.release_name, fence)
        if content_digest != grant.content_digest or location != location_of(order):
            raise Conflict(f"what was published for request {request_id} is not what was signed, or not where.")
        finish_release(self._parts, request_id, held, order)

    def end_release(self, caller: Caller, request_id: str, fence: int, outcome: str, message: str) -> None:
        """Say that a release was not carried out: for good, for now, or without knowing."""
        with self._parts.store.read() as work:
            held, row = _held(caller, work, request_id, fence), _grant_row(work, request_id)
            is_over = row.state == "releasing" and row.not_after <= self._parts.clock.now()
        said = visible(message, _LONGEST_MESSAGE)
        if outcome == "failed" or (outcome == "later" and is_over):
            fail_release(self._parts, request_id, held, said)
        elif outcome == "later":
            try_release_later(self._parts, request_id, held, said)
        elif outcome == "indeterminate":
            give_up_release(self._parts, request_id, held)
        else:
            raise UsageError(f"an outcome is one of {', '.join(OUTCOMES)}.")

    def open_sealed(self, caller: Caller, request_id: str, fence: int, path: str) -> BinaryIO:
        """Open a file of the sealed copy, for who holds the grant.

        Raises:
            Conflict: If another attempt has taken over.
            NotFound: If there is no such file.
        """
        with self._parts.store.read() as work:
            _held(caller, work, request_id, fence)
            request = get_request(work, request_id)
            sealed = with_key(work, self._parts.registry, request)
        if sealed is None or path not in {file.path for file in sealed.files} or not has_copy(self._parts, request):
            raise NotFound(f"request {request_id} has no such sealed file here.")
        *folders, name = path.split("/")
        try:
            with no_follow.root_folder(str(Path(sealed.folder))) as root, no_follow.folder(root, *folders) as inside:
                return opened_sealed(no_follow.open_plain(inside, name), sealed, path)
        except OSError:
            raise NotFound(f"the sealed copy of request {request_id} is gone.") from None


def _lent(row: Any) -> str:
    """Say whether whoever asked was lent a credential, and is done with it, or out of time."""
    return {consumption.CALLER: "over", consumption.RECEIVED: "receipt"}.get(row.worker, "no")


def _grant_row(work: Work, request_id: str) -> Any:
    row = work.execute(select(tables.grants).where(tables.grants.c.request == request_id)).first()
    if row is None:
        raise NotFound(f"request {visible(request_id, 40)} has no grant.")
    return row


def _held(caller: Caller, work: Work, request_id: str, fence: int) -> Held:
    """Return the grant that this releaser holds under a fence."""
    name, row = must_be_releaser(caller), _grant_row(work, request_id)
    is_its = row.worker is not None and row.worker.startswith(worker_name(name, ""))
    if not is_its or row.fence != fence:
        raise Conflict(
            f"grant {row.id}: attempt {fence} was overtaken by a later one, and does not go on. "
            "The later one finishes the release."
        )
    return Held(row.id, fence)


def _work_of(parts: Parts, work: Work, request_id: str) -> dict[str, Any] | None:
    request: Request = get_request(work, request_id)
    if request.sealed is None or request.destination is None or not has_copy(parts, request):
        return None
    row = _grant_row(work, request_id)
    sealed = {name: value for name, value in request.sealed.as_json().items() if name not in {"folder", "declared"}}
    return {
        "request": request.id,
        "destination": request.destination.id,
        "grant": row.envelope,
        "state": row.state,
        "version": row.release_name,
        "sealed": sealed,
        "copy": Path(request.sealed.folder).name,
        "encrypted": is_encrypted_staging(work, request.staging),
    }
