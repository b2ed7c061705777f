"""The start of a gate: ledger entry 0 and the first policy and rules, and the tokens, in one transaction.

Entry 0 names the signing key. A later start with another key is refused, and so is a database whose entry 0 names
another: either was put in place of what clients and releasers have pinned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.errors import KeyReferenceError, LedgerError
from maskgate.gate.establishing import put_first_in_force
from maskgate.gate.tokens import keep_tokens
from maskgate.ledger import entries_after

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from maskgate.gate.establishing import Files
    from maskgate.gate.parts import Parts
    from maskgate.store import Work


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
            key = parts.keys.first_key.fingerprint
            parts.record(work, "gate.created", fingerprint=key, url=parts.registry.url)
            put_first_in_force(parts, work, files)
        else:
            _must_be_its_keys(parts, work, str(first.facts().get("fingerprint")))
            key = parts.keys.fingerprint
        parts.record(work, "gate.started", worker=parts.worker, fingerprint=key)
        lines = keep_tokens(parts, work, token_files)
    with parts.store.read() as work:
        parts.keys.ring(work)  # pins the first
    return lines


def _must_be_its_keys(parts: Parts, work: Work, begun: str) -> None:
    ring = parts.keys.ring(work)
    if ring.first.fingerprint != begun:
        raise LedgerError(
            f"the ledger was begun with the key {begun}, but the keys here begin with {ring.first.fingerprint}. "
            "Put the key back that belongs to this database."
        )
    try:
        parts.keys.signer(work)
    except KeyReferenceError as error:
        raise LedgerError(f"{error} Put the key back that belongs to this database.") from None
