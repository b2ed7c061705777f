"""REST for releaser processes that have handlers, under ``/api/v1/releaser/actions``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field

from maskgate.gate.action_handler import Outcome
from maskgate.gate.dry_runs import MOST_LINES
from maskgate.server.api import Changer, OutcomeBody, Reader  # noqa: TC001  FastAPI reads the annotations
from maskgate.server.api_schemas import PROBLEMS
from maskgate.server.releaser_routes import FenceBody, InstanceBody
from maskgate.server.services import services_of
from maskgate.server.strict_json import Body, StrictJsonRoute

_Name = Annotated[str, Field(max_length=200)]

router = APIRouter(
    prefix="/api/v1/releaser/actions", route_class=StrictJsonRoute, responses=PROBLEMS, tags=["releaser"]
)


class TakeBody(InstanceBody):
    """Which process takes an action, and how long its handler may take."""

    seconds: Annotated[int, Field(ge=1, le=24 * 3600)]


class EndedBody(FenceBody):
    """How an action ended."""

    outcome: OutcomeBody


class NotDoneBody(FenceBody):
    """Why nothing of an action took place, or why it cannot be told."""

    outcome: Literal["failed", "indeterminate"]
    message: Annotated[str, Field(max_length=2000)]


class VerbsBody(Body):
    """Verbs that a releaser has handlers for."""

    actions: Annotated[list[_Name], Field(max_length=1000)]


class DryRunBody(Body):
    """What a handler would do, line by line; or why that cannot be said."""

    lines: Annotated[list[Annotated[str, Field(max_length=2000)]], Field(max_length=MOST_LINES, default_factory=list)]
    refusal: Annotated[str, Field(max_length=2000)] = ""


@router.get("")
def actions(request: Request, caller: Reader, action: Annotated[list[_Name], Query(max_length=1000)]) -> dict[str, Any]:
    """Read what of these verbs is to be carried out, each with its signed grant."""
    return services_of(request).gate.actions_to_do(caller, action)


@router.post("/dry-runs")
def take_dry_runs(request: Request, caller: Changer, body: VerbsBody) -> dict[str, Any]:
    """Take the dry runs of these verbs that callers of this gate wait for, each signed; nobody gets one twice."""
    return services_of(request).gate.take_dry_runs(caller, body.actions)


@router.post("/dry-runs/{dry_run}")
def answer_dry_run(request: Request, caller: Changer, dry_run: str, body: DryRunBody) -> dict[str, Any]:
    """Say what a handler would do, or why it cannot be said."""
    services_of(request).gate.answer_dry_run(caller, dry_run, body.lines, body.refusal)
    return {}


@router.post("/{request_id}/take")
def take(request: Request, caller: Changer, request_id: str, body: TakeBody) -> dict[str, Any]:
    """Take an action, once, with its arguments; it counts as begun from here on."""
    return services_of(request).gate.take_action(caller, request_id, body.instance, body.seconds)


@router.post("/{request_id}/finish")
def finish(request: Request, caller: Changer, request_id: str, body: EndedBody) -> dict[str, Any]:
    """Say how it ended."""
    outcome = Outcome(**body.outcome.model_dump())
    services_of(request).gate.finish_action(caller, request_id, body.fence, outcome)
    return {}


@router.post("/{request_id}/end")
def end(request: Request, caller: Changer, request_id: str, body: NotDoneBody) -> dict[str, Any]:
    """Say that nothing of it took place, or that it cannot be told."""
    services_of(request).gate.end_action(caller, request_id, body.fence, body.outcome, body.message)
    return {}
