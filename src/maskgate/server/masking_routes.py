"""REST for releaser processes that mask, under ``/api/v1/releaser/maskings``."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal, cast

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from pydantic import Field

from maskgate.server.api import BodyStream, Changer, Reader
from maskgate.server.api_schemas import PROBLEMS
from maskgate.server.releaser_routes import FenceBody, InstanceBody, ProgressBody
from maskgate.server.services import services_of
from maskgate.server.strict_json import Body, StrictJsonRoute

_Name = Annotated[str, Field(max_length=300)]
_Count = Annotated[int, Field(ge=0, le=2**53)]
_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Fingerprint = Annotated[str, Field(pattern=r"^[0-9a-f]{1,64}$")]

router = APIRouter(
    prefix="/api/v1/releaser/maskings", route_class=StrictJsonRoute, responses=PROBLEMS, tags=["releaser"]
)


class MaskedFileBody(Body):
    """One file that was written."""

    path: _Name
    size: _Count
    sha256: _Hash


class MaskedKeyBody(Body):
    """A key that was used."""

    version: Annotated[int, Field(ge=1, le=2**31)]
    fingerprint: _Fingerprint


class MaskedTableBody(Body):
    """A table that was masked, and the columns of which no value survives."""

    rows: _Count
    no_value_survives: Annotated[list[_Name], Field(max_length=10_000)]


class MaskedBody(Body):
    """What was masked."""

    files: Annotated[list[MaskedFileBody], Field(max_length=10_000)]
    keys: Annotated[dict[_Name, MaskedKeyBody], Field(max_length=1000)]
    tables: Annotated[dict[_Name, MaskedTableBody], Field(max_length=1000)]


class FinishedBody(FenceBody):
    """What an attempt has masked and brought."""

    masked: MaskedBody


class NotMaskedBody(FenceBody):
    """Why an attempt masked nothing."""

    outcome: Literal["failed", "later"]
    message: Annotated[str, Field(max_length=2000)]


@router.get("")
def maskings(
    request: Request, caller: Reader, source: Annotated[list[_Name], Query(max_length=1000)]
) -> dict[str, Any]:
    """Read what of these sources is to be masked."""
    return services_of(request).gate.maskings_to_do(caller, source)


@router.post("/{request_id}/take")
def take(request: Request, caller: Changer, request_id: str, body: InstanceBody) -> dict[str, Any]:
    """Take a masking, by compare-and-set; the fence has to come with each further step."""
    return services_of(request).gate.take_masking(caller, request_id, body.instance)


@router.post("/{request_id}/renew")
def renew(request: Request, caller: Changer, request_id: str, body: ProgressBody) -> dict[str, Any]:
    """Hold on to a masking, and say how far it is, in rows."""
    services_of(request).gate.renew_masking(caller, request_id, body.fence, body.done, body.total)
    return {}


@router.put("/{request_id}/files/{path:path}", status_code=201)
async def put_file(
    request: Request, caller: Changer, request_id: str, path: str, fence: Annotated[int, Query(ge=0, le=2**31)]
) -> dict[str, Any]:
    """Bring a masked file, once."""
    gate, stream = services_of(request).gate, cast("Any", BodyStream(request.stream()))
    write = partial(gate.put_masked, caller, request_id, fence, path, stream)
    return await to_thread.run_sync(write, limiter=request.app.state.uploads)


@router.post("/{request_id}/finish")
def finish(request: Request, caller: Changer, request_id: str, body: FinishedBody) -> dict[str, Any]:
    """Say that everything was masked and brought; the gate seals it."""
    services = services_of(request)
    services.gate.finish_masking(caller, request_id, body.fence, body.masked.model_dump())
    services.background.wake()
    return {}


@router.post("/{request_id}/end")
def end(request: Request, caller: Changer, request_id: str, body: NotMaskedBody) -> dict[str, Any]:
    """Say that it was not masked, and why."""
    services_of(request).gate.end_masking(caller, request_id, body.fence, body.outcome, body.message)
    return {}
