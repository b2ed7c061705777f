"""A reviewer who does something else than decide one request, over the REST API: with the session's CSRF token."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from maskgate.server.callers import Visitor, token_caller, visitor_of
from maskgate.server.csrf import check_csrf
from maskgate.server.problems import NotAuthenticated
from maskgate.server.services import services_of

PURPOSE = "reviewing"


def reviewer(request: Request) -> Visitor:
    """Return the person; no token is one.

    Raises:
        NotAllowed: If a token tries, or the CSRF token is missing or another.
        NotAuthenticated: If nobody is logged in.
    """
    caller = token_caller(request)
    if caller is not None:
        services_of(request).gate.refuse_token_decision(caller, request.url.path)
    visitor = visitor_of(request, asks=True)
    if visitor is None:
        raise NotAuthenticated("this needs a person: log in at the gate")
    check_csrf(request, visitor.session, PURPOSE, request.headers.get("x-csrf-token"), services_of(request).url)
    return visitor


Reviewer = Annotated[Visitor, Depends(reviewer)]
