"""Pages and redirects of logging in and out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from maskgate.errors import NotFound
from maskgate.server.callers import session_of
from maskgate.server.csrf import check_csrf
from maskgate.server.login import LEEWAY_SECONDS, Login, is_local_path
from maskgate.server.login_failed import LoginFailed
from maskgate.server.rendering import render, render_message
from maskgate.server.services import services_of

if TYPE_CHECKING:
    from datetime import datetime

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
    request: Request,
    provider: str,
    target: Annotated[str, Query(alias="next", max_length=_LONGEST)] = "/",
    *,
    fresh: bool = False,
) -> Response:
    """Send the person to the identity provider; ``fresh`` has it ask for proof, even if they are logged in there."""
    services = services_of(request)
    begun = _login(services, provider).begin(fresh=fresh)
    response = RedirectResponse(begun.url, status_code=303)
    services.login_state.keep(response, provider, begun, local(target), fresh=fresh)
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
    services.gate.record_login(identified.account, identified.groups, identified.proof.as_json())
    services.sessions.open(response, identified.account, identified.name, identified.groups, identified.proof)
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
    identified = login.complete(code, kept.nonce, kept.code_verifier)
    if kept.fresh:
        must_have_proved(identified, kept.began_at)
    return identified


def must_have_proved(identified: Identified, began_at: datetime) -> None:
    """Refuse a login in which the provider did not ask the person for proof, though it was told to.

    Raises:
        LoginFailed: If it does not say when it last did, or that was before this login began.
    """
    provider, proved_at = identified.account.partition("|")[0], identified.proof.proved_at
    if proved_at is None:
        raise LoginFailed(
            f"{provider} does not say when you proved who you are (`auth_time`), so what needs a fresh login cannot "
            "be decided. Its administrator has to let it send that claim",
            403,
        )
    if proved_at < began_at - timedelta(seconds=LEEWAY_SECONDS):
        raise LoginFailed(f"{provider} let you in without asking who you are. Log out there, and try again", 403)


def _login(services: Services, provider: str) -> Login:
    login = services.logins.get(provider)
    if login is None:
        raise NotFound("there is no such identity provider here")
    return login
