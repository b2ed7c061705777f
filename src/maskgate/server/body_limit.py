"""No body is larger than its route needs, and none keeps others waiting.

A body has to come within seconds. Uploads of staged files have their own limit, at the staging; their time grows with
what has come, so that a large file may take long and a trickle may not.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

from maskgate.server.problems import MEDIA_TYPE, TooLarge, TooSlow, problem_of, status_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from maskgate.errors import MaskgateError

LARGEST = 64 * 1024
SECONDS = 20.0
BYTES_A_SECOND = 1024
_UPLOAD = re.compile(r"/api/v1/staging/[^/]+/files/.+")


class BodyLimit:
    """Answers 413 to a body that is too large, without reading it all, and 408 to one that does not come.

    Args:
        app: The application behind.
        seconds: How long a body may take; an upload that long, and a second more for each KiB that has come.
    """

    def __init__(self, app: ASGIApp, *, seconds: float = SECONDS) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, after its body was read."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["method"] == "PUT" and _UPLOAD.fullmatch(scope["path"]):
            await self.app(scope, _hurried(receive, self.seconds), send)
        else:
            await self._whole(scope, receive, send)

    async def _whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        try:
            if not announced.isdigit() or int(announced) > LARGEST:
                raise _too_large()
            async with asyncio.timeout(self.seconds):
                body = await _read(receive)
        except TimeoutError:
            await _refuse(send, TooSlow(f"the body did not come within {self.seconds:g} seconds"))
        except TooLarge as error:
            await _refuse(send, error)
        else:
            if body is not None:
                await self.app(scope, _replay(body, receive), send)


async def _read(receive: Receive) -> bytes | None:
    """Read a body; None if the client went away."""
    body, rest = b"", True
    while rest:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body, rest = body + message.get("body", b""), message.get("more_body", False)
        if len(body) > LARGEST:
            raise _too_large()
    return body


def _hurried(receive: Receive, seconds: float) -> Receive:
    """Take a trickle for a client that went away."""
    began, came, over = asyncio.get_running_loop().time(), 0, False

    async def hurried() -> Message:
        nonlocal came, over
        if over:
            return await receive()
        try:
            async with asyncio.timeout_at(began + seconds + came / BYTES_A_SECOND):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        came += len(message.get("body", b""))
        over = not message.get("more_body", False)
        return message

    return hurried


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read once more, then whatever comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _too_large() -> TooLarge:
    return TooLarge(f"the body is larger than {LARGEST} bytes. Files go up by PUT, into a staging")


async def _refuse(send: Send, error: MaskgateError) -> None:
    body = json.dumps(problem_of(error)).encode()
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status_of(error), "headers": headers})
    await send({"type": "http.response.body", "body": body})
