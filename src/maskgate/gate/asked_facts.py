"""What is known of an action before anything of it was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.gate.action_facts import ActionFacts

if TYPE_CHECKING:
    from maskgate.gate.host import HostRun
    from maskgate.gate.model import Destination
    from maskgate.gate.request import Request

RELEASE = "release"


def facts_when_asked(
    action: str,
    *,
    resource: str | None = None,
    destination: Destination | None = None,
    person: str | None = None,
    token: str | None = None,
    host: HostRun | None = None,
    workflow: str = "",
    is_staged: bool = False,
    level: str | None = None,
    agent: bool | None = None,
) -> ActionFacts:
    """Collect what a request says, the host and the registry know.

    Args:
        action: The verb.
        resource: What it is about.
        destination: Where it goes.
        person: Who asks, where that is known.
        token: The token that asks.
        host: The run that asks.
        workflow: Its workflow, as the host calls it.
        is_staged: Whether there are staged bytes, which the gate releases itself.
        level: Who carries it out, where that is known otherwise.
        agent: Whether an AI agent holds the token.
    """
    return ActionFacts(
        action=action,
        resource=resource,
        destination=None if destination is None else destination.id,
        trust=None if destination is None else destination.trust,
        level=level or ((RELEASE if destination is None else destination.level) if is_staged else None),
        person=person,
        token=token,
        workflow=None if host is None else f"{host.host}|{workflow}",
        agent=agent,
    )


def facts_of(request: Request) -> ActionFacts:
    """Collect what is known of a request that was made."""
    return facts_when_asked(
        request.action,
        resource=request.resource or request.subject,
        destination=request.destination,
        person=request.requester_person,
        token=request.token,
        host=request.host,
        workflow=request.workflow,
        is_staged=request.staging is not None,
        level=request.level,
        agent=request.agent,
    )
