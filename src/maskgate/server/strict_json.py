"""JSON bodies that say one thing only: no key twice, no NaN, and no more than fits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


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
    """Read JSON in which every key stands once.

    Raises:
        HTTPException: With status 422, if it is no such JSON.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise HTTPException(422, "the body is nested too deeply") from None
    except (ValueError, UnicodeDecodeError):
        raise HTTPException(422, "the body is no JSON in which every key stands once") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(_: str) -> NoReturn:
    raise ValueError("not a number")
