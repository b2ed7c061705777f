"""Who looks at a page, and who sends a form: a person with a session, or else nobody."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request

from maskgate.errors import MaskgateError
from maskgate.server.callers import Visitor, token_caller, visitor_of
from maskgate.server.problems import NotAuthenticated
from maskgate.server.services import services_of


class LoginNeeded(MaskgateError):  # noqa: N818  reads as what it is
    """Nobody is logged in; the login leads back to ``path``."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    @property
    def location(self) -> str:
        """Where to log in."""
        return "/login" if self.path == "/" else f"/login?next={quote(self.path, safe='')}"


def logged_in(request: Request) -> Visitor:
    """Return the person who looks at a page.

    Raises:
        LoginNeeded: If nobody is logged in.
    """
    visitor = visitor_of(request)
    if visitor is None:
        raise LoginNeeded(request.url.path)
    return visitor


def reviewing(request: Request) -> Visitor:
    """Return the person who looks at a request; whether they may decide it is found out as for a decision.

    Raises:
        LoginNeeded: If nobody is logged in.
    """
    visitor = visitor_of(request, asks=request.method == "GET")
    if visitor is None:
        raise LoginNeeded(request.url.path)
    return visitor


def posting(request: Request) -> Visitor:
    """Return the person who sent a form.

    Raises:
        NotAllowed: If a token tries.
        NotAuthenticated: If nobody is logged in (any more).
    """
    caller = token_caller(request)
    if caller is not None:
        services_of(request).gate.refuse_token_decision(caller, str(request.path_params.get("request_id", "")))
    visitor = visitor_of(request, asks=True)
    if visitor is None:
        raise NotAuthenticated("your session has ended. Log in and decide again")
    return visitor


Looking = Annotated[Visitor, Depends(logged_in)]
Reviewing = Annotated[Visitor, Depends(reviewing)]
Posting = Annotated[Visitor, Depends(posting)]


def fresh_login(visitor: Visitor, target: str) -> str:
    """Return where somebody proves again who they are, and comes back from."""
    return f"/login/{quote(visitor.session.provider)}?fresh=true&next={quote(target, safe='')}"
