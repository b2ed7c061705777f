"""The append-only, Merkle-hashed record of every change and every refusal."""

from maskgate.ledger.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from maskgate.ledger.entries import SELECT_TIP, Entry, Head, append, entries_after, head, know_tip
from maskgate.ledger.verify import Verdict, verify

__all__ = [
    "SELECT_TIP",
    "Checkpoint",
    "Entry",
    "Head",
    "Verdict",
    "append",
    "entries_after",
    "head",
    "know_tip",
    "read_checkpoint",
    "sign_checkpoint",
    "verify",
]
