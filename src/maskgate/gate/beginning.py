"""The start of a gate: ledger entry 0 and the first policy and rules, and the tokens, in one transaction.

Entry 0 names the signing key. A later start with another key is refused, and so is a database whose entry 0 names
another: either was put in place of what clients and releasers have pinned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.errors import LedgerError
from maskgate.gate.establishing import put_first_in_force
from maskgate.gate.tokens import keep_tokens
from maskgate.ledger import entries_after

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from maskgate.gate.establishing import Files
    from maskgate.gate.parts import Parts


def begin(parts: Parts, files: Files, token_files: Mapping[str, Path]) -> tuple[str, ...]:
    """Begin the ledger, or go on with it, with the tokens of the configuration.

    Returns:
        Lines for whoever starts the gate, about tokens that were revoked.

    Raises:
        LedgerError: If the ledger was begun with another signing key.
    """
    with parts.store.write() as work:
        first = next(iter(entries_after(work, limit=1)), None)
        if first is None:
            parts.record(work, "gate.created", fingerprint=parts.signer.fingerprint, url=parts.registry.url)
            put_first_in_force(parts, work, files)
        elif first.facts().get("fingerprint") != parts.signer.fingerprint:
            raise LedgerError(
                f"the ledger was begun with the key {first.facts().get('fingerprint')}, but the signing key here is "
                f"{parts.signer.fingerprint}. Put the key back that belongs to this database."
            )
        parts.record(work, "gate.started", worker=parts.worker, fingerprint=parts.signer.fingerprint)
        return keep_tokens(parts, work, token_files)
