"""What a task or a flow asks a signature for: that staged files leave, or an action that is about a resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.client import GateClient


def ask_for_signature(
    client: GateClient,
    *,
    action: str,
    staging: str | None,
    destination: str | None,
    resource: str | None,
    arguments: Mapping[str, Any] | None,
    **about: Any,
) -> dict[str, Any]:
    """Ask for the one or the other, and never for something in between.

    Args:
        client: The gate.
        action: The verb.
        staging: The id of a staging, and with it
        destination: the id of a destination; or instead
        resource: what an action is about, and with it
        arguments: every argument of the action.
        **about: ``why``, ``host`` and ``requesters``, as the client takes them.

    Raises:
        UsageError: If it is neither, or something of both.
    """
    if resource is None:
        if not staging or not destination or arguments is not None:
            raise UsageError(
                "a signature is for staged files that go somewhere (staging=, destination=), or for an action about a "
                "resource (action=, resource=, arguments=). Name one of the two, whole"
            )
        return client.create_request(action=action, staging=staging, destination=destination, **about)
    if staging is not None or destination is not None:
        raise UsageError(
            f"an action about a resource ({action}) has no staged files that go somewhere. Leave out staging= and "
            "destination=, or resource="
        )
    return client.request(action=action, resource=resource, arguments=arguments, **about)
