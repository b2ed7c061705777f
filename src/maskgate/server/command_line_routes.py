"""Lending a person's session to the command line on their own machine.

::

    maskgate approve ─▶ listens on loopback, opens /command-line with the hash of a secret
    the person       ─▶ logs in, reads what is asked, and presses a button
    the page         ─▶ sends the browser to the loopback address with a code
    maskgate approve ─▶ shows code and secret, and gets the session

* The code goes to this machine alone, works for a minute, once, and only together with the secret.
* GET shows. Without the button, nothing is lent.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, insert, select

from maskgate.clock import moment, timestamp
from maskgate.errors import NotAllowed
from maskgate.server.callers import visitor_of
from maskgate.server.csrf import check_csrf, csrf_token
from maskgate.server.rendering import render
from maskgate.server.services import services_of
from maskgate.server.strict_json import Body, StrictJsonRoute
from maskgate.server.visiting import LoginNeeded, Posting
from maskgate.store.shared_secret import shared_secret
from maskgate.store.tables import used_logins

if TYPE_CHECKING:
    from maskgate.server.sessions import Session
    from maskgate.store import Store

router = APIRouter(include_in_schema=False)
exchange = APIRouter(include_in_schema=False, route_class=StrictJsonRoute)

_SECRET_NAME = "command-line-secret"  # noqa: S105  its name
_TIME = timedelta(seconds=60)
_NONCE = 12
_Challenge = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
_State = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{20,100}$")]
_Port = Annotated[int, Field(ge=1024, le=65_535)]


class LendForm(BaseModel):
    """What the button sends."""

    model_config = ConfigDict(extra="forbid")

    port: Annotated[str, Field(max_length=5)] = ""
    state: Annotated[str, Field(max_length=100)] = ""
    challenge: Annotated[str, Field(max_length=43)] = ""
    csrf_token: Annotated[str, Field(max_length=200)] = ""


class ExchangeBody(Body):
    """The code, and the secret whose hash the person has confirmed."""

    code: Annotated[str, Field(max_length=2000)] = ""
    verifier: Annotated[str, Field(max_length=128)] = ""


@router.get("/command-line")
def show(
    request: Request,
    port: Annotated[_Port, Query()],
    state: Annotated[_State, Query()],
    challenge: Annotated[_Challenge, Query()],
) -> Response:
    """Ask the person whether the command line may act as them."""
    visitor = visitor_of(request)
    if visitor is None:
        raise LoginNeeded(f"/command-line?port={port}&state={state}&challenge={challenge}")
    return render(
        "command_line.html",
        visitor=visitor,
        person=services_of(request).gate.person_of(visitor.identity),
        port=port,
        state=state,
        challenge=challenge,
        csrf_token=csrf_token(visitor.session, _purpose(str(port), state, challenge)),
        account=visitor.session.account,
    )


@router.post("/command-line")
def lend(request: Request, visitor: Posting, form: Annotated[LendForm, Form()]) -> Response:
    """Make the code, and send the browser to the command line with it."""
    services = services_of(request)
    # The token was made for what the page showed: a port, a state or a secret that was put in its place is refused.
    check_csrf(request, visitor.session, _purpose(form.port, form.state, form.challenge), form.csrf_token, services.url)
    made_at = timestamp(services.clock.now())
    code = _seal(
        services.sessions.store,
        {"session": visitor.session.id, "challenge": form.challenge, "made_at": made_at},
    )
    target = f"http://127.0.0.1:{form.port}/?code={quote(code)}&state={quote(form.state)}"
    response = render(
        "message.html",
        visitor=visitor,
        title="Back to the command line",
        text="The command line goes on. You can close this page.",
        tone="good",
        link={"path": target, "text": "Go on, if it does not by itself"},
    )
    # A redirect after a form is held back by `form-action`; this is none.
    response.headers["Refresh"] = f"0; url={target}"
    return response


@exchange.post("/api/v1/command-line/session")
def hand_over(request: Request, body: ExchangeBody) -> dict[str, Any]:
    """Hand the session over, once, to whoever has the secret."""
    services = services_of(request)
    session = _taken(request, body)
    if session is None:
        raise NotAllowed("this login of the command line was used before, took too long, or is another's")
    services.gate.record_login(session.account, session.groups, {"through": "command line"})
    return {"cookie": services.sessions.cookie, "value": session.id, "account": session.account}


def _taken(request: Request, body: ExchangeBody) -> Session | None:
    services = services_of(request)
    store, hashed = services.sessions.store, sha256(body.code.encode()).hexdigest()
    given = _open(store, body.code)
    challenge = base64.urlsafe_b64encode(sha256(body.verifier.encode()).digest()).decode().rstrip("=")
    if given is None or not hmac.compare_digest(str(given["challenge"]), challenge):
        return None
    with store.write() as work:
        now = services.clock.now()
        work.execute(delete(used_logins).where(used_logins.c.used_at < now - timedelta(hours=1)))
        if now - moment(given["made_at"]) > _TIME:
            return None
        if work.execute(select(used_logins.c.hash).where(used_logins.c.hash == hashed)).first() is not None:
            return None
        work.execute(insert(used_logins).values(hash=hashed, used_at=now))
    return services.sessions.find(given["session"])


def _purpose(port: str, state: str, challenge: str) -> str:
    return f"command-line/{port}/{state}/{challenge}"


def _seal(store: Store, value: dict[str, Any]) -> str:
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(shared_secret(store, _SECRET_NAME)).encrypt(nonce, json.dumps(value).encode(), None)
    return base64.urlsafe_b64encode(nonce + sealed).decode()


def _open(store: Store, code: str) -> dict[str, Any] | None:
    try:
        sealed = base64.b64decode(code.encode(), altchars=b"-_", validate=True)
        text = AESGCM(shared_secret(store, _SECRET_NAME)).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
    except (ValueError, InvalidTag):
        return None
    value: dict[str, Any] = json.loads(text)
    return value
