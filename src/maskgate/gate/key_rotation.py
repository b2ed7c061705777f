"""Replacing the gate's key, and revoking an earlier one: what happens once somebody has signed it.

* The key in use signs that another takes its place, and that an earlier one answers for nothing any more.
* A key that was replaced still answers for its grants, until they run out.
* A revoked one does not: its grants that nobody has taken are void, in the same transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from maskgate.errors import Refused
from maskgate.gate import consumption
from maskgate.gate.envelope import keyid_of
from maskgate.gate.key_chain import state_revocation, state_rotation
from maskgate.gate.lifecycle import State
from maskgate.gate.request import get_request
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work

_VOID = "The key that signed its grant was revoked. Nothing was released; ask again."


def rotate_key(parts: Parts, work: Work, request: Request) -> str:
    """Let the key that was signed take the place of the one in use.

    Raises:
        Refused: If it has been in use already.
        KeyReferenceError: If this gate does not hold both keys.
    """
    ring, old = parts.keys.ring(work), parts.keys.signer(work)
    new = parts.keys.held(request.subject or "")
    if new.fingerprint in ring:
        raise Refused(f"the key {new.fingerprint} has been the gate's key already. Ask for another rotation.")
    new.sign(b"maskgate: this gate can sign by its next key")
    statement = state_rotation(ring, old, new.public_key, request=request.id, at=parts.clock.now())
    _state(parts, work, statement)
    parts.record(work, "gate.key_rotated", request, old=old.fingerprint, new=new.fingerprint, statement=statement)
    return (
        f"The gate signs by {new.fingerprint} from now on. Grants of {old.fingerprint} are good until they run out. "
        "Give releasers the new ring: maskgate gate keys export."
    )


def revoke_key(parts: Parts, work: Work, request: Request) -> str:
    """Let an earlier key answer for nothing any more, and void its grants.

    Raises:
        Refused: If there is no such key, it is the one in use, or it is revoked.
    """
    ring, signer, revoked = parts.keys.ring(work), parts.keys.signer(work), request.subject or ""
    must_be_revocable(parts, work, revoked)
    statement = state_revocation(ring, signer, revoked, request=request.id, at=parts.clock.now())
    _state(parts, work, statement)
    void = _void_grants(parts, work, revoked)
    parts.record(
        work,
        "gate.key_revoked",
        request,
        revoked=revoked,
        by=signer.fingerprint,
        void_grants=void,
        statement=statement,
    )
    return (
        f"The key {revoked} is revoked; {len(void)} grants that nobody had used are void. "
        "Give releasers the new ring: maskgate gate keys export."
    )


def must_be_revocable(parts: Parts, work: Work, fingerprint: str) -> None:
    """Refuse to revoke what cannot be.

    Raises:
        Refused: If there is no such key, it is the one in use, or it is revoked.
    """
    ring = parts.keys.ring(work)
    found = {key.fingerprint: key for key in ring.keys}.get(fingerprint)
    if found is None:
        raise Refused(f"this gate has never signed by {fingerprint[:80]!r}. `maskgate gate keys list` shows its keys.")
    if found is ring.current:
        raise Refused(f"{fingerprint} is the key in use. Rotate it first; then revoke it.")
    if found.revoked_at is not None:
        raise Refused(f"{fingerprint} is revoked already.")


def _state(parts: Parts, work: Work, statement: Mapping[str, Any]) -> None:
    number = work.execute(select(func.count()).select_from(tables.key_statements)).scalar_one()
    row = {"number": number, "at": parts.clock.now(), "statement": dict(statement)}
    work.execute(tables.key_statements.insert().values(row))


def _void_grants(parts: Parts, work: Work, fingerprint: str) -> list[str]:
    """Void every grant of a key that nobody has taken; return which."""
    void = []
    for row in work.execute(select(tables.grants).where(tables.grants.c.state == "issued")).all():
        if keyid_of(row.envelope) == fingerprint and consumption.revoke(work, row.id):
            void.append(row.id)
            request = get_request(work, row.request)
            if request.state is State.APPROVED:
                withdrawn = parts.advance(work, request, State.WITHDRAWN, _VOID)
                parts.record(work, "request.withdrawn", withdrawn, because="its grant's key was revoked")
    return void
