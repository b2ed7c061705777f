"""The gate's own keys: which it signs by now, and which it has signed by.

* The ring is pinned in a file of the gate's home. Rows of the database are statements that it goes on from, each
  verified against the ring before it (see ``key_chain.py``); a database that knows fewer than the file is refused.
* Without that file, the ring begins with entry 0 of the ledger and has to lead to a key that this gate holds.
* A gate that does not hold the key in use signs nothing.
"""

from __future__ import annotations

import json
import os
import threading
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from maskgate.errors import KeyReferenceError, LedgerError
from maskgate.gate.key_chain import first_public_key, follow
from maskgate.gate.ring import Ring, RingKey
from maskgate.gate.signer import fingerprint_of
from maskgate.ledger import entries_after
from maskgate.store import tables
from maskgate.store.deferred import BESIDE

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from maskgate.gate.key_sources import KeySource
    from maskgate.gate.signer import SigningKey
    from maskgate.store import Work

COUNT_OF_STATEMENTS = select(func.count()).select_from(tables.key_statements).execution_options(**BESIDE)


class PinnedRing:
    """A ring that goes on from what is pinned.

    Args:
        file: Where it is pinned; None to keep it in this process alone.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.ring: Ring | None = Ring.load(file) if file is not None and file.exists() else None

    def follow(
        self, work: Work, own: Collection[Ed25519PublicKey], *, is_pinned: bool = True, count: int | None = None
    ) -> Ring:
        """Return the ring as of all statements in the database.

        Args:
            work: A transaction that has stated nothing itself: what it follows is pinned.
            own: Public keys that this gate holds, to begin with where nothing is pinned yet.
            is_pinned: Whether to pin what was found.
            count: How many statements there are, where that was read already.

        Raises:
            LedgerError: If a statement is not signed as it must be, or statements are missing.
        """
        if count is None:
            count = work.execute(COUNT_OF_STATEMENTS).scalar_one()
        with self._lock:
            before = self.ring
            if before is not None and before.statements == count:
                return before
            if before is not None and count < before.statements:
                raise LedgerError(
                    f"the database has {count} statements about the gate's keys, but {before.statements} are pinned in "
                    f"{self._file}. It is older than that, or was changed; put the right one back."
                )
            ring = self._begun(work, own) if before is None else before
            numbers = tables.key_statements.c.number
            later = select(tables.key_statements).where(numbers >= ring.statements).order_by(numbers)
            for row in work.execute(later).all():
                ring = follow(ring, row.statement)
            if before is None and ring.current.fingerprint not in {fingerprint_of(key) for key in own}:
                raise _of_another_key(ring, own)
            if is_pinned:
                self.pin(ring)
            return ring

    def pin(self, ring: Ring) -> None:
        """Keep a ring."""
        if self._file is not None:
            text = json.dumps(ring.as_json(), indent=2) + "\n"
            temporary = self._file.with_name(f".{self._file.name}.{os.getpid()}.new")
            with temporary.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._file)
        self.ring = ring

    def _begun(self, work: Work, own: Collection[Ed25519PublicKey]) -> Ring:
        entry = next(iter(entries_after(work, limit=1)), None)
        if entry is None:
            raise LedgerError("the ledger is empty, so it names no key.")
        statement = work.execute(select(tables.key_statements.c.statement).limit(1)).scalar()
        stated = None if statement is None else first_public_key(statement)
        for key in (*own, *([] if stated is None else [stated])):
            if fingerprint_of(key) == entry.facts().get("fingerprint"):
                return Ring([RingKey(key, entry.at)])
        begun = entry.facts().get("fingerprint")
        held = ", ".join(fingerprint_of(key) for key in own)
        raise LedgerError(
            f"the ledger was begun with the key {begun}, but the signing key here is {held}. "
            "Put the key back that belongs to this database."
        )


class GateKeys:
    """The keys of one gate.

    Args:
        source: Where its private halves are.
        file: Where its ring is pinned.
    """

    def __init__(self, source: KeySource, file: Path | None = None) -> None:
        self._source = source
        self._signers = {each.fingerprint: each for each in source.open()}
        self._pinned = PinnedRing(file)

    def __repr__(self) -> str:
        return f"GateKeys({', '.join(self._signers)})"

    @cached_property
    def first_key(self) -> SigningKey:
        """The key to begin a ledger with."""
        return self._source.next_key(())

    @property
    def name(self) -> str:
        """The fingerprint of the key that the gate began with: what clients pin."""
        return self.known.first.fingerprint

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key in use, as this process knows it."""
        return self.known.current.fingerprint

    @property
    def known(self) -> Ring:
        """The ring as this process last knew it."""
        return self._pinned.ring or Ring.of(self.first_key.public_key)

    def ring(self, work: Work, count: int | None = None) -> Ring:
        """Return the gate's ring; see :meth:`PinnedRing.follow` about the transaction, and the count."""
        return self._pinned.follow(work, [each.public_key for each in self._signers.values()], count=count)

    def signer(self, work: Work, count: int | None = None) -> SigningKey:
        """Return the key in use.

        Args:
            work: See :meth:`PinnedRing.follow`.
            count: Likewise.

        Raises:
            KeyReferenceError: If this gate does not hold it.
        """
        return self.held(self.ring(work, count).current.fingerprint)

    def held(self, fingerprint: str) -> SigningKey:
        """Return a key that this gate holds.

        Raises:
            KeyReferenceError: If it does not.
        """
        if fingerprint not in self._signers:
            self._signers = {each.fingerprint: each for each in self._source.open()}
        if fingerprint not in self._signers:
            raise KeyReferenceError(
                f"this gate does not hold the key {fingerprint}. Give it the file, or access to the service, from the "
                "gate that has it."
            )
        return self._signers[fingerprint]

    def candidate(self, work: Work) -> SigningKey:
        """Return a key that could take the place of the one in use, making it if need be."""
        found = self._source.next_key([key.fingerprint for key in self.ring(work).keys])
        self._signers = {**self._signers, found.fingerprint: found}
        return found


def _of_another_key(ring: Ring, own: Collection[Ed25519PublicKey]) -> LedgerError:
    held = ", ".join(fingerprint_of(key) for key in own)
    return LedgerError(
        f"the ledger's key in use is {ring.current.fingerprint}, but the signing key here is {held}. "
        "Put the key back that belongs to this database."
    )
