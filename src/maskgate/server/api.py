"""The REST API. Each route reads its input, calls one verb of the gate, and says what the gate said."""

from __future__ import annotations

from functools import partial
from io import RawIOBase
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal, cast

from anyio import from_thread, to_thread
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from maskgate.errors import NotAllowed, UsageError
from maskgate.gate.action_handler import Outcome
from maskgate.gate.calls import ActionInput
from maskgate.gate.host import HostRun
from maskgate.gate.listing import LONGEST_PAGE
from maskgate.gate.model import Caller, DecisionInput, PasskeyAnswer, RequestInput
from maskgate.server.api_schemas import CHECKPOINT, DOCUMENT, DOCUMENTS, ENTRIES, FILE, PROBLEMS, STAGING, answer
from maskgate.server.callers import Visitor, any_caller, changing_caller, deciding_visitor
from maskgate.server.decision_fields import DecisionFieldsBody
from maskgate.server.services import services_of
from maskgate.server.strict_json import Body, StrictJsonRoute

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_Text = Annotated[str, Field(max_length=500)]
_LongText = Annotated[str, Field(max_length=4000)]
_Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
_REASON = Annotated[str, Field(max_length=2000)]

Reader = Annotated[Caller, Depends(any_caller)]
Changer = Annotated[Caller, Depends(changing_caller)]
Decider = Annotated[Visitor, Depends(deciding_visitor)]


class StagingBody(Body):
    """Where to stage: the first root of the configuration, or the one named."""

    root: _Text | None = None


class RequestBody(Body):
    """What to ask for: a release of staged files, by staging and destination; or of a source that the releaser masks.

    Or another action, by its resource.
    """

    staging: _Text | None = None
    destination: _Text | None = None
    source: _Text | None = None
    tables: Annotated[list[_Text], Field(max_length=1000, default_factory=list)]
    rules: _Digest | None = None
    action: _Text = "export"
    resource: _Text | None = None
    arguments: dict[str, Any] | None = None
    why: _LongText = ""
    host: dict[str, Any] | None = None
    requesters: Annotated[list[_Text], Field(max_length=50, default_factory=list)]


class PasskeyBody(Body):
    """A passkey's signature over a decision, and the nonce of what it signed."""

    nonce: Annotated[str, Field(max_length=100)]
    credential: dict[str, Any]


class DecisionBody(DecisionFieldsBody):
    """What a person decided, and what exactly the person saw."""

    verdict: Literal["approve", "deny"]
    reason: _REASON = ""
    intent_digest: _Digest
    context_digest: _Digest
    passkey: PasskeyBody | None = None


def decision_of(visitor: Visitor, body: DecisionBody) -> DecisionInput:
    """Return a decision as the gate takes it."""
    passkey = None if body.passkey is None else PasskeyAnswer(body.passkey.nonce, body.passkey.credential)
    return DecisionInput(
        visitor.identity,
        body.verdict,
        body.reason,
        body.intent_digest,
        body.context_digest,
        passkey=passkey,
        **body.beside(),
    )


class ReleaseBody(Body):
    """Which run asks for the release; of an action, the arguments that it is about to be done with, or their digest."""

    host: dict[str, Any] | None = None
    arguments: dict[str, Any] | None = None
    arguments_digest: _Digest | None = None


class OutcomeBody(Body):
    """How an action ended. Its output is named by its digest alone."""

    succeeded: bool
    exit_code: Annotated[int, Field(ge=-(2**31), lt=2**31)] | None = None
    output_digest: _Digest | None = None
    output_bytes: Annotated[int, Field(ge=0, lt=2**53)] | None = None


class ReceiptBody(Body):
    """What became of an action that the caller carried out; without an outcome, that it is still at it."""

    fence: Annotated[int, Field(ge=1, lt=2**31)]
    outcome: OutcomeBody | None = None


class EmptyBody(Body):
    """Nothing."""


router = APIRouter(prefix="/api/v1", route_class=StrictJsonRoute, responses=PROBLEMS)


