"""Whether the ledger agrees with itself, with the rows beside it, and with a checkpoint from outside.

A ledger alone can only be consistent. Whoever can write to the database can write all of it anew, hashes included;
only a checkpoint that was kept elsewhere shows that. The verdict says which of the two was checked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from maskgate.clock import timestamp
from maskgate.ledger.agreement import disagreements
from maskgate.ledger.merkle import Frontier, leaf_hash
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from maskgate.ledger.checkpoint import Checkpoint
    from maskgate.store import Work

_MOST_PROBLEMS = 100


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes:
        entries: How many entries there are.
        root: The root over them, in hexadecimal digits.
        problems: What does not agree; empty if all does.
        compared_with: Size of the outside checkpoint; None if there was none.
    """

    entries: int
    root: str
    problems: tuple[str, ...]
    compared_with: int | None

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "holds": self.holds,
            "entries": self.entries,
            "root": self.root,
            "problems": list(self.problems),
            "compared_with_checkpoint_of_size": self.compared_with,
            "verdict": str(self),
        }

    def __str__(self) -> str:
        if self.problems:
            return "\n".join(["The ledger does not hold:", *(f"- {problem}" for problem in self.problems)])
        known = f"{self.entries} entries, root {self.root}."
        if self.compared_with is None:
            return (
                f"The ledger agrees with itself: {known} A ledger alone can show no more than that: without a "
                "checkpoint that was kept outside, nobody can tell whether all of it was written anew."
            )
        return (
            f"The ledger agrees with itself and with the checkpoint: {known} Its first {self.compared_with} entries "
            "are those that the checkpoint saw; whether every event became an entry, no ledger can show."
        )


def verify(
    work: Work, checkpoint: Checkpoint | None = None, is_signed: Callable[[Mapping[str, Any]], bool] | None = None
) -> Verdict:
    """Check the whole ledger.

    Args:
        work: A transaction to read in.
        checkpoint: A checkpoint kept outside, its signature checked.
        is_signed: Says whether the envelope of a grant carries the gate's signature.
    """
    frontier, problems, bodies = Frontier(), [], []
    seen_root: bytes | None = None
    last_at = ""
    expected = 0
    for row in work.execute(select(tables.ledger).order_by(tables.ledger.c.seq)):
        if row.seq != expected:
            problems.append(f"entries {expected} to {row.seq - 1} are missing.")
        expected = row.seq + 1
        facts = _read(row.body)
        problems += _problems_of(row, facts, last_at)
        last_at = max(last_at, str(facts.get("at", "")))
        frontier = frontier.push(leaf_hash(row.body))
        if checkpoint is not None and frontier.size == checkpoint.head.size:
            seen_root = frontier.root()
        bodies.append(facts)
    problems += _problems_of_tree(work, frontier)
    if checkpoint is not None:
        problems += _compared(checkpoint, frontier, seen_root)
    problems += disagreements(work, bodies, is_signed)
    compared = None if checkpoint is None else checkpoint.head.size
    return Verdict(frontier.size, frontier.root().hex(), tuple(problems[:_MOST_PROBLEMS]), compared)


def _read(body: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(body)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _problems_of(row: Any, facts: Mapping[str, Any], last_at: str) -> list[str]:
    problems = []
    if leaf_hash(row.body) != row.leaf_hash:
        problems.append(f"entry {row.seq}: its hash is not that of its body. It was changed.")
    if (facts.get("seq"), facts.get("type"), facts.get("at")) != (row.seq, row.type, timestamp(row.at)):
        problems.append(f"entry {row.seq}: its body is not about the number, type or time of its row.")
    if str(facts.get("at", "")) < last_at:
        problems.append(f"entry {row.seq}: it is earlier than an entry before it.")
    return problems


def _problems_of_tree(work: Work, frontier: Frontier) -> list[str]:
    row = work.execute(select(tables.frontier)).first()
    if row is None:
        return [] if frontier.size == 0 else ["the edge of the tree is missing."]
    if (row.size, row.hashes) != (frontier.size, frontier.as_bytes()):
        return [f"the tree was of {row.size} entries when it last grew; the entries here do not make that tree."]
    return []


def _compared(checkpoint: Checkpoint, frontier: Frontier, seen_root: bytes | None) -> list[str]:
    size = checkpoint.head.size
    if size > frontier.size:
        return [f"the checkpoint saw {size} entries, but there are {frontier.size}. The end was cut off, or put back."]
    if size and seen_root != checkpoint.head.root:
        return [f"the first {size} entries are not those that the checkpoint saw. They were written anew."]
    return []
