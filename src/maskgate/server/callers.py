"""Who calls: the bearer of a token, or a person with a session. Never both.

A request that carries a token is the token's, whatever cookies came with it; and no token decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request  # noqa: TC002  FastAPI reads the annotation

from maskgate.gate.model import Caller, Identity
from maskgate.server.csrf import check_csrf
from maskgate.server.problems import NotAuthenticated
from maskgate.server.services import services_of

if TYPE_CHECKING:
    from maskgate.server.sessions import Session


@dataclass(frozen=True)
class Visitor:
    """A person, and the session that the person came with."""

    caller: Caller
    session: Session

    @property
    def identity(self) -> Identity:
        """Who the identity provider says is there."""
        return identity_of(self.session)


def token_caller(request: Request) -> Caller | None:
    """Return whose token a request carries; None if it carries none.

    Raises:
        NotAuthenticated: If it is no token of this gate.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    caller = services_of(request).gate.caller_of(token.strip()) if scheme.lower() == "bearer" else None
    if caller is None:
        raise NotAuthenticated("this is no token of this gate. Tokens are written Authorization: Bearer mg_…")
    return caller


def session_of(request: Request) -> Session | None:
    """Return the session that a browser's cookie stands for."""
    sessions = services_of(request).sessions
    return sessions.find(request.cookies.get(sessions.cookie))


def visitor_of(request: Request) -> Visitor | None:
    """Return the person who visits; None if nobody is logged in."""
    session = session_of(request)
    return None if session is None else Visitor(Caller(role="person", identity=identity_of(session)), session)


def any_caller(request: Request) -> Caller:
    """Return the caller, by token or by session, for routes that only read.

    Raises:
        NotAuthenticated: If there is neither.
    """
    caller = token_caller(request)
    if caller is not None:
        return caller
    visitor = visitor_of(request)
    if visitor is None:
        raise NotAuthenticated("send a token (Authorization: Bearer mg_…), or log in")
    return visitor.caller


def changing_caller(request: Request) -> Caller:
    """Return the caller of a route that changes something; a person must show the session's CSRF token.

    Raises:
        NotAuthenticated: If nobody is known.
        NotAllowed: If the CSRF token is missing or another.
    """
    caller = token_caller(request)
    return caller if caller is not None else deciding_visitor(request).caller


def deciding_visitor(request: Request) -> Visitor:
    """Return the person who decides through the REST API.

    Raises:
        NotAllowed: If a token tries, or the CSRF token is missing or another.
        NotAuthenticated: If nobody is logged in.
    """
    caller = token_caller(request)
    request_id = str(request.path_params.get("request_id", ""))
    if caller is not None:
        services_of(request).gate.refuse_token_decision(caller, request_id)
    visitor = visitor_of(request)
    if visitor is None:
        raise NotAuthenticated("a decision needs a person: log in at the gate")
    purpose = f"requests/{request_id}"
    token = request.headers.get("x-csrf-token")
    check_csrf(request, visitor.session, purpose, token, services_of(request).url)
    return visitor


def identity_of(session: Session) -> Identity:
    """Return a session as the gate knows people."""
    return Identity(
        accounts=(session.account,),
        channel="web",
        groups=session.groups,
        authenticated_at=session.authenticated_at,
    )
