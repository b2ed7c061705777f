"""The append-only, Merkle-hashed record of every change and every refusal."""

from maskgate.ledger.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from maskgate.ledger.entries import Entry, Head, append, entries_after, head
from maskgate.ledger.verify import Verdict, verify

__all__ = [
    "Checkpoint",
    "Entry",
    "Head",
    "Verdict",
    "append",
    "entries_after",
    "head",
    "read_checkpoint",
    "sign_checkpoint",
    "verify",
]
