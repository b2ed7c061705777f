"""The gate's verbs about staged files: open a write-once place for them, and put them there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import select

from maskgate.clock import timestamp
from maskgate.errors import NotAllowed, NotFound
from maskgate.gate.quotas import must_have_room_to_stage
from maskgate.gate.staging import Staging, new_staging_id
from maskgate.gate.staging_keys import find_staging, make_staging_key
from maskgate.store import tables

if TYPE_CHECKING:
    from maskgate.gate.model import Caller
    from maskgate.gate.parts import Parts


class StagingVerbs:
    """The part of the gate that is about stagings; `Gate` is all of it."""

    _parts: Parts

    def open_staging(self, caller: Caller, root: str | None = None) -> dict[str, Any]:
        """Open a random, write-once place for masked files."""
        token = _pipeline(caller, "stages data")
        place = self._parts.registry.staging_root(root)
        staging_id, now = new_staging_id(), self._parts.clock.now()
        expires_at = now + timedelta(hours=self._parts.registry.limits.staging_hours)
        with self._parts.store.write() as work:
            # In the transaction that adds one: counted before it, several at once would all find room.
            must_have_room_to_stage(work, token, self._parts.registry.limits)
            row = {"id": staging_id, "root": place.id, "token": token, "opened_at": now, "expires_at": expires_at}
            work.execute(tables.stagings.insert().values(row))
            make_staging_key(work, place, staging_id)
            self._parts.record(work, "staging.opened", staging=staging_id, root=place.id, token=token)
        opened = Staging(place).open(staging_id)
        return {
            "id": staging_id,
            "uri": opened.uri,
            "upload": opened.upload,
            "expires_at": timestamp(expires_at),
        }

    def put_file(self, caller: Caller, staging_id: str, path: str, stream: BinaryIO) -> dict[str, Any]:
        """Write one new file into a staging, hashing it on the way."""
        token = _pipeline(caller, "stages data")
        with self._parts.store.read() as work:
            row = work.execute(select(tables.stagings).where(tables.stagings.c.id == staging_id)).first()
        if row is None or row.token != token or row.deleted_at is not None:
            raise NotFound("there is no such staging. Use the `id` that opening a staging returned.")
        if row.expires_at <= self._parts.clock.now():
            raise NotFound(f"the time of staging {staging_id} is over. Open another.")
        with self._parts.store.read() as work:
            staging = find_staging(work, self._parts.registry.staging_root(row.root), staging_id)
        written = staging.put(staging_id, path, stream)
        return {"path": written.path, "size": written.size, "sha256": written.sha256}


def _pipeline(caller: Caller, what: str) -> str:
    if caller.role != "pipeline" or caller.token is None:
        raise NotAllowed(f"only a pipeline's token {what}, and this caller is {caller.role}.")
    return caller.token
