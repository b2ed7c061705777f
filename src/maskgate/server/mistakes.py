"""A mistake of ours: answered without a word about what was in it, and logged by its place alone.

The text of a foreign error may quote what a person or a file sent, so neither answer nor log repeats it.
"""

from __future__ import annotations

import json
import logging
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from maskgate.server.problems import MEDIA_TYPE, problem
from maskgate.server.rendering import render_message

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOG = logging.getLogger("maskgate.server")
_MOST_FRAMES = 8
_TEXT = "The gate made a mistake. Nothing was decided or released by this; its log has the place."


class Mistakes:
    """Answers 500 where the application raises."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001  whatever it is, the answer is the same
            _LOG.error("%s at %s", type(error).__name__, place_of(error))
            if not begun and scope["type"] == "http":
                await _answer(scope, receive, send)


def place_of(error: BaseException) -> str:
    """Say where an error came from, outermost first, without its text."""
    frames = traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    if not scope["path"].startswith("/api/"):
        page = render_message("Something went wrong", _TEXT, status=500, tone="bad", link=("/", "All requests"))
        await page(scope, receive, send)
        return
    body = json.dumps(problem(500, _TEXT, "internal_error")).encode()
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
