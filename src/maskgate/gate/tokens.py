"""Tokens: who holds which, and that the database knows just those of the configuration.

* A token asks or reads; none decides. It sees its own requests alone, an auditor's all.
* Whose it is stands in the configuration, never in what its bearer says: the person who owns it, and the person on
  whose behalf it acts, are involved in all it asks for.
* A token that the configuration does not name any more is revoked at the next start. Making and revoking are entries.
* The database keeps hashes, and the file for its holder is its owner's alone.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from maskgate.gate.signer import write_secret
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from maskgate.gate.parts import Parts
    from maskgate.store import Work

ROLES = ("pipeline", "auditor", "operator", "releaser")


@dataclass(frozen=True)
class TokenHolder:
    """Whose a token is, as the configuration says.

    Attributes:
        name: What requests, and the ledger, call it.
        role: ``pipeline`` asks and stages; ``auditor`` reads; ``operator`` asks for changes of the gate's keys;
            ``releaser`` carries releases out.
        owner: The person of the policy who answers for it.
        agent: Whether an AI agent holds it.
        on_behalf_of: The person of the policy for whom it acts.
    """

    name: str
    role: str
    owner: str | None = None
    agent: bool = False
    on_behalf_of: str | None = None


USUAL_TOKENS = {role: TokenHolder(role, role) for role in ("pipeline", "auditor")}


def keep_tokens(parts: Parts, work: Work, files: Mapping[str, Path]) -> tuple[str, ...]:
    """Make the tokens that the configuration names and the database does not know, and revoke all others.

    Args:
        parts: The gate's parts.
        work: The transaction of the start.
        files: Where each token is put for its holder, by name.

    Returns:
        Lines for whoever starts the gate, about tokens that were revoked.
    """
    holders = parts.registry.tokens
    known = {row.name: row.role for row in work.execute(select(tables.tokens))}
    lines = []
    for name, role in known.items():
        if name not in holders or holders[name].role != role:
            _revoke(parts, work, name, role)
            lines.append(f"the token {name} is revoked: the configuration does not name it as a token of role {role}.")
    for name, holder in holders.items():
        if name in files and known.get(name) != holder.role:
            _make(parts, work, holder, files[name])
    return tuple(lines)


def find_token(work: Work, token: str, holders: Mapping[str, TokenHolder]) -> TokenHolder | None:
    """Return whose token this is; None if it is none of the database, or none of the configuration any more."""
    hashed = _hash(token)
    row = work.execute(select(tables.tokens).where(tables.tokens.c.hash == hashed)).first()
    holder = None if row is None else holders.get(row.name)
    return holder if holder is not None and row is not None and holder.role == row.role else None


def _make(parts: Parts, work: Work, holder: TokenHolder, file: Path) -> None:
    token = f"mg_{holder.role}_{secrets.token_urlsafe(32)}"
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.unlink(missing_ok=True)  # left by a start that did not get to its end
    write_secret(file, token.encode())
    row = {"hash": _hash(token), "name": holder.name, "role": holder.role, "created_at": parts.clock.now()}
    work.execute(tables.tokens.insert().values(row))
    parts.record(
        work,
        "token.created",
        token=holder.name,
        role=holder.role,
        owner=holder.owner,
        agent=holder.agent,
        on_behalf_of=holder.on_behalf_of,
    )


def _revoke(parts: Parts, work: Work, name: str, role: str) -> None:
    work.execute(delete(tables.tokens).where(tables.tokens.c.name == name))
    parts.record(work, "token.revoked", token=name, role=role)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
