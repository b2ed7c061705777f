"""The pages of reviewers: what waits, one request, and the form that decides.

* A page without a session leads to the login, and back.
* GET shows. The entries that a GET writes are that the page was seen first, and that masked rows were looked at.
* POST carries the digests of what was shown; if that is no longer so, nothing is decided.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from maskgate.errors import Conflict, NotAllowed, NotFound, Refused, StillPending, UsageError
from maskgate.gate.lifecycle import State
from maskgate.gate.model import DecisionInput
from maskgate.server.csrf import check_csrf, csrf_token
from maskgate.server.decision_fields import DecisionFieldsForm
from maskgate.server.passkey_routes import LONGEST_ANSWER, answer_of, sign_page
from maskgate.server.presentation import headline, inbox_row, review, sample_views
from maskgate.server.problems import status_of
from maskgate.server.rendering import render, render_message
from maskgate.server.services import services_of
from maskgate.server.visiting import Looking, Posting, Reviewing, fresh_login
from maskgate.server.ways_to_decide import more_ways

if TYPE_CHECKING:
    from maskgate.gate.decision_verbs import Standing
    from maskgate.server.callers import Visitor
    from maskgate.server.presentation import Document
    from maskgate.server.services import Services

router = APIRouter(include_in_schema=False)

_OPEN = frozenset({"sealing", "pending", "approved", "releasing"})
_MOVING = frozenset({"sealing", "releasing"})
_MOST_SHOWN = 10
_SETTLED = tuple(str(state) for state in State if state not in _OPEN)
_REFRESH_SECONDS = 3
_WITHDRAWABLE = frozenset({"sealing", "pending", "approved"})
# Each reading of rows is a child process with memory of its own.
_SAMPLING = threading.BoundedSemaphore(2)


class DecisionForm(DecisionFieldsForm):
    """What the form of a review page sends."""

    verdict: Annotated[str, Field(max_length=20)] = ""
    reason: Annotated[str, Field(max_length=4000)] = ""
    intent_digest: Annotated[str, Field(max_length=100)] = ""
    context_digest: Annotated[str, Field(max_length=100)] = ""
    csrf_token: Annotated[str, Field(max_length=200)] = ""
    passkey_nonce: Annotated[str, Field(max_length=100)] = ""
    passkey: Annotated[str, Field(max_length=LONGEST_ANSWER)] = ""


class WithdrawForm(BaseModel):
    """What the button that takes a request back sends."""

    model_config = ConfigDict(extra="forbid")

    csrf_token: Annotated[str, Field(max_length=200)] = ""


@router.api_route("/", methods=["GET", "HEAD"])
def inbox(request: Request, visitor: Looking, after: Annotated[str | None, Query(max_length=100)] = None) -> Response:
    """Show what waits for this person, what the person asked for, and what is settled; the newest of each."""
    services = services_of(request)
    now = services.clock.now()
    person = services.gate.person_of(visitor.identity)
    waiting, asked, others, settled = [], [], [], []
    documents, older = services.gate.page(visitor.caller, ("pending",), limit=_MOST_SHOWN, after=after)
    if after is None:
        for states in (("sealing", "approved", "releasing"), _SETTLED):
            documents += services.gate.page(visitor.caller, states, limit=_MOST_SHOWN)[0]
    pending = [document["id"] for document in documents if document["state"] == "pending"]
    decidable = services.gate.may_be_decided(pending, visitor.identity)
    for document in documents:
        row = inbox_row(document, now)
        if document["state"] not in _OPEN:
            settled.append(row)
        elif document["id"] in decidable:
            waiting.append(row)
        elif person is not None and (document.get("requester") or {}).get("person") == person:
            asked.append(row)
        else:
            others.append(row)
    count, more = len(waiting), ", and older ones may" if older else ""
    summary = (
        "Nothing waits for you."
        if not count
        else f"{count} {'request waits' if count == 1 else 'requests wait'} for you{more}."
    )
    note = (
        ""
        if person
        else f"The account {visitor.session.account} is linked to nobody in the policy, so it decides nothing."
    )
    return render(
        "inbox.html",
        visitor=visitor,
        person=person,
        here="inbox",
        summary=summary,
        note=note,
        waiting=waiting,
        asked=asked,
        open=others,
        settled=settled,
        older=f"/?after={quote(older, safe='')}" if older else "",
    )


@router.api_route("/requests/{request_id}", methods=["GET", "HEAD"])
def show_request(request: Request, visitor: Reviewing, request_id: str) -> Response:
    """Show one request, with a few masked rows and the form."""
    services = services_of(request)
    document = services.gate.request(visitor.caller, request_id)
    if request.method == "GET":
        services.gate.note_view(request_id, visitor.identity)
    return review_page(services, visitor, document, with_rows=request.method == "GET")


@router.post("/requests/{request_id}/decisions")
def decide(request: Request, visitor: Posting, request_id: str, form: Annotated[DecisionForm, Form()]) -> Response:
    """Decide, as the form says."""
    services = services_of(request)
    check_csrf(request, visitor.session, f"requests/{request_id}", form.csrf_token, services.url)
    back = (f"/requests/{quote(request_id)}", "Back to the request")
    try:
        answer = answer_of(form.passkey_nonce, form.passkey)
        decision = DecisionInput(
            visitor.identity,
            form.verdict,
            form.reason,
            form.intent_digest,
            form.context_digest,
            passkey=answer,
            **form.beside(),
        )
        if answer is None and form.verdict == "approve" and services.gate.wants_passkey(request_id):
            return sign_page(services, visitor, request_id, decision, form.csrf_token)
        services.gate.decide(request_id, decision)
    except Conflict as error:
        return render_message("Not decided", str(error), status=409, tone="wait", link=back, visitor=visitor)
    except (NotAllowed, NotFound) as error:
        return render_message(
            "Not decided", str(error), status=status_of(error), tone="bad", link=back, visitor=visitor
        )
    except (Refused, UsageError) as error:
        document = services.gate.request(visitor.caller, request_id)
        return review_page(services, visitor, document, problem=str(error), reason=form.reason, status=422)
    services.background.wake()
    return RedirectResponse(back[0], status_code=303)


@router.post("/requests/{request_id}/withdraw")
def withdraw(request: Request, visitor: Posting, request_id: str, form: Annotated[WithdrawForm, Form()]) -> Response:
    """Take a request back, as somebody who asked for it."""
    services = services_of(request)
    check_csrf(request, visitor.session, f"requests/{request_id}", form.csrf_token, services.url)
    back = (f"/requests/{quote(request_id)}", "Back to the request")
    try:
        services.gate.withdraw(visitor.caller, request_id)
    except Refused as error:
        return render_message(
            "Not taken back", str(error), status=status_of(error), tone="bad", link=back, visitor=visitor
        )
    services.background.wake()
    return RedirectResponse(back[0], status_code=303)


def review_page(
    services: Services,
    visitor: Visitor,
    document: Document,
    *,
    with_rows: bool = True,
    problem: str = "",
    reason: str = "",
    status: int = 200,
) -> Response:
    """Render the review page."""
    page = review(document, services.clock.now())
    standing = services.gate.standing(document["id"], visitor.identity)
    sample, sample_note = _sample(services, visitor, document) if with_rows else ([], "")
    page |= {"sample": sample, "sample_note": sample_note}
    page["decide"] = _decide(document, visitor, standing, problem=problem, reason=reason)
    page["decide"] |= more_ways(services, visitor, document, standing)
    return render(
        "review.html",
        status=status,
        visitor=visitor,
        person=standing.person,
        page=page,
        refresh_seconds=_REFRESH_SECONDS if document["state"] in _MOVING else 0,
    )


def _sample(services: Services, visitor: Visitor, document: Document) -> tuple[list[dict[str, Any]], str]:
    if document["state"] != "pending" or document["staging"] is None:
        return [], ""
    try:
        with _SAMPLING:
            return sample_views(services.gate.view_sample(document["id"], visitor.identity)), ""
    except (Refused, StillPending) as refusal:
        return [], f"No rows are shown: {refusal}"


def _decide(document: Document, visitor: Visitor, standing: Standing, *, problem: str, reason: str) -> dict[str, Any]:
    """Return what stands beside the request: a form, or why there is none."""
    state, may = document["state"], document["state"] == "pending" and standing.may
    least = max(1, int((document.get("policy") or {}).get("reason_min_length") or 1))
    wanted = f"To approve, at least {least} characters. " if least > 1 else ""
    return {
        "title": "Your decision" if may else "Signatures",
        "may": may,
        "why_not": None if may else _why_not(state, standing),
        "login": fresh_login(visitor, f"/requests/{document['id']}") if standing.needs_login else "",
        "tone": "" if state == "pending" else "note",
        "problem": problem,
        "csrf_token": csrf_token(visitor.session, f"requests/{document['id']}"),
        "least": least,
        "hint": f"{wanted}It goes into the ledger, with your name: no personal data, please.",
        "reason": reason,
        "withdraws": document["state"] in _WITHDRAWABLE and standing.person in document["involved"],
        "lines": [f"You decide as {standing.person}, for: {headline(document)}."] if may else [],
    }


def _why_not(state: str, standing: Standing) -> str | None:
    if state == "pending":
        return standing.why_not
    return {
        "sealing": "The gate is reading and measuring the staged files. Nobody is asked before it knows them.",
        "approved": "Signed. The pipeline may release it now.",
        "releasing": "Signed, and being released.",
        "released": "Released, once. Nothing is left to decide.",
    }.get(state, "Settled. Nothing is left to decide.")
