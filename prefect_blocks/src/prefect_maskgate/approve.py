"""Hold a flow until somebody else has signed.

A plain function for the body of a flow, and no task: a task's state can be set by whoever reaches Prefect's server,
and its result can come from a cache. What this returns is an id and decides nothing either; the gate releases what was
signed, and nothing else, whatever the flow does next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.errors import Refused, UsageError
from maskgate.gate.host_asking import ask_for_signature, is_about_staging
from maskgate.gate.how_it_ended import how_it_ended
from maskgate.gate.why_waiting import why_waiting
from prefect_maskgate.gate import DEFAULT_BLOCK, ApprovalGate, open_gate
from prefect_maskgate.host_version import get_run_logger
from prefect_maskgate.lineage import mirror_decision, mirror_request
from prefect_maskgate.outcomes import RIDE_OUT_SECONDS, follow, ride_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SIGNED = frozenset({"approved", "releasing", "released"})


def await_approval(
    staging: str | Mapping[str, Any] | None = None,
    destination: str | None = None,
    gate: ApprovalGate | str = DEFAULT_BLOCK,
    *,
    action: str = "export",
    source: str | None = None,
    tables: Sequence[str] = (),
    resource: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    why: str = "",
    requesters: Sequence[str] = (),
    ride_out_seconds: float = RIDE_OUT_SECONDS,
) -> dict[str, str]:
    """Ask for a signature, and wait for it: on data that goes somewhere, or on an action.

    It asks the gate ever more slowly, and logs what is new together with the link to the review page. It waits for as
    long as the gate's policy lets a request stay open; then the request is denied.

    Args:
        staging: What :func:`~prefect_maskgate.anonymize` returned, or its staging id.
        destination: The id of a destination that is registered at the gate.
        gate: The gate, or the name of its block.
        action: What is to be signed.
        source: Instead of ``staging``, the id of a source that is registered at the gate. The releaser masks it, with
            keys that it alone has (level *mask*); nothing of it passes the flow.
        tables: Of a source, these tables alone; by default all.
        resource: Of an action without staged files, such as ``rotate-key``: what it is about, instead of ``staging``
            and ``destination``.
        arguments: Of such an action, every argument that matters, as JSON values.
        why: A sentence for the reviewer, shown as written by the requester.
        requesters: People or accounts that had a hand in this; their signatures count only beside those of others.
        ride_out_seconds: How long the gate may be away at a stretch.

    Returns:
        ``{"request": id}``, for :func:`~prefect_maskgate.release`.

    Raises:
        Refused: If the request was refused, denied, withdrawn, or nobody signed in time.
        GateUnreachable: If the gate stays away; nothing was released.
    """
    opened, log = open_gate(gate), get_run_logger()
    wanted: dict[str, Any] = {
        "action": action,
        "staging": _staging_id(staging) if is_about_staging(source, resource) else staging,
        "source": source,
        "tables": list(tables),
        "destination": destination,
        "resource": resource,
        "arguments": arguments,
        "why": why,
        "requesters": list(requesters),
    }
    host = opened.run_identity()
    with opened.client() as client:
        asked = ride_out(lambda: ask_for_signature(client, **wanted, host=host), ride_out_seconds, log)
        log.info("request %s: review it at %s", asked["id"], asked["url"])
        if asked.get("note"):
            log.info("%s", asked["note"])
        mirror_request(asked)
        question = follow(client, asked["id"], lambda found: found["state"] in _SIGNED, _reporter(log))
        document = ride_out(question, ride_out_seconds, log)
    mirror_decision(document)
    if document["state"] not in _SIGNED:
        raise Refused(how_it_ended(document))
    return {"request": document["id"]}


def _staging_id(staging: Any) -> str:
    found = staging.get("staging") if isinstance(staging, dict) else staging
    if not isinstance(found, str) or not found:
        raise UsageError("await_approval got no staging id. Pass it what anonymize(…) returned, or name a source=")
    return found


def _reporter(log: Any) -> Callable[[Mapping[str, Any]], None]:
    """Log each change, and each refusal once: somebody who may not decide has tried to."""
    told: set[tuple[str, str]] = set()

    def report(document: Mapping[str, Any]) -> None:
        progress = document.get("progress") or {}
        if document["state"] == "sealing" and progress.get("total"):
            log.info("the gate reads what is to be signed: %s of %s", progress.get("done", 0), progress["total"])
        else:
            log.info("request %s is %s: %s", document["id"], document["state"], document["message"])
        for line in why_waiting(document) if document["state"] == "pending" else ():
            log.info("%s", line)
        for refusal in document.get("refusals") or ():
            if (refusal["at"], refusal["message"]) not in told:
                told.add((refusal["at"], refusal["message"]))
                log.warning("%s: %s", refusal["at"], refusal["message"])

    return report
