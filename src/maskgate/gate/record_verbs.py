"""The gate's verbs about what is recorded: the ledger, its checkpoint, counts, and whose a token is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from maskgate.errors import NotAllowed
from maskgate.gate.model import Caller
from maskgate.gate.parts import active_policy
from maskgate.gate.tokens import find_token
from maskgate.ledger import entries_after, head, sign_checkpoint
from maskgate.store import tables

if TYPE_CHECKING:
    from maskgate.gate.parts import Parts
    from maskgate.store import Work


class RecordVerbs:
    """The part of the gate that is about its record; `Gate` is all of it."""

    _parts: Parts

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key in use."""
        with self._parts.store.read() as work:
            return self._parts.keys.ring(work).current.fingerprint

    def ledger_entries(self, caller: Caller, after: int = -1, limit: int = 1000) -> list[dict[str, Any]]:
        """Read the ledger in order, for auditors and people of the policy."""
        with self._parts.store.read() as work:
            self._may_read_ledger(work, caller)
            return [entry.as_json() for entry in entries_after(work, after, limit)]

    def checkpoint(self, caller: Caller) -> dict[str, Any]:
        """Sign the ledger's size and root, for keeping elsewhere."""
        with self._parts.store.read() as work:
            self._may_read_ledger(work, caller)
            tree, keys = head(work), self._parts.keys
            ring, signer = keys.ring(work), keys.signer(work)
        note = sign_checkpoint(tree, signer, ring.first.public_key)
        return {**tree.as_json(), "note": note, "fingerprint": self.fingerprint}

    def counts(self) -> dict[str, dict[str, int]]:
        """Count requests by state, and entries of the ledger by type."""
        with self._parts.store.read() as work:
            return {
                "requests": _counted(work, tables.requests.c.state),
                "entries": _counted(work, tables.ledger.c.type),
            }

    def caller_of(self, token: str) -> Caller | None:
        """Return whose token this is; None if it is not one of this gate."""
        with self._parts.store.read() as work:
            holder = find_token(work, token, self._parts.registry.tokens)
        return None if holder is None else Caller(role=holder.role, token=holder.name)

    def _may_read_ledger(self, work: Work, caller: Caller) -> None:
        if caller.role == "auditor":
            return
        if caller.identity is None or active_policy(work).people.person_of(caller.identity.accounts) is None:
            raise NotAllowed("the ledger is for auditors and for people of the policy.")


def _counted(work: Work, column: Any) -> dict[str, int]:
    rows = work.execute(select(column.label("name"), func.count().label("number")).group_by(column))
    return {row.name: row.number for row in rows}
