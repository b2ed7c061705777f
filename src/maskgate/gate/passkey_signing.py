"""Signing one decision with a passkey: first the statement, then the signature over it, then the decision.

Preparing decides nothing. Where a policy says ``passkey: required`` an approval without a signature is none; a denial
counts without, because it is the safe side.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from maskgate.clock import timestamp
from maskgate.errors import Conflict, NotAllowed, Refused
from maskgate.gate.enrolment import id_of, keep_challenge, passkeys_of, take_challenge
from maskgate.gate.passkeys import challenge_of, proof_of, request_options, statement_of, verify_signature
from maskgate.gate.relying_party import RelyingParty
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.model import PasskeyAnswer
    from maskgate.gate.parts import Parts
    from maskgate.store import Work


def prepare(parts: Parts, work: Work, signed: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a nonce, and what a browser needs to sign a decision.

    Args:
        parts: The gate's parts.
        work: A transaction, in which it was established that the person may decide so.
        signed: The fields of the decision.

    Raises:
        NotAllowed: If the person has no passkey.
    """
    party, now = RelyingParty.of(parts.registry.url), parts.clock.now()
    known = tuple(row.credential for row in passkeys_of(work, signed["person"]))
    if not known:
        raise NotAllowed(
            f"the policy wants this approval signed with a passkey, and {signed['person']} has none at this gate. "
            "Add one under Passkeys, and decide."
        )
    nonce = secrets.token_urlsafe(32)
    statement = statement_of(signed, nonce, timestamp(now))
    keep_challenge(work, nonce, statement, now)
    return nonce, request_options(party, challenge_of(statement), known)


def signature_over(
    parts: Parts, work: Work, signed: Mapping[str, Any], answer: PasskeyAnswer | None, *, required: bool
) -> dict[str, Any]:
    """Verify the signature over a decision, and return what proves it; nothing if there is none and need be none.

    Raises:
        NotAllowed: If there has to be one and is none, or it is by a passkey that is not the person's.
        Conflict: If the decision is not the one that was prepared, or its time is over, or it was used before.
        Refused: If it does not hold.
    """
    if answer is None:
        if required and signed["verdict"] == "approve":
            raise NotAllowed("the policy wants this approval signed with a passkey. Decide on the page of the request.")
        return {}
    party, now = RelyingParty.of(parts.registry.url), parts.clock.now()
    prepared = take_challenge(work, answer.nonce, now)
    statement = statement_of(signed, answer.nonce, str(prepared.get("prepared_at")))
    if statement != prepared:
        raise Conflict("what the passkey signed is not this decision. Open the request, read it, and sign again.")
    credential = str(answer.credential.get("id", ""))
    row = next((each for each in passkeys_of(work, signed["person"]) if each.id == id_of(credential)), None)
    if row is None:
        raise NotAllowed(f"this is no passkey of {signed['person']} at this gate.")
    count = verify_signature(party, statement, answer.credential, row.public_key, row.sign_count)
    rows = tables.passkeys.c
    used = update(tables.passkeys).where(rows.id == row.id, rows.sign_count == row.sign_count)
    if work.execute(used.values(sign_count=count, used_at=now)).rowcount != 1:
        raise Refused("this passkey signed something else at the same moment. Sign again.")
    return {"passkey": proof_of(party, statement, answer.credential, row.public_key)}
