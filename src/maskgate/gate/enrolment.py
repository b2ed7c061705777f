"""Whose passkeys there are. A passkey is made after a fresh login, and its person is told of it by another way.

* Only somebody of the policy, who has proved who they are within five minutes.
* Only where the gate has a way of telling people: whoever takes over a session cannot add a key unnoticed.
* A key belongs to one person for ever; revoked, it never comes back.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from maskgate.clock import timestamp
from maskgate.errors import Conflict, NotAllowed, NotFound, Refused
from maskgate.gate.announcing import announce
from maskgate.gate.fresh_login import FreshLoginNeeded, must_be_fresh
from maskgate.gate.markdown import visible
from maskgate.gate.parts import active_policy
from maskgate.gate.passkeys import challenge_of, creation_options, encoded, verify_new
from maskgate.gate.relying_party import RelyingParty
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from maskgate.gate.model import Identity
    from maskgate.gate.parts import Parts
    from maskgate.store import Work

FRESH = timedelta(minutes=5)
ENROLMENT = "maskgate-enrolment/1"
_WAITS = timedelta(minutes=5)
_MOST = 10
_LONGEST_NAME = 100
_AGAIN = "this was used before, or took too long. Begin again."


@dataclass(frozen=True)
class Enrolling:
    """Whether somebody may add a passkey.

    Attributes:
        person: Who they are; None if they are nobody in the policy.
        why_not: Why not, in a sentence; empty if they may.
        needs_login: Whether a fresh login is all that is missing.
    """

    person: str | None
    why_not: str = ""
    needs_login: bool = False


def may_enrol(parts: Parts, identity: Identity) -> Enrolling:
    """Say whether somebody may add a passkey now."""
    with parts.store.read() as work:
        person = active_policy(work).people.person_of(identity.accounts)
        try:
            RelyingParty.of(parts.registry.url)
            _must_be_allowed(parts, work, identity)
        except Refused as error:
            return Enrolling(person, str(error), isinstance(error, FreshLoginNeeded))
    return Enrolling(person)


def warnings(parts: Parts) -> tuple[str, ...]:
    """Say which policies want passkeys that nobody can have at this gate."""
    with parts.store.read() as work:
        wanting = [rule.name for rule in active_policy(work).rules if rule.passkey]
    try:
        RelyingParty.of(parts.registry.url)
        _must_be_told(parts)
    except Refused as error:
        return tuple(f'nobody can approve under the policy "{name}", which wants passkeys: {error}' for name in wanting)
    return ()


def begin_enrolment(parts: Parts, identity: Identity) -> tuple[str, dict[str, Any]]:
    """Let somebody make a passkey; return a nonce, and what their browser needs.

    Raises:
        FreshLoginNeeded: If they have to prove again who they are.
        NotAllowed: If they are nobody in the policy.
        Refused: If this gate could tell nobody of it, or has no name to bind it to.
    """
    party = RelyingParty.of(parts.registry.url)
    with parts.store.write() as work:
        person = _must_be_allowed(parts, work, identity)
        nonce = secrets.token_urlsafe(32)
        statement = {
            "format": ENROLMENT,
            "person": person,
            "account": identity.accounts[0],
            "nonce": nonce,
            "prepared_at": timestamp(parts.clock.now()),
        }
        keep_challenge(work, nonce, statement, parts.clock.now())
        known = tuple(row.credential for row in passkeys_of(work, person))
    return nonce, creation_options(party, person, identity.accounts[0], challenge_of(statement), known)


def enrol(parts: Parts, identity: Identity, nonce: str, name: str, answer: Mapping[str, Any]) -> None:
    """Keep the passkey that a browser made, and tell its person.

    Raises:
        NotAllowed: If they are not the one who began.
        Conflict: If it took too long, or the passkey is known.
        Refused: If it is no passkey for this gate.
    """
    party = RelyingParty.of(parts.registry.url)
    with parts.store.write() as work:
        now = parts.clock.now()
        person = _must_be_allowed(parts, work, identity)
        statement = take_challenge(work, nonce, now)
        if (statement.get("format"), statement.get("account")) != (ENROLMENT, identity.accounts[0]):
            raise NotAllowed("this passkey was begun by somebody else. Begin again.")
        made = verify_new(party, challenge_of(statement), answer)
        row = {
            "id": id_of(made.credential),
            "credential": made.credential,
            "person": person,
            "account": identity.accounts[0],
            "name": visible(name, _LONGEST_NAME) or "passkey",
            "public_key": made.public_key,
            "sign_count": made.sign_count,
            "registered_at": now,
        }
        if work.execute(select(tables.passkeys.c.id).where(tables.passkeys.c.id == row["id"])).first() is not None:
            raise Conflict("this passkey is registered already, or was and is revoked. Make another.")
        work.execute(tables.passkeys.insert().values(row))
        _record(parts, work, row)


def _record(parts: Parts, work: Work, row: Mapping[str, Any]) -> None:
    """Write the entry that says whose the public key is, and have the person told."""
    person, url = row["person"], parts.registry.url
    parts.record(
        work,
        "passkey.registered",
        passkey=row["id"],
        person=person,
        account=row["account"],
        credential=row["credential"],
        public_key=encoded(row["public_key"]),
    )
    text = f"A passkey that signs in the name of {person} was added at {url}."
    announce(parts, work, person, f"{text} If that was not {person}, revoke it there, and tell the gate's operator.")


def revoke(parts: Parts, identity: Identity, passkey: str) -> None:
    """Revoke one's own passkey, for ever.

    Raises:
        NotFound: If one has no such passkey.
    """
    with parts.store.write() as work:
        person = active_policy(work).people.person_of(identity.accounts)
        rows = tables.passkeys.c
        mine = (rows.id == passkey, rows.person == (person or ""), rows.revoked_at.is_(None))
        if work.execute(update(tables.passkeys).where(*mine).values(revoked_at=parts.clock.now())).rowcount != 1:
            raise NotFound("you have no such passkey.")
        parts.record(work, "passkey.revoked", passkey=passkey, person=person, account=identity.accounts[0])
        announce(parts, work, str(person), f"A passkey of {person} was revoked at {parts.registry.url}.")


def passkeys_of(work: Work, person: str) -> list[Any]:
    """Return somebody's passkeys that are not revoked, the oldest first."""
    rows = tables.passkeys.c
    chosen = select(tables.passkeys).where(rows.person == person, rows.revoked_at.is_(None))
    return list(work.execute(chosen.order_by(rows.registered_at)))


