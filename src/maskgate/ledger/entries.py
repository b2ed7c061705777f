"""Entries of the ledger: appended in the transaction of the change that they record, never changed.

* A body is RFC 8785 JSON and holds its own number, time and type, so all three are hashed.
* Time does not run backwards: an entry is at least as late as the one before it, and a clock that has jumped back
  by more than a few seconds is refused.
* Bodies hold ids, counts, digests and what people wrote as reasons; never a value of the data.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.canonical import canonical_bytes
from maskgate.clock import timestamp
from maskgate.errors import LedgerError
from maskgate.ledger.merkle import Frontier, leaf_hash
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from maskgate.store import Work

_TOLERATED = timedelta(seconds=5)
_RESERVED = frozenset({"seq", "at", "type"})


@dataclass(frozen=True)
class Entry:
    """One entry as stored."""

    seq: int
    at: datetime
    type: str
    body: bytes
    leaf_hash: bytes

    def facts(self) -> dict[str, Any]:
        """Return the body as JSON values."""
        facts: dict[str, Any] = json.loads(self.body)
        return facts

    def as_json(self) -> dict[str, Any]:
        """Return the entry as the REST API shows it."""
        return {
            "seq": self.seq,
            "at": timestamp(self.at),
            "type": self.type,
            "body": self.facts(),
            "leaf_hash": self.leaf_hash.hex(),
        }


@dataclass(frozen=True)
class Head:
    """Size and root of the tree at one moment."""

    size: int
    root: bytes

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"size": self.size, "root": self.root.hex()}


def append(work: Work, type_: str, facts: Mapping[str, Any], now: datetime) -> Entry:
    """Record one fact, in the caller's transaction.

    Args:
        work: An open writing transaction.
        type_: What kind of entry it is, such as ``request.created``.
        facts: What to record; ``seq``, ``at`` and ``type`` are added.
        now: The present moment.

    Raises:
        LedgerError: If the clock has jumped back, so that the record could not be believed.
    """
    if clash := _RESERVED & facts.keys():
        raise LedgerError(f"an entry cannot carry {', '.join(sorted(clash))} of its own")
    last = work.execute(
        select(tables.ledger.c.seq, tables.ledger.c.at).order_by(tables.ledger.c.seq.desc()).limit(1)
    ).first()
    if last is not None and now < last.at - _TOLERATED:
        raise LedgerError(
            f"the clock says {timestamp(now)}, but the ledger's last entry is of {timestamp(last.at)}. "
            "Set the clock right; nothing is recorded, and so nothing done, until then."
        )
    seq = 0 if last is None else last.seq + 1
    at = now if last is None else max(now, last.at)
    body = canonical_bytes({**facts, "seq": seq, "at": timestamp(at), "type": type_})
    entry = Entry(seq, at, type_, body, leaf_hash(body))
    work.execute(
        tables.ledger.insert().values(seq=seq, at=at, type=type_, body=body, leaf_hash=entry.leaf_hash),
    )
    _advance(work, entry)
    return entry


def head(work: Work) -> Head:
    """Return size and root of the tree, without reading the entries."""
    frontier = _frontier(work)
    return Head(frontier.size, frontier.root())


def entries_after(work: Work, after: int = -1, limit: int = 1000) -> list[Entry]:
    """Read entries whose number is greater than `after`, in order."""
    chosen = select(tables.ledger).where(tables.ledger.c.seq > after).order_by(tables.ledger.c.seq).limit(limit)
    return [Entry(row.seq, row.at, row.type, row.body, row.leaf_hash) for row in work.execute(chosen)]


def _frontier(work: Work) -> Frontier:
    row = work.execute(select(tables.frontier)).first()
    return Frontier() if row is None else Frontier.from_bytes(row.size, row.hashes)


def _advance(work: Work, entry: Entry) -> None:
    before = _frontier(work)
    if before.size != entry.seq:
        raise LedgerError(
            f"the ledger's tree has {before.size} leaves, but its next entry is number {entry.seq}. "
            "Run `maskgate ledger verify`; something changed the database from outside."
        )
    after = before.push(entry.leaf_hash)
    if entry.seq == 0:
        work.execute(tables.frontier.insert().values(id=0, size=after.size, hashes=after.as_bytes()))
    else:
        work.execute(tables.frontier.update().values(size=after.size, hashes=after.as_bytes()))