@router.post("/staging", status_code=201, tags=["staging"], responses=answer(STAGING, 201))
def open_staging(request: Request, caller: Changer, body: StagingBody) -> dict[str, Any]:
    """Open a write-once place for masked files."""
    return services_of(request).gate.open_staging(caller, root=body.root)


@router.put("/staging/{staging_id}/files/{path:path}", status_code=201, tags=["staging"], responses=answer(FILE, 201))
async def put_file(request: Request, caller: Changer, staging_id: str, path: str) -> dict[str, Any]:
    """Send one file up; what is there stays as it is."""
    gate, stream = services_of(request).gate, BodyStream(request.stream())
    write = partial(gate.put_file, caller, staging_id, path, cast("BinaryIO", stream))
    return await to_thread.run_sync(write, limiter=request.app.state.uploads)


@router.post("/requests", status_code=202, tags=["requests"], responses=answer(DOCUMENT, 202))
def create_request(request: Request, caller: Changer, body: RequestBody) -> dict[str, Any]:
    """Ask for a signature. The same run, staging and destination, or the same open call, get the same request."""
    services = services_of(request)
    if body.resource is not None:
        document = services.gate.ask_for_action(caller, _call_of(body))
    else:
        document = services.gate.create_request(caller, _release_of(body))
    services.background.wake()
    return document


def _call_of(body: RequestBody) -> ActionInput:
    if body.staging is not None or body.destination is not None or body.source is not None:
        raise UsageError("a request has either a resource, or a destination and what goes there")
    return ActionInput(body.action, body.resource or "", body.why, body.arguments, _host(body), tuple(body.requesters))


def _release_of(body: RequestBody) -> RequestInput:
    is_masked = body.source is not None
    if body.destination is None or body.arguments is not None or (body.staging is None) is not is_masked:
        raise UsageError(
            "name `staging`, or `source`, and `destination` of a release; of another action, its `resource`"
        )
    if (body.tables or body.rules) and not is_masked:
        raise UsageError("`tables` and `rules` belong to a `source`; of a staging, its manifest says them")
    return RequestInput(
        body.staging or "",
        body.destination,
        body.action,
        body.why,
        _host(body),
        tuple(body.requesters),
        source=body.source,
        tables=tuple(body.tables),
        rules=body.rules or "",
    )


def _host(body: RequestBody) -> HostRun | None:
    return None if body.host is None else HostRun.from_json(body.host)


@router.get("/requests", tags=["requests"], responses=answer(DOCUMENTS))
def list_requests(
    request: Request,
    caller: Reader,
    state: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=LONGEST_PAGE)] = 10,
    after: Annotated[str | None, Query(max_length=100)] = None,
) -> dict[str, Any]:
    """Read a page of the requests that the caller may see, the newest first; the next page is `after` its `next`."""
    states = () if state is None else (state,)
    found, onward = services_of(request).gate.page(caller, states, limit=limit, after=after)
    return {"requests": found, "next": onward}


@router.get("/requests/{request_id}", tags=["requests"], responses=answer(DOCUMENT))
def read_request(request: Request, caller: Reader, request_id: str) -> dict[str, Any]:
    """Read one request."""
    return services_of(request).gate.request(caller, request_id)


@router.get("/requests/{request_id}/policy", tags=["requests"])
def explain_request(request: Request, caller: Reader, request_id: str) -> dict[str, Any]:
    """Read which policy a request fell under and why, and what failed in each policy above it."""
    return services_of(request).gate.explain(caller, request_id)


@router.post("/requests/{request_id}/refresh", tags=["requests"], responses=answer(DOCUMENT))
def refresh(request: Request, caller: Changer, request_id: str, body: EmptyBody | None = None) -> dict[str, Any]:  # noqa: ARG001
    """Have the gate look at the host again."""
    return services_of(request).gate.refresh(caller, request_id)


@router.post("/requests/{request_id}/decisions", tags=["requests"], responses=answer(DOCUMENT))
def decide(request: Request, visitor: Decider, request_id: str, body: DecisionBody) -> dict[str, Any]:
    """Approve or deny, as a logged-in person with the session's CSRF token in ``X-CSRF-Token``. No token decides."""
    services = services_of(request)
    decision = decision_of(visitor, body)
    document = services.gate.decide(request_id, decision)
    services.background.wake()
    return document


