"""Ask the gate to release what was signed. The gate moves the bytes; the worker holds no way to the destination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.approval import carry_out
from maskgate.errors import GateUnreachable, NotFound, Refused, StillPending, UsageError
from prefect_maskgate.gate import DEFAULT_BLOCK, ApprovalGate, open_gate
from prefect_maskgate.host_version import get_run_logger, task
from prefect_maskgate.lineage import mirror_release
from prefect_maskgate.outcomes import PATIENCE, closed

if TYPE_CHECKING:
    from collections.abc import Callable

    from maskgate.gate.client import GateClient

_RELEASE_SECONDS = 24 * 3600.0
_WHAT_TO_DO = "Nothing was released. Call await_approval(…) in the flow body of this run, and have the request signed"


@task(name="release", persist_result=False, **PATIENCE)
def release(
    request: str | dict[str, Any],
    gate: ApprovalGate | str = DEFAULT_BLOCK,
    *,
    arguments: dict[str, Any] | None = None,
    call: Callable[..., Any] | None = None,
) -> dict[str, Any]:
    """Have the gate carry out a signed request, once.

    A task that is run again gets the stored receipt, and no second copy is made.

    Args:
        request: What :func:`~prefect_maskgate.await_approval` returned, or a request id.
        gate: The gate, or the name of its block.
        arguments: Of an action without staged files: its arguments, as they were signed. They are checked again.
        call: What to call with them, by name, where no handler of the gate carries the action out. That is the level
            *verify*: it does not hold back an author who leaves the check out.

    Returns:
        The receipt: what was written where, with the hash of each file; or how the action ended.

    Raises:
        Refused: If the request is not signed, not of this flow run, or the bytes are not what was signed.
        GateUnreachable: If the gate does not answer; Prefect tries the task again.
    """
    opened, wanted = open_gate(gate), _request_id(request)
    host = opened.run_identity()
    with opened.client() as client:
        try:
            carry_out(client, wanted, host=host, arguments=arguments, call=call)
            document = _receipt_of(client, wanted)
        except GateUnreachable as error:
            raise closed(error) from None
        except StillPending as error:
            raise StillPending(f"{str(error).rstrip('.')}. {_WHAT_TO_DO}") from None
        except NotFound as error:
            raise NotFound(f"{str(error).rstrip('.')}. {_WHAT_TO_DO}") from None
    receipt = document.get("receipt")
    if not receipt or document["state"] != "released":
        raise Refused(f"request {wanted} is {document['state']}: {document['message']}")
    get_run_logger().info("%s", document["message"])
    mirror_release(document)
    return dict(receipt)


def _receipt_of(client: GateClient, request: str) -> dict[str, Any]:
    """Wait for the receipt of what the gate has begun.

    Raises:
        GateUnreachable: If the gate goes away while it releases.
    """
    log = get_run_logger()

    def report(document: dict[str, Any]) -> None:
        progress = document.get("progress") or {}
        log.info("%s, %s of %s bytes", document["state"], progress.get("done", 0), progress.get("total", 0))

    try:
        return client.wait(request, lambda found: bool(found.get("receipt")), _RELEASE_SECONDS, report)
    except GateUnreachable:
        raise GateUnreachable(
            f"the gate at {client.url} went away while it released request {request}. It finishes the release, or "
            "shows nothing of it, when it is back; the next try of this task fetches the receipt"
        ) from None


def _request_id(request: Any) -> str:
    found = request.get("request") if isinstance(request, dict) else request
    if not isinstance(found, str) or not found:
        raise UsageError(f"release got no request id. {_WHAT_TO_DO}")
    return found
