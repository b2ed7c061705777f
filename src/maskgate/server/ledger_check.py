"""Holding the ledger of a home against itself, and against a checkpoint that was kept elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from maskgate.errors import LedgerError, MaskgateError
from maskgate.gate.gate_keys import PinnedRing
from maskgate.gate.grants import open_envelope
from maskgate.gate.kept_rows import check_kept_rows
from maskgate.gate.signed_decisions import check_signed_decisions
from maskgate.gate.signer import Signer
from maskgate.ledger import read_checkpoint, verify

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from maskgate.gate.ring import Ring
    from maskgate.ledger import Checkpoint, Verdict
    from maskgate.server.home import Home
    from maskgate.store import Store, Work


def check_ledger(home: Home, store: Store, checkpoint: Path | None, *, with_rows: bool = True) -> Verdict:
    """Verify the whole ledger.

    Args:
        home: Where the signing key is.
        store: The database.
        checkpoint: A file with a checkpoint; None if there is none to compare with.
        with_rows: Whether every column that the gate decides by is held against it as well.

    Raises:
        LedgerError: If the checkpoint is none of this gate.
    """
    with store.read() as work:
        ring = _ring(home, work)

        def is_signed(envelope: Mapping[str, Any]) -> bool:
            try:
                open_envelope(envelope, ring, accept_revoked=True)
            except MaskgateError:
                return False
            return True

        verdict = verify(work, None if checkpoint is None else _outside(ring, checkpoint), is_signed)
        more = (*check_signed_decisions(work), *(check_kept_rows(work) if with_rows else ()))
        return replace(verdict, problems=(*verdict.problems, *more))


def _ring(home: Home, work: Work) -> Ring:
    own = [Signer.load(home.signing_key).public_key] if home.signing_key.exists() else []
    return PinnedRing(home.ring).follow(work, own, is_pinned=False)


def _outside(ring: Ring, checkpoint: Path) -> Checkpoint:
    """Read a checkpoint that any key signed that this gate has had; by a revoked one, anybody may have."""
    note = checkpoint.read_text(encoding="utf-8")
    first = ring.first.public_key
    found = read_checkpoint(note, first, [key.public_key for key in ring.keys])
    try:
        return read_checkpoint(note, first, [key.public_key for key in ring.keys if key.revoked_at is None])
    except LedgerError:
        raise LedgerError(
            f"the checkpoint of {found.head.size} entries is signed by a key that was revoked since, so anybody may "
            "have made it. Keep one that the present key signed."
        ) from None


def must_follow(home: Home, store: Store, checkpoint: Path) -> None:
    """Refuse a database that was put back, or written anew, since a checkpoint was kept.

    An older copy would revive grants that were used, and forget decisions that were taken.

    Raises:
        LedgerError: If the ledger is not the one that the checkpoint saw, grown or not.
    """
    if not home.signing_key.exists() and not home.ring.exists():
        raise LedgerError(f"{home.folder} holds no gate yet, but {checkpoint} is a checkpoint of one. Name its home.")
    verdict = check_ledger(home, store, checkpoint, with_rows=False)
    if not verdict.holds:
        raise LedgerError(f"{verdict}\nThe gate does not start on a database that {checkpoint} contradicts.")
