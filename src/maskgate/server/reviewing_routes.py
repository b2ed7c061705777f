"""The REST API of reviewers: standing in for each other, signing once for many, several at once, and in haste.

The CSRF token is that of the pages about these, in their ``csrf-token``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from maskgate.errors import UsageError
from maskgate.gate.batches import BatchItem
from maskgate.gate.delegation import DelegationInput
from maskgate.server.api import Reader  # noqa: TC001  FastAPI reads the annotation
from maskgate.server.api_schemas import PROBLEMS
from maskgate.server.reviewing import Reviewer  # noqa: TC001  FastAPI reads the annotation
from maskgate.server.services import services_of
from maskgate.server.strict_json import Body, StrictJsonRoute

router = APIRouter(prefix="/api/v1", route_class=StrictJsonRoute, responses=PROBLEMS, tags=["reviewers"])

_Id = Annotated[str, Field(max_length=60)]
_Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
_Reason = Annotated[str, Field(max_length=2000)]


def _only_text(given: object) -> object:
    if not isinstance(given, str):
        raise PydanticCustomError("moment_type", "no moment")
    return given


# JSON has no type of its own for moments, so a strict body would take none.
_Moment = Annotated[AwareDatetime, Strict(strict=False), BeforeValidator(_only_text)]


class DelegationBody(Body):
    """Who stands in, and how long; from now, if it does not say."""

    delegate: Annotated[str, Field(max_length=200)]
    ends_at: _Moment
    begins_at: _Moment | None = None
    why: Annotated[str, Field(max_length=500)] = ""


class WhyBody(Body):
    """Why."""

    why: Annotated[str, Field(max_length=500)] = ""


class FindingBody(Body):
    """What was found."""

    finding: _Reason


class SeenBody(Body):
    """One request of a batch, as it was shown."""

    id: _Id
    intent_digest: _Digest
    context_digest: _Digest


class BatchBody(Body):
    """One verdict about several requests of one kind."""

    verdict: Literal["approve", "deny"]
    reason: _Reason = ""
    requests: Annotated[list[SeenBody], Field(min_length=1, max_length=100)]


@router.get("/delegations")
def list_delegations(request: Request, caller: Reader) -> dict[str, Any]:
    """Read delegations: an auditor all, a person those that they made or got."""
    return {"delegations": services_of(request).gate.delegations_for(caller)}


@router.post("/delegations", status_code=201)
def delegate(request: Request, visitor: Reviewer, body: DelegationBody) -> dict[str, Any]:
    """Have another reviewer stand in for oneself, for at most 30 days."""
    services = services_of(request)
    begins = services.clock.now() if body.begins_at is None else _utc(body.begins_at)
    wanted = DelegationInput(body.delegate, begins, _utc(body.ends_at), body.why)
    return services.gate.delegate(visitor.identity, wanted)


@router.post("/delegations/{delegation_id}/end")
def end_delegation(request: Request, visitor: Reviewer, delegation_id: _Id) -> dict[str, Any]:
    """Take a delegation back, as either of the two."""
    return services_of(request).gate.end_delegation(visitor.identity, delegation_id)


@router.get("/standing")
def list_standing(request: Request, caller: Reader) -> dict[str, Any]:
    """Read standing approvals: an auditor all, a person those that they may end."""
    return {"standing": services_of(request).gate.standing_approvals(caller)}


@router.post("/standing/{standing_id}/end")
def end_standing(request: Request, visitor: Reviewer, standing_id: _Id, body: WhyBody | None = None) -> dict[str, Any]:
    """End a standing approval, as one of its reviewers."""
    return services_of(request).gate.end_standing(visitor.identity, standing_id, "" if body is None else body.why)


@router.post("/batches")
def decide_batch(request: Request, visitor: Reviewer, body: BatchBody) -> dict[str, Any]:
    """Decide several requests of one action, policy and destination, each by a decision of its own."""
    services = services_of(request)
    items = [BatchItem(each.id, each.intent_digest, each.context_digest) for each in body.requests]
    done = services.gate.decide_batch(visitor.identity, items, body.verdict, body.reason)
    services.background.wake()
    return done


@router.get("/post-reviews")
def list_post_reviews(request: Request, caller: Reader) -> dict[str, Any]:
    """Read what has to be, or was, looked at after break-glass."""
    return {"post_reviews": services_of(request).gate.post_reviews(caller)}


@router.post("/post-reviews/{review_id}/close")
def close_post_review(request: Request, visitor: Reviewer, review_id: _Id, body: FindingBody) -> dict[str, Any]:
    """Close a post-review, as somebody else among the reviewers."""
    return services_of(request).gate.close_post_review(visitor.identity, review_id, body.finding)


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise UsageError("this moment is beyond every calendar.") from None
