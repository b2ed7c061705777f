"""Every decision that a passkey signed, verified again from the ledger's own words.

The entry of a decision has what was signed and the signature; the entry ``passkey.registered`` before it says whose the
public key is. Neither the rows of the database nor a browser are needed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.errors import Refused
from maskgate.gate.passkeys import verify_decision
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from maskgate.store import Work

_REGISTERED, _REVOKED = "passkey.registered", "passkey.revoked"
_VERDICTS = {"decision.approve": "approve", "decision.deny": "deny"}


def check_signed_decisions(work: Work) -> Iterator[str]:
    """Say what does not hold of the decisions in the ledger that passkeys signed."""
    kinds = (_REGISTERED, _REVOKED, *_VERDICTS)
    chosen = select(tables.ledger.c.body).where(tables.ledger.c.type.in_(kinds)).order_by(tables.ledger.c.seq)
    yield from problems_of(json.loads(body) for body in work.execute(chosen).scalars())


def problems_of(bodies: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Say what does not hold, of bodies of entries in their order."""
    keys: dict[str, Mapping[str, Any]] = {}
    used: set[str] = set()
    for body in bodies:
        if body["type"] == _REGISTERED:
            keys[body["credential"]] = body
        elif body["type"] == _REVOKED:
            keys = {name: key for name, key in keys.items() if key["passkey"] != body["passkey"]}
        elif "passkey" in body:
            problem = _problem(body, body["passkey"], keys.get(body["passkey"]["credential"]), used)
            used.add(body["passkey"]["nonce"])
            if problem:
                yield f"entry {body['seq']}: the passkey's signature of {body['person']} {problem}"


def _problem(
    body: Mapping[str, Any], proof: Mapping[str, str], key: Mapping[str, Any] | None, used: set[str]
) -> str | None:
    if key is None or (key["person"], key["public_key"]) != (body["person"], proof["public_key"]):
        return "is by a passkey that was not theirs then"
    if proof["nonce"] in used:
        return "served another decision before"
    try:
        verify_decision({**body, "verdict": _VERDICTS[body["type"]]}, proof)
    except Refused:
        return "does not hold for this decision"
    return None
