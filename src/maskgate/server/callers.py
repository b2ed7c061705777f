"""Who calls: the bearer of a token, or a person with a session. Never both.

A request that carries a token is the token's, whatever cookies came with it; and no token decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fastapi import Request  # noqa: TC002  FastAPI reads the annotation

from maskgate.gate.model import Caller, Identity
from maskgate.server.csrf import check_csrf
from maskgate.server.login_failed import LoginFailed
from maskgate.server.problems import NotAuthenticated
from maskgate.server.services import services_of

if TYPE_CHECKING:
    from datetime import datetime

    from maskgate.server.login import Login
    from maskgate.server.sessions import Session


@dataclass(frozen=True)
class Visitor:
    """A person, and the session that the person came with."""

    caller: Caller
    session: Session
    identity: Identity


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
        raise NotAuthenticated(
            "this is no token of this gate, or one that was revoked. Tokens are in its home, that of pipelines in "
            "pipeline.token, and are sent as Authorization: Bearer mg_…"
        )
    return caller


def session_of(request: Request) -> Session | None:
    """Return the session that a browser's cookie stands for; a login that is not configured any more has none."""
    services = services_of(request)
    session = services.sessions.find(request.cookies.get(services.sessions.cookie))
    return session if session is not None and session.provider in services.logins else None


def visitor_of(request: Request, *, asks: bool = False) -> Visitor | None:
    """Return the person who visits; None if nobody is logged in.

    Args:
        request: What the browser sent.
        asks: Whether to ask the identity provider for the person's groups, if it is one that is asked each time. Every
            route through which somebody may decide does.
    """
    session = session_of(request)
    if session is None:
        return None
    services = services_of(request)
    identity = identity_of(session, services.logins[session.provider], session.used_at if asks else None)
    return Visitor(Caller(role="person", identity=identity), session, identity)


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
    visitor = visitor_of(request, asks=True)
    if visitor is None:
        raise NotAuthenticated("a decision needs a person: log in at the gate")
    purpose = f"requests/{request_id}"
    token = request.headers.get("x-csrf-token")
    check_csrf(request, visitor.session, purpose, token, services_of(request).url)
    return visitor


def identity_of(session: Session, login: Login, now: datetime | None = None) -> Identity:
    """Return a session as the gate knows people.

    Args:
        session: The login.
        login: At which identity provider.
        now: The present moment, if the provider is to be asked for groups anew, where it is one that is asked.
    """
    identity = Identity(
        accounts=(session.account,),
        channel="web",
        groups=session.groups,
        authenticated_at=session.proof.proved_at,
        groups_at=session.authenticated_at,
        groups_fresh=login.provider.groups_fresh,
        groups_missing=session.proof.groups_missing,
        methods=session.proof.methods,
        context_class=session.proof.context_class,
    )
    if not login.provider.is_asked_each_time or now is None:
        return identity
    try:
        groups, missing = login.current_groups(session.account, session.proof.access)
    except LoginFailed as failure:
        return replace(identity, groups=(), groups_missing=f"{failure}.")
    return replace(identity, groups=groups, groups_at=now, groups_missing=missing)
