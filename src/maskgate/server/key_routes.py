"""REST about the gate's own keys, under ``/api/v1/gate/keys``: read them, and ask for their change."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field

from maskgate.server.api import Changer, Reader  # noqa: TC001  FastAPI reads the annotations
from maskgate.server.api_schemas import PROBLEMS
from maskgate.server.services import services_of
from maskgate.server.strict_json import Body, StrictJsonRoute

_Why = Annotated[str, Field(max_length=500)]
_Fingerprint = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]

router = APIRouter(prefix="/api/v1/gate/keys", route_class=StrictJsonRoute, responses=PROBLEMS, tags=["keys"])


class RotationBody(Body):
    """Why the gate's key is to be replaced."""

    why: _Why = ""


class RevocationBody(Body):
    """Which earlier key is to be revoked, and why."""

    key: _Fingerprint
    why: _Why = ""


@router.get("")
def read_keys(request: Request, _: Reader) -> dict[str, Any]:
    """Read the ring: the gate's public keys and their times, as releasers pin them."""
    return services_of(request).gate.key_ring()


@router.post("/rotate", status_code=202)
def rotate_key(request: Request, caller: Changer, body: RotationBody) -> dict[str, Any]:
    """Ask whether another key may take the place of the gate's, with a token of the role operator."""
    return services_of(request).gate.rotate_key(caller, body.why)


@router.post("/revoke", status_code=202)
def revoke_key(request: Request, caller: Changer, body: RevocationBody) -> dict[str, Any]:
    """Ask whether an earlier key may be revoked, with a token of the role operator."""
    return services_of(request).gate.revoke_key(caller, body.key, body.why)
