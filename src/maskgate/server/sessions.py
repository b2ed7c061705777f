"""Who is logged in.

* The cookie holds a random id, signed; what it stands for stays in this process. A restart logs everyone out.
* A new id at each login; a logged-out id is gone.
* A session ends after a time without use, and after an absolute time: groups are as fresh as the login.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from itsdangerous import BadSignature, Signer

if TYPE_CHECKING:
    from datetime import datetime

    from fastapi import Response

    from maskgate.clock import Clock

_MOST = 10_000


@dataclass(frozen=True)
class Session:
    """One person's login in one browser.

    Args:
        id: Random; also the cookie's content.
        account: Login and stable subject, such as ``okta|00u1``.
        name: What to call the person on a page; it identifies nobody.
        groups: Groups the identity provider named at login.
        authenticated_at: When the identity provider was last asked.
        used_at: When the session was last used.
        secret: From which this session's CSRF tokens are made.
    """

    id: str = field(repr=False)
    account: str
    name: str
    groups: tuple[str, ...]
    authenticated_at: datetime
    used_at: datetime
    secret: bytes = field(repr=False)


class Sessions:
    """The sessions of this process.

    Args:
        secret: Signs the cookies; kept in the gate's home.
        clock: What time it is.
        secure: Whether the cookie is for TLS only.
        idle: How long a session lives without use.
        absolute: How long a session lives at all.
    """

    def __init__(
        self,
        secret: bytes,
        *,
        clock: Clock,
        secure: bool,
        idle: timedelta = timedelta(minutes=30),
        absolute: timedelta = timedelta(hours=4),
    ) -> None:
        self._signer = Signer(secret, salt="maskgate.session", key_derivation="hmac", digest_method=sha256)
        self._clock = clock
        self._secure = secure
        self._idle = idle
        self._absolute = absolute
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    @property
    def cookie(self) -> str:
        """The cookie's name; over TLS the prefix binds it to this very host."""
        return "__Host-maskgate_session" if self._secure else "maskgate_session"

    def open(self, response: Response, account: str, name: str, groups: tuple[str, ...]) -> Session:
        """Begin a session under a new id, and give the browser its cookie."""
        now = self._clock.now()
        session = Session(secrets.token_urlsafe(32), account, name, groups, now, now, secrets.token_bytes(32))
        with self._lock:
            self._forget_ended(now)
            while len(self._sessions) >= _MOST:
                del self._sessions[min(self._sessions.values(), key=lambda known: known.used_at).id]
            self._sessions[session.id] = session
        response.set_cookie(
            self.cookie,
            self._signer.sign(session.id).decode("ascii"),
            max_age=int(self._absolute.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )
        return session

    def find(self, cookie: str | None) -> Session | None:
        """Return the session that a cookie stands for, unless it has ended."""
        if not cookie:
            return None
        try:
            identifier = self._signer.unsign(cookie.encode("utf-8")).decode("utf-8")
        except (BadSignature, UnicodeError):
            return None
        now = self._clock.now()
        with self._lock:
            self._forget_ended(now)
            session = self._sessions.get(identifier)
            if session is None:
                return None
            self._sessions[identifier] = used = replace(session, used_at=now)
            return used

    def close(self, response: Response, session: Session) -> None:
        """End a session, in this process and in the browser."""
        with self._lock:
            self._sessions.pop(session.id, None)
        response.delete_cookie(self.cookie, path="/", secure=self._secure, httponly=True, samesite="lax")

    def close_id(self, identifier: str) -> None:
        """End a session by its id, as a new login in the same browser does."""
        with self._lock:
            self._sessions.pop(identifier, None)

    def _forget_ended(self, now: datetime) -> None:
        ended = [
            session.id
            for session in self._sessions.values()
            if now - session.used_at > self._idle or now - session.authenticated_at > self._absolute
        ]
        for identifier in ended:
            del self._sessions[identifier]
