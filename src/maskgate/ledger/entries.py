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

from sqlalchemy import bindparam, func, select

from maskgate.canonical import canonical_bytes
from maskgate.clock import timestamp
from maskgate.errors import LedgerError
from maskgate.ledger.merkle import Frontier, leaf_hash
from maskgate.store import defer, tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from maskgate.store import Work

_TOLERATED = timedelta(seconds=5)
# Made once, for they are executed with every entry.
_INSERT = tables.ledger.insert()
_INSERT_EDGE = tables.frontier.insert()
_UPDATE_EDGE = tables.frontier.update().values(size=bindparam("size"), hashes=bindparam("hashes"))
_EDGE = 0
# The time of the last entry is looked up, and the edge named: joined, a server that has not counted the edges yet
# takes them for many, and reads the whole ledger.
SELECT_TIP = select(
    tables.frontier.c.size,
    tables.frontier.c.hashes,
    select(func.max(tables.ledger.c.seq)).scalar_subquery().label("last"),
    select(tables.ledger.c.at).where(tables.ledger.c.seq == tables.frontier.c.size - 1).scalar_subquery().label("at"),
).where(tables.frontier.c.id == _EDGE)
"""Reads where the ledger ends; whoever reads it along with more gives the row to :func:`know_tip`."""
_KNOWN = "maskgate_ledger_tip"
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
    tip = _tip(work)
    if tip.frontier.size != tip.entries:
        raise LedgerError(
            f"the ledger's tree has {tip.frontier.size} leaves, but its next entry is number {tip.entries}. "
            "Run `maskgate ledger verify`; something changed the database from outside."
        )
    if tip.at is not None and now < tip.at - _TOLERATED:
        raise LedgerError(
            f"the clock says {timestamp(now)}, but the ledger's last entry is of {timestamp(tip.at)}. "
            "Set the clock right; nothing is recorded, and so nothing done, until then."
        )
    seq, at = tip.frontier.size, now if tip.at is None else max(now, tip.at)
    body = canonical_bytes({**facts, "seq": seq, "at": timestamp(at), "type": type_})
    entry = Entry(seq, at, type_, body, leaf_hash(body))
    defer(work, _INSERT, {"seq": seq, "at": at, "type": type_, "body": body, "leaf_hash": entry.leaf_hash})
    _advance(work, tip, entry)
    return entry


def head(work: Work) -> Head:
    """Return size and root of the tree, without reading the entries."""
    frontier = _tip(work).frontier
    return Head(frontier.size, frontier.root())


def entries_after(work: Work, after: int = -1, limit: int = 1000) -> list[Entry]:
    """Read entries whose number is greater than `after`, in order."""
    chosen = select(tables.ledger).where(tables.ledger.c.seq > after).order_by(tables.ledger.c.seq).limit(limit)
    return [Entry(row.seq, row.at, row.type, row.body, row.leaf_hash) for row in work.execute(chosen)]


@dataclass(frozen=True)
class _Tip:
    """Where the ledger ends: the edge of its tree, how many entries there are, and the time of the last one."""

    frontier: Frontier
    entries: int
    at: datetime | None


def _tip(work: Work) -> _Tip:
    """Read where the ledger ends, once in a transaction: its own entries are all that is added to it then."""
    transaction, known = work.info.get(_KNOWN, (None, None))
    if known is not None and transaction is _transaction(work):
        tip: _Tip = known
        return tip
    row = work.execute(SELECT_TIP).mappings().first()
    if row is None:
        return _Tip(Frontier(), work.execute(select(func.count()).select_from(tables.ledger)).scalar_one(), None)
    return _read_tip(row)


def know_tip(work: Work, row: Mapping[Any, Any]) -> None:
    """Take where the ledger ends from a row of :data:`SELECT_TIP` that this writing transaction has read already."""
    work.info[_KNOWN] = (_transaction(work), _read_tip(row))


def _read_tip(row: Mapping[Any, Any]) -> _Tip:
    entries = 0 if row["last"] is None else row["last"] + 1
    return _Tip(Frontier.from_bytes(row["size"], row["hashes"]), entries, row["at"])


def _advance(work: Work, tip: _Tip, entry: Entry) -> None:
    after = tip.frontier.push(entry.leaf_hash)
    values = {"size": after.size, "hashes": after.as_bytes()}
    if entry.seq == 0:
        defer(work, _INSERT_EDGE, values | {"id": _EDGE})
    else:
        defer(work, _UPDATE_EDGE, values, is_last_word=True)
    # Of this transaction or savepoint alone: what is rolled back is forgotten with it.
    work.info[_KNOWN] = (_transaction(work), _Tip(after, after.size, entry.at))


def _transaction(work: Work) -> object:
    return work.get_nested_transaction() or work.get_transaction()
