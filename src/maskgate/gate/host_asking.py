"""What a task or a flow asks a signature for: that data leaves, or an action that is about a resource.

Data is what a pipeline has masked and staged, or a registered source, which the releaser masks: then nothing of it
passes the worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maskgate.gate.client import GateClient


def ask_for_signature(
    client: GateClient,
    *,
    action: str,
    staging: str | None,
    source: str | None = None,
    tables: Sequence[str] | None = None,
    destination: str | None,
    resource: str | None,
    arguments: Mapping[str, Any] | None,
    **about: Any,
) -> dict[str, Any]:
    """Ask for one of them, and never for something in between.

    Args:
        client: The gate.
        action: The verb.
        staging: The id of a staging, or
        source: the id of a registered source, and of it
        tables: some tables alone; and with either
        destination: the id of a destination; or instead
        resource: what an action is about, and with it
        arguments: every argument of the action.
        **about: ``why``, ``host`` and ``requesters``, as the client takes them.

    Raises:
        UsageError: If it is neither, or something of both.
    """
    if resource is None:
        if bool(staging) is bool(source) or not destination or arguments is not None:
            raise UsageError(
                "a signature is for staged files that go somewhere (staging=, destination=), for a source that the "
                "releaser masks (source=, destination=), or for an action about a resource (action=, resource=, "
                "arguments=). Name one of them, whole"
            )
        if tables and not source:
            raise UsageError("tables= are those of a source=; what a staging holds is in its manifest")
        of_source: dict[str, Any] = {"source": source, "tables": list(tables or ())} if source else {}
        return client.create_request(
            action=action, destination=destination, **(of_source or {"staging": staging}), **about
        )
    if staging is not None or source is not None or tables or destination is not None:
        raise UsageError(
            f"an action about a resource ({action}) has no staged files that go somewhere, and no source. Leave out "
            "staging=, source=, tables= and destination=; or resource="
        )
    return client.request(action=action, resource=resource, arguments=arguments, **about)


def is_about_staging(source: str | None, resource: str | None) -> bool:
    """Whether a staging has to be named, since nothing else is."""
    return source is None and resource is None
