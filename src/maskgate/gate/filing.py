"""Filing a request, whatever it is for: who asks is looked up, and it is kept with its entry, or its refusal is one."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.errors import MaskgateError, NotAllowed, Refused, UsageError
from maskgate.gate.authors import read_authors, released_versions, who_asked_for
from maskgate.gate.governed import GOVERNED_ACTIONS
from maskgate.gate.involvement import Known, involve
from maskgate.gate.lifecycle import State
from maskgate.gate.markdown import visible
from maskgate.gate.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from maskgate.gate.authors import Authors
    from maskgate.gate.host import HostRun, RunFacts
    from maskgate.gate.involvement import Involvement
    from maskgate.gate.model import Caller
    from maskgate.gate.parts import Parts
    from maskgate.gate.policy import Policy
    from maskgate.store import Work

LONGEST_WHY = 4000
_ACTION = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class Asker:
    """Who asks: a token, and what the gate itself read of the run that it asks for.

    Attributes:
        token: The token's name.
        agent: Whether the token is an agent's.
        requesters: Whom the caller names.
        host: The run, if one asks.
        facts: What the host says of it.
        authors: Who changed its code, where the gate knows the repository.
    """

    token: str
    agent: bool
    requesters: tuple[str, ...] = ()
    host: HostRun | None = None
    facts: RunFacts | None = None
    authors: Authors | None = None


def asking_token(caller: Caller) -> str:
    """Return the name of the token that asks.

    Raises:
        NotAllowed: If the caller has none that does; people and auditors have not.
    """
    if caller.role != "pipeline" or caller.token is None:
        raise NotAllowed(f"only a pipeline's token asks for signatures, and this caller is {caller.role}.")
    return caller.token


def find_asker(parts: Parts, token: str, host: HostRun | None, requesters: tuple[str, ...]) -> Asker:
    """Look up who asks.

    Raises:
        UsageError: If the configuration names no such host.
        Refused: If that knows no such run.
        HostUnreachable: If it does not answer.
    """
    facts = None if host is None else _facts_of_run(parts, host)
    return Asker(
        token=token,
        agent=parts.registry.holder(token).agent,
        requesters=requesters,
        host=host,
        facts=facts,
        authors=_authors_of_run(parts, host, facts),
    )


def asked_action(action: str, example: str) -> str:
    """Return an action, if it is one that a pipeline may ask for.

    Raises:
        UsageError: If it is not.
    """
    if not _ACTION.fullmatch(action) or action in GOVERNED_ACTIONS:
        raise UsageError(f"{visible(action, 40)!r} is no action to ask for. Write a verb such as {example}.")
    return action


def involved_in(parts: Parts, work: Work, asker: Asker, policy: Policy) -> Involvement:
    """Find out who is behind a token, the run that it asks for, and the code of that.

    Raises:
        NotAllowed: If it cannot be told who asks.
        UsageError: If the caller names somebody unknown.
    """
    holder, authors = parts.registry.holder(asker.token), asker.authors
    known = Known(
        owner=holder.owner,
        on_behalf_of=holder.on_behalf_of,
        authors=frozenset() if authors is None else authors.people,
        unknown_authors=0 if authors is None else authors.unknown,
        policy_authors=who_asked_for(work, policy.digest),
    )
    return involve(policy, asker.host, asker.facts, known, asker.requesters)


def new_request(parts: Parts, policy: Policy, involvement: Involvement, asker: Asker | None, **fields: Any) -> Request:
    """Make a request that nobody has looked at yet; nothing is stored."""
    return Request(
        id=f"req_{secrets.token_hex(10)}",
        state=State.SEALING,
        version=0,
        created_at=parts.clock.now(),
        policy_digest=policy.digest,
        requester_person=involvement.person,
        requester_account=involvement.account,
        involved=tuple(sorted(involvement.people)),
        involvement=involvement.as_json(),
        **({} if asker is None else _of_asker(asker)),
        **fields,
    )


def file_or_refuse(
    parts: Parts,
    work: Work,
    make: Callable[[], Request],
    by: Asker | None,
    entry: str = "request.refused",
    **facts: Any,
) -> Request | MaskgateError:
    """Make and store a request; if it is refused, keep an entry of that alone.

    Returns:
        The request; or the refusal, which the caller raises once its transaction is committed, and not before.
    """
    if by is not None:
        facts |= {"host": None if by.host is None else by.host.as_json(), "token": by.token}
    try:
        with work.begin_nested():
            return make()
    except MaskgateError as refusal:
        parts.record(work, entry, refusal=str(refusal), **facts)
        return refusal


def record_created(parts: Parts, work: Work, request: Request, **facts: Any) -> None:
    """Record what is asked, and who may not sign it. Arguments are in the ledger as their digest alone."""
    policy = {"name": request.policy_name, "digest": request.policy_digest, "because": list(request.policy_because)}
    said = {
        "action": request.action,
        "subject": request.subject,
        "resource": request.resource,
        "staging": request.staging,
        "destination": None if request.destination is None else request.destination.as_json(),
        "level": request.level,
        "why": request.why,
        "host": None if request.host is None else request.host.as_json(),
        "task_instance": request.task_instance_id,
        "token": request.token,
        "agent": request.agent,
        "requester": {"person": request.requester_person, "account": request.requester_account},
        "involved": list(request.involved),
        "involvement": dict(request.involvement),
        "code_version": request.code_version,
        "policy": policy if request.policy_because else {"digest": request.policy_digest},
        "content_digest": request.content_digest,
        "intent_digest": request.intent_digest,
        "context_digest": request.context_digest,
        **facts,
    }
    parts.record(work, "request.created", request, **{name: fact for name, fact in said.items() if fact is not None})


def _of_asker(asker: Asker) -> dict[str, Any]:
    facts = asker.facts
    return {
        "token": asker.token,
        "agent": asker.agent,
        "code_version": None if asker.authors is None else asker.authors.version,
        "host": asker.host,
        "workflow": "" if facts is None else visible(facts.workflow, 500),
        "task_instance_id": None if facts is None else facts.task_instance_id,
        "try_number": None if facts is None else facts.try_number,
    }


def _facts_of_run(parts: Parts, run: HostRun) -> RunFacts:
    """Read what the host says of a run."""
    if run.host not in parts.hosts:
        known = ", ".join(sorted(parts.hosts)) or "none"
        raise UsageError(f"{visible(run.host, 80)} is not in the gate's configuration. Configured: {known}.")
    facts = parts.hosts[run.host].read_run(run)
    if facts.try_number is not None and run.try_number > facts.try_number:
        raise Refused(f"{run.host} knows no try {run.try_number} of task {visible(run.task_id, 200)}.")
    return facts


def _authors_of_run(parts: Parts, run: HostRun | None, facts: RunFacts | None) -> Authors | None:
    """Read who wrote the code that asks, where the configuration names its repository."""
    repository = None if run is None else parts.registry.code.get(run.host)
    if run is None or facts is None or repository is None:
        return None
    with parts.store.read() as work:
        released = released_versions(work, run, facts)
    return read_authors(repository, facts.code_version, released)
