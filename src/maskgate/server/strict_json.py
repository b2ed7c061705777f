"""JSON bodies that say one thing only, and nothing that a later step would choke on.

No key twice, no NaN, nothing infinite, no integer that other readers round (beyond 2^53), no lone surrogate and no NUL
in a text, and no deeper than any body needs to be.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

DEEPEST = 32
LARGEST_INTEGER = 2**53
_TOO_DEEP = "the body is nested too deeply"


class Body(BaseModel):
    """A body whose fields are all known, and of exactly their types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class StrictJsonRequest(Request):
    """A request whose JSON is read strictly."""

    async def json(self) -> Any:
        """Read the body."""
        return read_json(await self.body())


class StrictJsonRoute(APIRoute):
    """A route that reads its JSON body strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler that reads so."""
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(StrictJsonRequest(request.scope, request.receive))

        return strict


def read_json(text: bytes) -> Any:
    """Read JSON in which every key stands once, and every value can be kept, hashed and said again.

    Raises:
        HTTPException: With status 422, if it is no such JSON.
    """
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise HTTPException(422, _TOO_DEEP) from None
    except (ValueError, UnicodeDecodeError):
        raise HTTPException(422, "the body is no JSON in which every key stands once") from None
    _must_be_plain(found)
    return found


def _must_be_plain(found: Any) -> None:
    level, depth = [found], 0
    while level:
        if depth > DEEPEST:
            raise HTTPException(422, _TOO_DEEP)
        if not all(_is_plain(each) for each in level):
            raise HTTPException(422, "the body holds a number or a text that cannot be kept exactly")
        level, depth = [inner for each in level for inner in _inside(each)], depth + 1


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else []


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or abs(value) < LARGEST_INTEGER


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(_: str) -> NoReturn:
    raise ValueError("not a number")