def keep_challenge(work: Work, nonce: str, statement: Mapping[str, Any], now: datetime) -> None:
    """Remember what a passkey is asked to sign, for a few minutes."""
    rows = tables.passkey_challenges.c
    work.execute(delete(tables.passkey_challenges).where(rows.made_at < now - _WAITS))
    kept = {"id": _hash(nonce), "statement": dict(statement), "made_at": now}
    work.execute(tables.passkey_challenges.insert().values(kept))


def take_challenge(work: Work, nonce: str, now: datetime) -> dict[str, Any]:
    """Take back what a passkey was asked to sign, once.

    Raises:
        Conflict: If it was taken before, or took too long.
    """
    rows = tables.passkey_challenges.c
    found = work.execute(select(tables.passkey_challenges).where(rows.id == _hash(nonce))).first()
    gone = work.execute(delete(tables.passkey_challenges).where(rows.id == _hash(nonce))).rowcount
    if found is None or gone != 1 or now - found.made_at > _WAITS:
        raise Conflict(_AGAIN)
    return dict(found.statement)


def id_of(credential: str) -> str:
    """Return what a passkey is called here: the hash of its id, which may be long."""
    return _hash(credential)


def _must_be_allowed(parts: Parts, work: Work, identity: Identity) -> str:
    person = active_policy(work).people.person_of(identity.accounts)
    if person is None:
        raise NotAllowed("the account that you logged in with is linked to nobody in the policy, so it signs nothing.")
    _must_be_told(parts)
    if len(passkeys_of(work, person)) >= _MOST:
        raise Refused(f"{person} has {_MOST} passkeys. Revoke one first.")
    must_be_fresh(FRESH, identity, parts.clock.now())
    return person


def _must_be_told(parts: Parts) -> None:
    if not parts.notifiers:
        raise Refused(
            "this gate has no other way of telling people that a passkey was added in their name, so none is. Its "
            "operator can configure one, such as `slack:`."
        )


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()
