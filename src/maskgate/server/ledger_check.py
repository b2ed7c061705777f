"""Holding the ledger of a home against itself, and against a checkpoint that was kept elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.errors import LedgerError, MaskgateError
from maskgate.gate.grants import open_envelope
from maskgate.gate.ring import Ring
from maskgate.gate.signer import Signer
from maskgate.ledger import read_checkpoint, verify

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from maskgate.ledger import Verdict
    from maskgate.server.home import Home
    from maskgate.store import Store


def check_ledger(home: Home, store: Store, checkpoint: Path | None) -> Verdict:
    """Verify the whole ledger.

    Args:
        home: Where the signing key is.
        store: The database.
        checkpoint: A file with a checkpoint; None if there is none to compare with.

    Raises:
        LedgerError: If the checkpoint is none of this gate.
    """
    key = Signer.load(home.signing_key).public_key

    def is_signed(envelope: Mapping[str, Any]) -> bool:
        try:
            open_envelope(envelope, Ring.of(key))
        except MaskgateError:
            return False
        return True

    outside = None if checkpoint is None else read_checkpoint(checkpoint.read_text(encoding="utf-8"), key)
    with store.read() as work:
        return verify(work, outside, is_signed)


def must_follow(home: Home, store: Store, checkpoint: Path) -> None:
    """Refuse a database that was put back, or written anew, since a checkpoint was kept.

    An older copy would revive grants that were used, and forget decisions that were taken.

    Raises:
        LedgerError: If the ledger is not the one that the checkpoint saw, grown or not.
    """
    if not home.signing_key.exists():
        raise LedgerError(f"{home.folder} holds no gate yet, but {checkpoint} is a checkpoint of one. Name its home.")
    verdict = check_ledger(home, store, checkpoint)
    if not verdict.holds:
        raise LedgerError(f"{verdict}\nThe gate does not start on a database that {checkpoint} contradicts.")
