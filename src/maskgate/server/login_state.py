"""What a login under way has to fit, kept by the browser in a signed cookie, and good for once.

The cookie binds the callback to the browser that began. A state that was used is remembered, by all gates, for as long
as its cookie would be taken, so that a callback cannot be played again.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import delete, select

from maskgate.clock import moment, timestamp
from maskgate.server.login_failed import LoginFailed
from maskgate.server.shared_secret import shared_secret
from maskgate.store.tables import used_logins

if TYPE_CHECKING:
    from datetime import datetime

    from fastapi import Response
    from starlette.requests import Request

    from maskgate.clock import Clock
    from maskgate.server.login import Begun
    from maskgate.store import Store

_TIME = timedelta(minutes=10)
_AGAIN = "this login was used before, took too long, or began in another browser. Please log in again"


@dataclass(frozen=True)
class Kept:
    """What was kept of a login that began here."""

    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    target: str
    began_at: datetime
    fresh: bool = False


class LoginState:
    """Keeps and takes back the state of logins.

    Args:
        store: The database.
        clock: What time it is.
        secure: Whether the cookie is for TLS only.
    """

    cookie = "maskgate_login"

    def __init__(self, store: Store, *, clock: Clock, secure: bool) -> None:
        signs = {"key_derivation": "hmac", "digest_method": sha256}
        self._serializer = URLSafeSerializer(shared_secret(store), salt="maskgate.login", signer_kwargs=signs)
        self._store = store
        self._clock = clock
        self._secure = secure

    def keep(self, response: Response, provider: str, begun: Begun, target: str, *, fresh: bool = False) -> None:
        """Give the browser what its callback will have to fit."""
        value = {
            "provider": provider,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_verifier": begun.code_verifier,
            "target": target,
            "fresh": fresh,
            "began_at": timestamp(self._clock.now()),
        }
        response.set_cookie(
            self.cookie,
            str(self._serializer.dumps(value)),
            max_age=int(_TIME.total_seconds()),
            path="/login",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def take(self, request: Request, provider: str, state: str) -> Kept:
        """Take back what was kept for this provider and state, once.

        Raises:
            LoginFailed: If there is nothing, or it was taken before.
        """
        value = self._signed(request.cookies.get(self.cookie, ""))
        same = hmac.compare_digest(str(value.get("state", "")).encode(), state.encode("utf-8", "replace"))
        if not state or value.get("provider") != provider or not same:
            raise LoginFailed(_AGAIN)
        self._use(state, value["began_at"])
        began_at = moment(value["began_at"])
        return Kept(value["nonce"], value["code_verifier"], value["target"], began_at, fresh=value["fresh"])

    def forget(self, response: Response) -> None:
        """Take the cookie away."""
        response.delete_cookie(self.cookie, path="/login", secure=self._secure, httponly=True, samesite="lax")

    def _use(self, state: str, began_at: str) -> None:
        hashed = sha256(state.encode("utf-8", "replace")).hexdigest()
        with self._store.write() as work:
            now = self._clock.now()
            if now - moment(began_at) > _TIME:
                raise LoginFailed(_AGAIN)
            work.execute(delete(used_logins).where(used_logins.c.used_at < now - 2 * _TIME))
            if work.execute(select(used_logins.c.hash).where(used_logins.c.hash == hashed)).first() is not None:
                raise LoginFailed(_AGAIN)
            work.execute(used_logins.insert().values(hash=hashed, used_at=now))

    def _signed(self, cookie: str) -> dict[str, Any]:
        try:
            value: dict[str, Any] = self._serializer.loads(cookie)
        except BadSignature:
            raise LoginFailed(_AGAIN) from None
        return value
