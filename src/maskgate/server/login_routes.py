"""Pages and redirects of logging in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from maskgate.errors import NotFound
from maskgate.server.callers import session_of
from maskgate.server.csrf import check_csrf
from maskgate.server.login import Login, LoginFailed, is_local_path
from maskgate.server.rendering import render, render_message
from maskgate.server.services import services_of

if TYPE_CHECKING:
    from maskgate.server.login import Identified
    from maskgate.server.login_state import Kept
    from maskgate.server.services import Services

router = APIRouter(include_in_schema=False)

_LONGEST = 2048
_Text = Annotated[str, Query(max_length=_LONGEST)]


@router.get("/login")
def choose_provider(
    request: Request, target: Annotated[str, Query(alias="next", max_length=_LONGEST)] = "/"
) -> Response:
    """Show where one can log in."""
    onward = quote(local(target), safe="")
    providers = [
        {"id": identifier, "path": f"/login/{quote(identifier)}?next={onward}"}
        for identifier in services_of(request).logins
    ]
    return render("login.html", providers=providers, text="Log in to see this request." if target != "/" else "")


@router.get("/login/{provider}")
def begin_login(
    request: Request, provider: str, target: Annotated[str, Query(alias="next", max_length=_LONGEST)] = "/"
) -> Response:
    """Send the person to the identity provider."""
    services = services_of(request)
    begun = _login(services, provider).begin()
    response = RedirectResponse(begun.url, status_code=303)
    services.login_state.keep(response, provider, begun, local(target))
    return response


@router.get("/login/{provider}/callback")
def complete_login(request: Request, provider: str, code: _Text = "", state: _Text = "", error: _Text = "") -> Response:
    """Take a person back from the identity provider, under a new session."""
    services = services_of(request)
    login = _login(services, provider)
    kept = services.login_state.take(request, provider, state)
    try:
        identified = _identify(login, "" if error else code, kept)
    except LoginFailed as failure:
        services.gate.record_login_refused(provider, str(failure))
        raise
    response = RedirectResponse(kept.target, status_code=303)
    former = session_of(request)
    if former is not None:
        services.sessions.close_id(former.id)
    services.gate.record_login(identified.account, identified.groups)
    services.sessions.open(response, identified.account, identified.name, identified.groups)
    services.login_state.forget(response)
    return response


@router.post("/logout")
def log_out(request: Request, csrf_token: Annotated[str, Form(max_length=200)] = "") -> Response:
    """End the session."""
    services, session = services_of(request), session_of(request)
    if session is None:
        return RedirectResponse("/login", status_code=303)
    check_csrf(request, session, "logout", csrf_token, services.url)
    response = render_message(
        "Logged out", "You are logged out of this gate.", tone="good", link=("/login", "Log in again")
    )
    services.sessions.close(response, session)
    return response


def local(target: str) -> str:
    """Return a path within this gate: the one asked for, or the front page."""
    return target if is_local_path(target) else "/"


def _identify(login: Login, code: str, kept: Kept) -> Identified:
    if not code:
        raise LoginFailed(f"{login.provider.id} did not log you in. Please try again", 403)
    return login.complete(code, kept.nonce, kept.code_verifier)


def _login(services: Services, provider: str) -> Login:
    login = services.logins.get(provider)
    if login is None:
        raise NotFound("there is no such identity provider here")
    return login
