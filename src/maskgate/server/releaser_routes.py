"""REST for releaser processes, under ``/api/v1/releaser``: what is to be released, and the steps of releasing it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from maskgate.server.api import Changer, Reader  # noqa: TC001  FastAPI reads the annotations
from maskgate.server.api_schemas import PROBLEMS
from maskgate.server.services import services_of
from maskgate.server.strict_json import Body, StrictJsonRoute

_Fence = Annotated[int, Field(ge=0, le=2**31)]
_Count = Annotated[int, Field(ge=0, le=2**53)]
_Name = Annotated[str, Field(max_length=200)]
_CHUNK = 1 << 20

router = APIRouter(prefix="/api/v1/releaser", route_class=StrictJsonRoute, responses=PROBLEMS, tags=["releaser"])


class InstanceBody(Body):
    """Which process of a releaser speaks."""

    instance: Annotated[str, Field(max_length=40)] = ""


class FenceBody(Body):
    """Which attempt goes on."""

    fence: _Fence


class ProgressBody(FenceBody):
    """How far an attempt is, in bytes."""

    done: _Count
    total: _Count


class PublishedBody(FenceBody):
    """What was published, and where."""

    content_digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    location: Annotated[str, Field(max_length=2000)]


class LentBody(FenceBody):
    """A credential for one release; or another one, and what was wrong with what was written by the first."""

    credential: dict[str, Any]
    refusal: Annotated[str, Field(max_length=2000)] = ""


class EndBody(FenceBody):
    """How an attempt ended that published nothing, or about which that is not known."""

    outcome: Literal["failed", "later", "indeterminate"]
    message: Annotated[str, Field(max_length=2000)]


@router.post("/start")
def start(request: Request, caller: Changer, body: InstanceBody) -> dict[str, Any]:
    """Say that a releaser has started; what its token held before is over."""
    services_of(request).gate.begin_releaser(caller, body.instance)
    return {}


@router.get("/releases")
def releases(
    request: Request, caller: Reader, destination: Annotated[list[_Name], Query(max_length=1000)]
) -> dict[str, Any]:
    """Read what is to be released to these destinations, each with its signed grant."""
    return services_of(request).gate.releases_to_do(caller, destination)


@router.post("/releases/{request_id}/take")
def take(request: Request, caller: Changer, request_id: str, body: InstanceBody) -> dict[str, Any]:
    """Take a release, by compare-and-set; the fence has to come with each further step."""
    return services_of(request).gate.take_release(caller, request_id, body.instance)


@router.post("/releases/{request_id}/renew")
def renew(request: Request, caller: Changer, request_id: str, body: ProgressBody) -> dict[str, Any]:
    """Hold on to a release, and say how far it is."""
    services_of(request).gate.renew_release(caller, request_id, body.fence, body.done, body.total)
    return {}


@router.post("/releases/{request_id}/commit")
def commit(request: Request, caller: Changer, request_id: str, body: FenceBody) -> dict[str, Any]:
    """Say that a release is about to become visible."""
    services_of(request).gate.commit_release(caller, request_id, body.fence)
    return {}


@router.post("/releases/{request_id}/copy-again")
def copy_again(request: Request, caller: Changer, request_id: str, body: FenceBody) -> dict[str, Any]:
    """Go back to copying, after the destination said that nothing was published."""
    services_of(request).gate.copy_release_again(caller, request_id, body.fence)
    return {}


@router.post("/releases/{request_id}/lend")
def lend(request: Request, caller: Changer, request_id: str, body: LentBody) -> dict[str, Any]:
    """Hand on the credential of a release that whoever asked carries out."""
    services_of(request).gate.lend_release(caller, request_id, body.fence, body.credential, body.refusal)
    return {}


@router.post("/releases/{request_id}/finish")
def finish(request: Request, caller: Changer, request_id: str, body: PublishedBody) -> dict[str, Any]:
    """Say that a release is published."""
    services_of(request).gate.finish_release(caller, request_id, body.fence, body.content_digest, body.location)
    return {}


@router.post("/releases/{request_id}/end")
def end(request: Request, caller: Changer, request_id: str, body: EndBody) -> dict[str, Any]:
    """Say that a release was not carried out, and why."""
    services_of(request).gate.end_release(caller, request_id, body.fence, body.outcome, body.message)
    return {}


@router.get("/releases/{request_id}/files/{path:path}", response_class=StreamingResponse)
def read_file(
    request: Request, caller: Reader, request_id: str, path: str, fence: Annotated[int, Query(ge=0, le=2**31)]
) -> StreamingResponse:
    """Read a file of the sealed copy, for who has taken the release."""
    file = services_of(request).gate.open_sealed(caller, request_id, fence, path)

    def chunks() -> Any:
        with file:
            while chunk := file.read(_CHUNK):
                yield chunk

    return StreamingResponse(chunks(), media_type="application/octet-stream")
