"""Carrying out an action that was asked for earlier, by another step of the same run, and has been signed since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.approval.call import Call
from maskgate.errors import UsageError
from maskgate.gate.calls import VERIFY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maskgate.gate.client import GateClient


def carry_out_action(
    client: GateClient,
    request_id: str,
    arguments: Mapping[str, Any],
    *,
    host: Mapping[str, Any] | None = None,
    call: Callable[..., Any] | None = None,
) -> dict[str, Any]:
    """Carry a signed action out, once, with the arguments that were signed.

    Args:
        client: The gate.
        request_id: Which request.
        arguments: Every argument, as it was signed.
        host: The run that asked.
        call: What to call with the arguments, by name, where no handler of the gate carries the action out.

    Returns:
        The request: with its receipt, or on the way to it. Called again after that, it does nothing more.

    Raises:
        UsageError: If there is nothing to call, or the gate has a handler for it; nothing was done.
        Refused: If it is not signed, was used, or these are not its arguments; nothing was done.
    """
    document = client.request(request_id)
    action, is_here = document["action"], document.get("level") == VERIFY
    if is_here == (call is None):
        raise UsageError(
            f"no handler of the gate carries out `{action}`. Say what to call with its arguments: call=…"
            if is_here
            else f"the gate itself carries out `{action}`, and nothing is called here. Leave out call=…"
        )
    if call is None:
        return client.release(request_id, host, arguments=arguments)
    signed = Call(client, action, document["resource"], arguments=arguments, host=host, document=document)
    if document["state"] == "released":
        return document
    begun = signed.begin(arguments)
    try:
        with signed.carrying_out(begun):
            call(**arguments)
    except BaseException:
        signed.report(begun, succeeded=False)
        raise
    return signed.report(begun, succeeded=True)
