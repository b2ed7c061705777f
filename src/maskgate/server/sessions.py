"""Who is logged in, at all gates that share a database.

* The cookie holds a random id. The database holds its hash, so whoever reads the database is logged in by nothing.
* A new id at each login; a logged-out id is gone, at every gate at once.
* A session ends after a time without use, and after an absolute time: groups are as fresh as the login.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, or_, select, update

from maskgate.server.login_claims import NO_PROOF, Proof
from maskgate.server.sealed_token import open_token, seal_token
from maskgate.store import Asked, tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from fastapi import Response

    from maskgate.clock import Clock
    from maskgate.store import Store, Work

_MOST = 10_000
_LONGEST_COOKIE = 200
_NAMES = ("account", "name", "groups", "authenticated_at", "used_at")
# A session that is used all the time is written down as used only so often.
_NOTED_EVERY = timedelta(minutes=1)
_BY_HASH = select(tables.sessions).where(tables.sessions.c.hash == bindparam("of"))


@dataclass(frozen=True)
class Session:
    """One person's login in one browser.

    Args:
        id: Random; also the cookie's content.
        account: Login and stable subject, such as ``okta|00u1``.
        name: What to call the person on a page; it identifies nobody.
        groups: Groups the identity provider named at login.
        authenticated_at: When the person came from the identity provider.
        used_at: When the session was last used.
        proof: How sure it is who that was.
    """

    id: str = field(repr=False)
    account: str
    name: str
    groups: tuple[str, ...]
    authenticated_at: datetime
    used_at: datetime
    proof: Proof = NO_PROOF

    @property
    def provider(self) -> str:
        """The identity provider's name here."""
        return self.account.partition("|")[0]

    @property
    def secret(self) -> bytes:
        """From which this session's CSRF tokens are made; who knows the cookie's hash alone cannot make one."""
        return hmac.new(self.id.encode("utf-8", "replace"), b"maskgate/session/csrf", sha256).digest()


class Sessions:
    """The sessions of all gates.

    Args:
        store: The database.
        clock: What time it is.
        secure: Whether the cookie is for TLS only.
        idle: How long a session lives without use.
        absolute: How long a session lives at all.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        secure: bool,
        idle: timedelta = timedelta(minutes=30),
        absolute: timedelta = timedelta(hours=4),
    ) -> None:
        self._store = store
        self._clock = clock
        self._secure = secure
        self._idle = idle
        self._absolute = absolute

    @property
    def cookie(self) -> str:
        """The cookie's name; over TLS the prefix binds it to this very host."""
        return "__Host-maskgate_session" if self._secure else "maskgate_session"

    @property
    def store(self) -> Store:
        """Where they are kept."""
        return self._store

    def open(
        self, response: Response, account: str, name: str, groups: tuple[str, ...], proof: Proof = NO_PROOF
    ) -> Session:
        """Begin a session under a new id, and give the browser its cookie."""
        with self._store.write() as work:
            now = self._clock.now()
            session = Session(secrets.token_urlsafe(32), account, name, groups, now, now, proof)
            self._forget_ended(work, now)
            row = {each: getattr(session, each) for each in _NAMES} | {"groups": list(groups)}
            work.execute(tables.sessions.insert().values(hash=_hash(session.id), **row, **_proof_row(session)))
        response.set_cookie(
            self.cookie,
            session.id,
            max_age=int(self._absolute.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )
        return session

    def find(self, cookie: str | None) -> Session | None:
        """Return the session that a cookie stands for, unless it has ended."""
        if not cookie or len(cookie) > _LONGEST_COOKIE:
            return None
        with self._store.look(Asked(_BY_HASH, {"of": _hash(cookie)})) as (rows,):
            now = self._clock.now()
        if not rows:
            return None
        (found,) = rows
        row = {each: found[each] for each in _NAMES} | {"groups": tuple(found["groups"])}
        session = Session(id=cookie, **row, proof=_proof(cookie, found))
        if now - session.used_at > self._idle or now - session.authenticated_at > self._absolute:
            return None
        if now - session.used_at >= _NOTED_EVERY:
            with self._store.write() as work:
                work.execute(update(tables.sessions).where(tables.sessions.c.hash == found["hash"]).values(used_at=now))
        return replace(session, used_at=now)

    def close(self, response: Response, session: Session) -> None:
        """End a session, at every gate and in the browser."""
        self.close_id(session.id)
        response.delete_cookie(self.cookie, path="/", secure=self._secure, httponly=True, samesite="lax")

    def close_id(self, identifier: str) -> None:
        """End a session by its id, as a new login in the same browser does."""
        with self._store.write() as work:
            work.execute(delete(tables.sessions).where(tables.sessions.c.hash == _hash(identifier)))

    def _forget_ended(self, work: Work, now: datetime) -> None:
        """Delete what has ended, and the longest unused where there are too many."""
        rows = tables.sessions.c
        ended = or_(rows.used_at < now - self._idle, rows.authenticated_at < now - self._absolute)
        work.execute(delete(tables.sessions).where(ended))
        beyond = select(rows.hash).order_by(rows.used_at.desc()).offset(_MOST - 1)
        if unused := list(work.execute(beyond).scalars()):
            work.execute(delete(tables.sessions).where(rows.hash.in_(unused)))


def _proof_row(session: Session) -> dict[str, Any]:
    proof = session.proof
    return {
        "proved_at": proof.proved_at,
        "methods": list(proof.methods),
        "context_class": proof.context_class,
        "groups_missing": proof.groups_missing,
        "access": seal_token(session.id, proof.access),
    }


def _proof(cookie: str, row: Mapping[Any, Any]) -> Proof:
    return Proof(
        proved_at=row["proved_at"],
        methods=tuple(row["methods"] or ()),
        context_class=row["context_class"],
        groups_missing=row["groups_missing"] or "",
        access=open_token(cookie, row["access"]),
    )


def _hash(identifier: str) -> str:
    return sha256(identifier.encode("utf-8", "replace")).hexdigest()
