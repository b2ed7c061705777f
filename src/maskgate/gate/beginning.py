"""The first start of a gate: tokens, ledger entry 0, and the first policy and rules, in one transaction.

Entry 0 names the signing key. A later start with another key is refused, and so is a database whose entry 0 names
another: either was put in place of what clients and releasers have pinned.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from maskgate.errors import LedgerError
from maskgate.gate.establishing import put_first_in_force
from maskgate.gate.signer import write_secret
from maskgate.ledger import entries_after
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from maskgate.gate.establishing import Files
    from maskgate.gate.parts import Parts
    from maskgate.store import Work


def begin(parts: Parts, files: Files, token_files: Mapping[str, Path]) -> None:
    """Begin the ledger, or go on with it.

    Raises:
        LedgerError: If the ledger was begun with another signing key.
    """
    with parts.store.write() as work:
        first = next(iter(entries_after(work, limit=1)), None)
        if first is None:
            parts.record(work, "gate.created", fingerprint=parts.signer.fingerprint, url=parts.registry.url)
            for role, file in token_files.items():
                _make_token(parts, work, role, file)
            put_first_in_force(parts, work, files)
        elif first.facts().get("fingerprint") != parts.signer.fingerprint:
            raise LedgerError(
                f"the ledger was begun with the key {first.facts().get('fingerprint')}, but the signing key here is "
                f"{parts.signer.fingerprint}. Put the key back that belongs to this database."
            )
        parts.record(work, "gate.started", worker=parts.worker, fingerprint=parts.signer.fingerprint)


def _make_token(parts: Parts, work: Work, role: str, file: Path) -> None:
    """Make the token of a role; the database keeps its hash alone."""
    token = f"mg_{role}_{secrets.token_urlsafe(32)}"
    file.unlink(missing_ok=True)  # left by a first start that did not get to its end
    write_secret(file, token.encode())
    hashed = hashlib.sha256(token.encode()).hexdigest()
    work.execute(tables.tokens.insert().values(hash=hashed, name=role, role=role, created_at=parts.clock.now()))
