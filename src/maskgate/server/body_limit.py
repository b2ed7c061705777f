"""No body is larger than its route needs. Uploads of staged files have their own limit, at the staging."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from maskgate.server.problems import MEDIA_TYPE, TooLarge, problem_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 64 * 1024
_UPLOAD = re.compile(r"/api/v1/staging/[^/]+/files/.+")


class BodyLimit:
    """Answers 413 to a body that is too large, without reading it all."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, after its body was read."""
        upload = scope["type"] == "http" and scope["method"] == "PUT" and _UPLOAD.fullmatch(scope["path"])
        if scope["type"] != "http" or upload:
            await self.app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > LARGEST:
            await _refuse(send)
            return
        body, rest = b"", True
        while rest:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, rest = body + message.get("body", b""), message.get("more_body", False)
            if len(body) > LARGEST:
                await _refuse(send)
                return
        await self.app(scope, _replay(body, receive), send)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read once more, then whatever comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


async def _refuse(send: Send) -> None:
    error = TooLarge(f"the body is larger than {LARGEST} bytes. Files go up by PUT, into a staging")
    body = json.dumps(problem_of(error)).encode()
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
