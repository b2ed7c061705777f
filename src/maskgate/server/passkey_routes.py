"""Pages about passkeys: which one has, adding and revoking them, and signing one decision.

These pages alone have a script, and it is the gate's own. It moves what the gate wrote into a form to the browser's
authenticator and back; the gate verifies what comes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from maskgate.errors import Refused, UsageError
from maskgate.gate.model import PasskeyAnswer
from maskgate.server.csrf import check_csrf, csrf_token
from maskgate.server.decision_fields import fields_of
from maskgate.server.presentation import headline
from maskgate.server.problems import status_of
from maskgate.server.rendering import render, render_message
from maskgate.server.security_headers import CONTENT_SECURITY_POLICY
from maskgate.server.services import services_of
from maskgate.server.visiting import Looking, Posting, fresh_login
from maskgate.server.wording import when

if TYPE_CHECKING:
    from maskgate.gate.model import DecisionInput
    from maskgate.server.callers import Visitor
    from maskgate.server.services import Services

router = APIRouter(include_in_schema=False)

_PURPOSE = "passkeys"
_BACK = ("/passkeys", "Your passkeys")
# An attestation of a security key can be some kilobytes.
LONGEST_ANSWER = 20_000


class ButtonForm(BaseModel):
    """What a button without fields sends."""

    model_config = ConfigDict(extra="forbid")

    csrf_token: Annotated[str, Field(max_length=200)] = ""


class EnrolForm(ButtonForm):
    """What the form that adds a passkey sends."""

    nonce: Annotated[str, Field(max_length=100)] = ""
    name: Annotated[str, Field(max_length=100)] = ""
    passkey: Annotated[str, Field(max_length=LONGEST_ANSWER)] = ""


@router.api_route("/passkeys", methods=["GET", "HEAD"])
def list_passkeys(request: Request, visitor: Looking) -> Response:
    """Show somebody their passkeys."""
    services = services_of(request)
    standing = services.gate.may_enrol(visitor.identity)
    now = services.clock.now()
    return render(
        "passkeys.html",
        visitor=visitor,
        person=standing.person,
        here="passkeys",
        passkeys=[
            {**each, "added": when(each["registered_at"], now), "used": when(each["used_at"], now)}
            for each in services.gate.passkeys(visitor.identity)
        ],
        csrf_token=csrf_token(visitor.session, _PURPOSE),
        why_not=standing.why_not,
        login=fresh_login(visitor, "/passkeys") if standing.needs_login else "",
    )


@router.post("/passkeys/new")
def begin_passkey(request: Request, visitor: Posting, form: Annotated[ButtonForm, Form()]) -> Response:
    """Let somebody's browser make a passkey."""
    services = services_of(request)
    check_csrf(request, visitor.session, _PURPOSE, form.csrf_token, services.url)
    try:
        nonce, options = services.gate.begin_enrolment(visitor.identity)
    except Refused as error:
        return _not_added(error, visitor)
    return _with_script(
        render(
            "enrol.html",
            visitor=visitor,
            person=services.gate.person_of(visitor.identity),
            options=json.dumps(options),
            nonce=nonce,
            name="My passkey",
            ways=" and ".join(services.gate.ways_of_telling),
            csrf_token=csrf_token(visitor.session, _PURPOSE),
        )
    )


@router.post("/passkeys")
def add_passkey(request: Request, visitor: Posting, form: Annotated[EnrolForm, Form()]) -> Response:
    """Keep the passkey that somebody's browser made."""
    services = services_of(request)
    check_csrf(request, visitor.session, _PURPOSE, form.csrf_token, services.url)
    try:
        services.gate.enrol(visitor.identity, form.nonce, form.name, parsed(form.passkey))
    except (Refused, UsageError) as error:
        return _not_added(error, visitor)
    services.background.wake()
    return RedirectResponse("/passkeys", status_code=303)


@router.post("/passkeys/{passkey_id}/revoke")
def revoke_passkey(
    request: Request, visitor: Posting, passkey_id: str, form: Annotated[ButtonForm, Form()]
) -> Response:
    """Revoke one of one's own passkeys."""
    services = services_of(request)
    check_csrf(request, visitor.session, _PURPOSE, form.csrf_token, services.url)
    services.gate.revoke_passkey(visitor.identity, passkey_id)
    return RedirectResponse("/passkeys", status_code=303)


def sign_page(services: Services, visitor: Visitor, request_id: str, decision: DecisionInput, token: str) -> Response:
    """Ask for a passkey's signature over a decision, before it is taken.

    Raises:
        Refused: If the person may not decide so, or has no passkey.
    """
    nonce, options = services.gate.prepare_signature(request_id, decision)
    document = services.gate.request(visitor.caller, request_id)
    fields = {
        "verdict": decision.verdict,
        "reason": decision.reason,
        "intent_digest": decision.intent_digest,
        "context_digest": decision.context_digest,
        "passkey_nonce": nonce,
        "csrf_token": token,
        **fields_of(decision),
    }
    return _with_script(
        render(
            "sign.html",
            visitor=visitor,
            person=services.gate.person_of(visitor.identity),
            id=request_id,
            headline=headline(document),
            reason=decision.reason,
            options=json.dumps(options),
            fields=list(fields.items()),
        )
    )


def answer_of(nonce: str, passkey: str) -> PasskeyAnswer | None:
    """Return what an authenticator answered, as a form brings it; None if the form has nothing of it.

    Raises:
        UsageError: If it is no JSON object.
    """
    return PasskeyAnswer(nonce, parsed(passkey)) if nonce or passkey else None


def parsed(text: str) -> dict[str, Any]:
    """Read an authenticator's answer.

    Raises:
        UsageError: If it is no JSON object.
    """
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise UsageError("the browser sent no answer of a passkey. Try again.")
    return answer


def _not_added(error: Refused | UsageError, visitor: Visitor) -> Response:
    return render_message("Not added", str(error), status=status_of(error), tone="bad", link=_BACK, visitor=visitor)


def _with_script(page: Response) -> Response:
    page.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; script-src 'self'"
    return page
