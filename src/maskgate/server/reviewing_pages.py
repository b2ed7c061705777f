"""Pages of reviewers beside the one of a request: several at once, standing approvals, standing in, break-glass.

GET shows; POST carries the session's token, and what was shown.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from maskgate.clock import timestamp
from maskgate.errors import MaskgateError, Refused, UsageError
from maskgate.gate.batches import BatchItem
from maskgate.gate.delegation import DelegationInput
from maskgate.notify.plain_text import plain
from maskgate.server.csrf import check_csrf, csrf_token
from maskgate.server.presentation import batch_row, common_headline
from maskgate.server.problems import status_of
from maskgate.server.rendering import render, render_message
from maskgate.server.reviewing import PURPOSE
from maskgate.server.services import services_of
from maskgate.server.visiting import Looking, Posting  # noqa: TC001  FastAPI reads the annotations
from maskgate.server.wording import when

if TYPE_CHECKING:
    from collections.abc import Callable

    from maskgate.server.callers import Visitor

router = APIRouter(include_in_schema=False)

_MOST_IN_A_FORM = 100
_Short = Annotated[str, Field(max_length=200)]


class PlainForm(BaseModel):
    """What every form here sends."""

    model_config = ConfigDict(extra="forbid")

    csrf_token: _Short = ""


class BatchForm(PlainForm):
    """Which requests, as they were shown, and what is decided about them."""

    chosen: Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=_MOST_IN_A_FORM)] = []
    verdict: Annotated[str, Field(max_length=20)] = ""
    reason: Annotated[str, Field(max_length=4000)] = ""


class DelegationForm(PlainForm):
    """Who stands in, and until the end of which day."""

    delegate: _Short = ""
    begins: Annotated[str, Field(max_length=20)] = ""
    ends: Annotated[str, Field(max_length=20)] = ""
    why: Annotated[str, Field(max_length=500)] = ""


class TextForm(PlainForm):
    """One text."""

    text: Annotated[str, Field(max_length=4000)] = ""


@router.api_route("/batches", methods=["GET", "HEAD"])
def show_batches(request: Request, visitor: Looking) -> Response:
    """Show requests that go together."""
    services = services_of(request)
    now = services.clock.now()
    kinds = [
        {
            "headline": common_headline(kind[0]),
            "policy": plain(kind[0]["policy"]["name"]),
            "least": max(1, int(kind[0]["policy"]["reason_min_length"])),
            "rows": [{**batch_row(each, now), "seen": _seen(each)} for each in kind],
        }
        for kind in services.gate.batches(visitor.identity)
    ]
    alone = services.gate.decided_alone(visitor.identity)
    return _page(request, visitor, "batches.html", here="batches", kinds=kinds, alone=alone)


@router.post("/batches")
def decide_batch(request: Request, visitor: Posting, form: Annotated[BatchForm, Form()]) -> Response:
    """Decide the chosen ones, one by one, and say what became of each."""
    services = _checked(request, visitor, form)
    try:
        items = [_item(seen) for seen in form.chosen]
        done = services.gate.decide_batch(visitor.identity, items, form.verdict, form.reason)
    except (Refused, UsageError) as error:
        return _refused("Nothing was decided", error, visitor, ("/batches", "Back to the requests"))
    services.background.wake()
    results = [
        {
            "id": each["request"],
            "tone": "good" if each["decided"] else "bad",
            "state": each.get("state") or ("changed" if each["error"] == "conflict" else "refused"),
            "message": plain(each["message"], longest=1000),
        }
        for each in done["results"]
    ]
    return _page(request, visitor, "batch_results.html", here="batches", results=results)


@router.api_route("/standing", methods=["GET", "HEAD"])
def show_standing(request: Request, visitor: Looking) -> Response:
    """Show the standing approvals that somebody may end."""
    services = services_of(request)
    now = services.clock.now()
    rows = [_standing_row(each, now) for each in services.gate.standing_approvals(visitor.caller)]
    return _page(request, visitor, "standing.html", here="standing", rows=rows)


@router.post("/standing/{standing_id}/end")
def end_standing(request: Request, visitor: Posting, standing_id: str, form: Annotated[TextForm, Form()]) -> Response:
    """End one."""
    services = _checked(request, visitor, form)
    return _done(visitor, "/standing", lambda: services.gate.end_standing(visitor.identity, standing_id, form.text))


@router.api_route("/delegations", methods=["GET", "HEAD"])
def show_delegations(request: Request, visitor: Looking) -> Response:
    """Show who stands in for whom."""
    services = services_of(request)
    now = services.clock.now()
    person = services.gate.person_of(visitor.identity)
    rows = [
        {
            **each,
            "words": f"{plain(each['delegate'])} stands in for {plain(each['delegator'])}",
            "why": plain(each["why"], longest=500),
            "begins": when(each["begins_at"], now),
            "ends": when(each["ends_at"], now),
            "state": "now" if each["is_live"] else "not now",
            "may_end": each["revoked_at"] is None and each["ends_at"] > now.isoformat(),
        }
        for each in services.gate.delegations(visitor.identity)
    ]
    return _page(request, visitor, "delegations.html", here="delegations", rows=rows, person=person)


@router.post("/delegations")
def delegate(request: Request, visitor: Posting, form: Annotated[DelegationForm, Form()]) -> Response:
    """Have somebody stand in."""
    services = _checked(request, visitor, form)

    def make() -> Any:
        now = services.clock.now()
        begins = _day(form.begins) if form.begins else now
        wanted = DelegationInput(form.delegate.strip(), begins, _day(form.ends), form.why)
        return services.gate.delegate(visitor.identity, wanted)

    return _done(visitor, "/delegations", make)


@router.post("/delegations/{delegation_id}/end")
def end_delegation(
    request: Request, visitor: Posting, delegation_id: str, form: Annotated[PlainForm, Form()]
) -> Response:
    """Take one back."""
    services = _checked(request, visitor, form)
    return _done(visitor, "/delegations", lambda: services.gate.end_delegation(visitor.identity, delegation_id))


@router.api_route("/post-reviews", methods=["GET", "HEAD"])
def show_post_reviews(request: Request, visitor: Looking) -> Response:
    """Show what has to be looked at after break-glass."""
    services = services_of(request)
    now = services.clock.now()
    rows = [
        {
            **each,
            "reason": plain(each["reason"], longest=2000),
            "ticket": plain(each["ticket"]),
            "skipped": ", ".join(plain(name) for name in each["skipped"]),
            "opened": when(each["opened_at"], now),
            "closed": when(each["closed_at"], now),
            "finding": plain(each["finding"] or "", longest=2000),
        }
        for each in services.gate.post_reviews(visitor.caller)
    ]
    return _page(request, visitor, "post_reviews.html", here="post-reviews", rows=rows)


@router.post("/post-reviews/{review_id}/close")
def close_post_review(
    request: Request, visitor: Posting, review_id: str, form: Annotated[TextForm, Form()]
) -> Response:
    """Close one."""
    services = _checked(request, visitor, form)
    return _done(
        visitor, "/post-reviews", lambda: services.gate.close_post_review(visitor.identity, review_id, form.text)
    )


def _page(request: Request, visitor: Visitor, template: str, **values: Any) -> Response:
    person = values.pop("person", None) or services_of(request).gate.person_of(visitor.identity)
    token = csrf_token(visitor.session, PURPOSE)
    return render(template, visitor=visitor, person=person, me=person, csrf_token=token, **values)


def _checked(request: Request, visitor: Visitor, form: PlainForm) -> Any:
    services = services_of(request)
    check_csrf(request, visitor.session, PURPOSE, form.csrf_token, services.url)
    return services


def _done(visitor: Visitor, path: str, step: Callable[[], Any]) -> Response:
    try:
        step()
    except (Refused, UsageError) as error:
        return _refused("Not done", error, visitor, (path, "Back"))
    return RedirectResponse(path, status_code=303)


def _refused(title: str, error: MaskgateError, visitor: Visitor, link: tuple[str, str]) -> Response:
    return render_message(title, str(error), status=status_of(error), tone="bad", link=link, visitor=visitor)


def _seen(document: dict[str, Any]) -> str:
    return "|".join((document["id"], document["intent_digest"], document["context_digest"]))


def _item(seen: str) -> BatchItem:
    parts = seen.split("|")
    if len(parts) != len(("request", "intent", "context")):
        raise UsageError("the form names a request in a way that this gate does not. Open the page again.")
    return BatchItem(*parts)


def _day(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise UsageError("write a day such as 2026-12-24.") from None


def _standing_row(standing: dict[str, Any], now: datetime) -> dict[str, Any]:
    intent = standing["intent"]
    figures = [f"{plain(name)}: at most {each['rows_at_most']:,} rows" for name, each in intent["figures"].items()]
    return {
        "id": standing["id"],
        "request": standing["request"],
        "words": f"{plain(intent['action'])} to {plain(intent['destination']['id'])}",
        "workflow": plain(intent["workflow"] or "no run", longest=300),
        "figures": ", ".join(figures),
        "signers": ", ".join(plain(name) for name in standing["signers"]),
        "left": standing["uses_left"],
        "ends": when(standing["ends_at"], now),
        "is_live": standing["state"] == "live" and standing["ends_at"] > timestamp(now),
        "because": plain(standing["because"] or "", longest=500),
    }