@router.post("/requests/{request_id}/decisions/passkey", tags=["requests"])
def prepare_signature(request: Request, visitor: Decider, request_id: str, body: DecisionBody) -> dict[str, Any]:
    """Read what a passkey has to sign of a decision. It decides nothing; the decision brings the signature."""
    nonce, options = services_of(request).gate.prepare_signature(request_id, decision_of(visitor, body))
    return {"nonce": nonce, "options": options}


@router.post("/requests/{request_id}/release", tags=["requests"], responses=answer(DOCUMENT, 200, 202))
def release(
    request: Request, response: Response, caller: Changer, request_id: str, body: ReleaseBody
) -> dict[str, Any]:
    """Carry an approved request out, once; 200 when it is done, 202 while it is being done."""
    services = services_of(request)
    host = None if body.host is None else HostRun.from_json(body.host)
    document = services.gate.release(
        caller, request_id, host, arguments=body.arguments, arguments_digest=body.arguments_digest
    )
    services.background.wake()
    response.status_code = 200 if document.get("receipt") or document.get("grant") else 202
    return document


@router.post("/requests/{request_id}/receipt", tags=["requests"])
def report(request: Request, caller: Changer, request_id: str, body: ReceiptBody) -> dict[str, Any]:
    """Say how an action ended that the caller carried out with its grant: once. Without an outcome: still at it."""
    outcome = None if body.outcome is None else Outcome(**body.outcome.model_dump())
    return services_of(request).gate.report(caller, request_id, body.fence, outcome)


@router.post("/requests/{request_id}/withdraw", tags=["requests"], responses=answer(DOCUMENT))
def withdraw(request: Request, caller: Changer, request_id: str, body: EmptyBody | None = None) -> dict[str, Any]:  # noqa: ARG001
    """Take a request back."""
    services = services_of(request)
    document = services.gate.withdraw(caller, request_id)
    services.background.wake()
    return document


@router.get("/ledger/entries", tags=["ledger"], responses=answer(ENTRIES))
def ledger_entries(
    request: Request,
    caller: Reader,
    after: Annotated[int, Query(ge=-1, lt=2**53)] = -1,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Read entries of the ledger, for auditors and people."""
    _must_not_be_pipeline(caller)
    return {"entries": services_of(request).gate.ledger_entries(caller, after=after, limit=limit)}


@router.get("/ledger/checkpoint", tags=["ledger"], responses=answer(CHECKPOINT))
def ledger_checkpoint(request: Request, caller: Reader) -> dict[str, Any]:
    """Read the ledger's size and root, signed."""
    _must_not_be_pipeline(caller)
    return services_of(request).gate.checkpoint(caller)


@router.get("/reconciliation", tags=["ledger"])
def reconciliation(request: Request, caller: Reader) -> dict[str, Any]:
    """Read what hosts and destinations show that no request explains, and releases that wait for somebody to look."""
    return services_of(request).gate.reconciliation(caller)


def _must_not_be_pipeline(caller: Caller) -> None:
    if caller.role == "pipeline":
        raise NotAllowed("a pipeline's token does not read the ledger. Use the auditor's")


class BodyStream(RawIOBase):
    """The body of an asynchronous request as a file, for a thread that reads it."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        super().__init__()
        self._next: Callable[[], bytes] = lambda: from_thread.run(_next_chunk, chunks)
        self._rest = b""
        self._ended = False

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        size = -1 if size is None else size
        parts, have = [self._rest], len(self._rest)
        while not self._ended and (size < 0 or have == 0 or have < size):
            chunk = self._next()
            self._ended = not chunk
            parts.append(chunk)
            have += len(chunk)
        whole = b"".join(parts)
        cut = len(whole) if size < 0 else size
        self._rest = whole[cut:]
        return whole[:cut]


async def _next_chunk(chunks: AsyncIterator[bytes]) -> bytes:
    async for chunk in chunks:
        if chunk:
            return chunk
    return b""
