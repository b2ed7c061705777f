"""Pages are for the address that people know; another name for the gate gets a pointer to it.

A name that somebody else controls could be made to lead here (DNS rebinding), and cookies are per name. Pipelines
send tokens, which no browser sends by itself, so they may use whatever name reaches the gate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from maskgate.server.rendering import render_message

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_ANY_NAME = ("/healthz", "/metrics")


class HostCheck:
    """Answers 421 to a page that was asked for under another name.

    Args:
        app: The application behind.
        url: Where people reach the gate.
    """

    def __init__(self, app: ASGIApp, *, url: str) -> None:
        self.app = app
        self.url = url
        self.netloc = urlsplit(url).netloc.lower().encode("ascii", "replace")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, if it came under the right name or carries a token."""
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            known = headers.get(b"host", b"").lower() == self.netloc
            if not known and b"authorization" not in headers and scope["path"] not in _ANY_NAME:
                answer = render_message(
                    "Another address", f"This gate is reached at {self.url}", status=421, tone="wait"
                )
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)
