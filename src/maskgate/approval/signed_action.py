"""Carrying out what was asked for earlier, by another step of the same run, and has been signed since.

The grant is used up only if somebody then acts: the gate, or the function that the caller names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.approval.call import Call
from maskgate.errors import UsageError
from maskgate.gate.calls import VERIFY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maskgate.gate.client import GateClient

_BROKER = "broker"


def carry_out(
    client: GateClient,
    request_id: str,
    *,
    host: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
    call: Callable[..., Any] | None = None,
) -> dict[str, Any]:
    """Carry a signed request out, once, as it was signed.

    Args:
        client: The gate.
        request_id: Which request.
        host: The run that asked.
        arguments: Of an action without staged files, every argument, as it was signed.
        call: What to call with them, by name, where no handler of the gate carries the action out.

    Returns:
        The request: with its receipt, or on the way to it. Called again after that, it does nothing more.

    Raises:
        UsageError: If nobody would act, or two would; nothing was done.
        Refused: If it is not signed, was used, or these are not its arguments; nothing was done.
    """
    document = client.request(request_id)
    _must_be_carried_out(document, call)
    if call is None:
        return client.release(request_id, host, arguments=arguments)
    given = arguments or {}
    signed = Call(client, document["action"], document["resource"], arguments=given, host=host, document=document)
    if document["state"] == "released":
        return document
    begun = signed.begin(given)
    try:
        with signed.carrying_out(begun):
            call(**given)
    except BaseException:
        signed.report(begun, succeeded=False)
        raise
    return signed.report(begun, succeeded=True)


def _must_be_carried_out(document: Mapping[str, Any], call: Callable[..., Any] | None) -> None:
    action, level = document.get("action"), document.get("level")
    if level == _BROKER:
        raise UsageError(
            f"request {document['id']} is for a destination of the level broker: whoever asked writes the files there "
            "itself. Take the credential from GateClient.release in a task of your own"
        )
    if level == VERIFY and call is None:
        raise UsageError(f"no handler of the gate carries out `{action}`. Say what to call with its arguments: call=…")
    if level != VERIFY and call is not None:
        raise UsageError(f"the gate itself carries out `{action}`, and nothing is called here. Leave out call=…")
