"""What a login under way has to fit, kept by the browser in a signed cookie, and good for once.

The cookie binds the callback to the browser that began. A state that was used is remembered for as long as its
cookie would be taken, so that a callback cannot be played again.
"""

from __future__ import annotations

import hmac
import threading
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from itsdangerous import BadSignature, URLSafeTimedSerializer

from maskgate.server.login import LoginFailed

if TYPE_CHECKING:
    from datetime import datetime

    from fastapi import Response
    from starlette.requests import Request

    from maskgate.clock import Clock
    from maskgate.server.login import Begun

_SECONDS = 600
_AGAIN = "this login was used before, took too long, or began in another browser. Please log in again"


@dataclass(frozen=True)
class Kept:
    """What was kept of a login that began here."""

    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    target: str


class LoginState:
    """Keeps and takes back the state of logins.

    Args:
        secret: Signs the cookie.
        clock: What time it is.
        secure: Whether the cookie is for TLS only.
    """

    cookie = "maskgate_login"

    def __init__(self, secret: bytes, *, clock: Clock, secure: bool) -> None:
        self._serializer = URLSafeTimedSerializer(
            secret, salt="maskgate.login", signer_kwargs={"key_derivation": "hmac", "digest_method": sha256}
        )
        self._clock = clock
        self._secure = secure
        self._lock = threading.Lock()
        self._used: dict[str, datetime] = {}

    def keep(self, response: Response, provider: str, begun: Begun, target: str) -> None:
        """Give the browser what its callback will have to fit."""
        value = {
            "provider": provider,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_verifier": begun.code_verifier,
            "target": target,
        }
        response.set_cookie(
            self.cookie,
            str(self._serializer.dumps(value)),
            max_age=_SECONDS,
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
        now = self._clock.now()
        with self._lock:
            ended = [each for each, at in self._used.items() if (now - at).total_seconds() > 2 * _SECONDS]
            for each in ended:
                del self._used[each]
            if state in self._used:
                raise LoginFailed(_AGAIN)
            self._used[state] = now
        return Kept(value["nonce"], value["code_verifier"], value["target"])

    def forget(self, response: Response) -> None:
        """Take the cookie away."""
        response.delete_cookie(self.cookie, path="/login", secure=self._secure, httponly=True, samesite="lax")

    def _signed(self, cookie: str) -> dict[str, Any]:
        try:
            value: dict[str, Any] = self._serializer.loads(cookie, max_age=_SECONDS)
        except BadSignature:
            raise LoginFailed(_AGAIN) from None
        return value
