"""Asking for a signature: who asks is read from the host, what is asked from the registry and the policy."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.canonical import digest
from maskgate.errors import MaskgateError, NotAllowed, NotFound, Refused, UsageError
from maskgate.gate.asked_facts import facts_when_asked
from maskgate.gate.authors import last_released_version, read_authors, who_asked_for
from maskgate.gate.governed import GOVERNED_ACTIONS
from maskgate.gate.involvement import CLEARED, Known, added_to, involve, involved_later
from maskgate.gate.known_destinations import must_be_in_force
from maskgate.gate.lifecycle import State
from maskgate.gate.markdown import visible
from maskgate.gate.parts import active_policy
from maskgate.gate.quotas import must_have_room_to_ask
from maskgate.gate.request import Request, change_request, find_by_key, insert_request
from maskgate.store import tables

if TYPE_CHECKING:
    from maskgate.gate.authors import Authors
    from maskgate.gate.host import HostRun, RunFacts
    from maskgate.gate.involvement import Involvement
    from maskgate.gate.model import Caller, Destination, RequestInput
    from maskgate.gate.parts import Parts
    from maskgate.gate.policy import Policy
    from maskgate.gate.policy_rule import Rule
    from maskgate.store import Work

_ACTION = re.compile(r"[a-z][a-z0-9-]{0,39}")
_LONGEST_WHY = 4000


@dataclass(frozen=True)
class _Asked:
    """A request input that was looked up."""

    action: str
    why: str
    staging: str
    destination: Destination
    host: HostRun | None
    facts: RunFacts | None
    token: str
    agent: bool
    requesters: tuple[str, ...]
    authors: Authors | None


def create_request(parts: Parts, caller: Caller, wanted: RequestInput) -> Request:
    """Make a request, or return the one that was made for the same run, staging, destination and action.

    Raises:
        UsageError: If something is named that is not registered.
        NotAllowed: If this caller may not ask, or it cannot be told who asks.
        NotFound: If there is no such staging.
        Refused: If no policy permits the action, nobody could ever sign it, or too many wait already.
        HostUnreachable: If the host does not answer.
    """
    if caller.role != "pipeline" or caller.token is None:
        raise NotAllowed(f"only a pipeline's token asks for signatures, and this caller is {caller.role}.")
    if not _ACTION.fullmatch(wanted.action) or wanted.action in GOVERNED_ACTIONS:
        raise UsageError(f"{visible(wanted.action, 40)!r} is no action to ask for. Write a verb such as export.")
    facts = None if wanted.host is None else facts_of_run(parts, wanted.host)
    asked = _Asked(
        action=wanted.action,
        why=visible(wanted.why, _LONGEST_WHY),
        staging=wanted.staging,
        destination=replace(parts.registry.destination(wanted.destination), options={}),
        host=wanted.host,
        facts=facts,
        token=caller.token,
        agent=parts.registry.holder(caller.token).agent,
        requesters=wanted.requesters,
        authors=authors_of_run(parts, wanted.host, facts),
    )
    with parts.store.write() as work:
        _must_be_staged(parts, work, asked)
        known = find_by_key(work, _key(asked))
        if known is not None:
            return _rebind(parts, work, known, asked)
        try:
            with work.begin_nested():
                return _insert(parts, work, asked)
        except MaskgateError as error:
            refusal = error
        parts.record(
            work,
            "request.refused",
            refusal=str(refusal),
            action=asked.action,
            destination=asked.destination.id,
            staging=asked.staging,
            host=None if asked.host is None else asked.host.as_json(),
            token=asked.token,
        )
    raise refusal


def facts_of_run(parts: Parts, run: HostRun) -> RunFacts:
    """Read what the host says of a run.

    Raises:
        UsageError: If the configuration names no such host.
        HostUnreachable: If it does not answer.
    """
    if run.host not in parts.hosts:
        known = ", ".join(sorted(parts.hosts)) or "none"
        raise UsageError(f"{visible(run.host, 80)} is not in the gate's configuration. Configured: {known}.")
    facts = parts.hosts[run.host].read_run(run)
    if facts.try_number is not None and run.try_number > facts.try_number:
        raise Refused(f"{run.host} knows no try {run.try_number} of task {visible(run.task_id, 200)}.")
    return facts


def authors_of_run(parts: Parts, run: HostRun | None, facts: RunFacts | None) -> Authors | None:
    """Read who wrote the code that asks, where the configuration names its repository."""
    repository = None if run is None else parts.registry.code.get(run.host)
    if run is None or facts is None or repository is None:
        return None
    with parts.store.read() as work:
        since = last_released_version(work, run, facts)
    return read_authors(repository, facts.code_version, since)


def _must_be_staged(parts: Parts, work: Work, asked: _Asked) -> None:
    row = work.execute(select(tables.stagings).where(tables.stagings.c.id == asked.staging)).first()
    if row is None or row.token != asked.token:
        raise NotFound("there is no such staging. Use the `id` that opening a staging returned.")
    is_gone = row.deleted_at is not None or row.expires_at <= parts.clock.now()
    if is_gone and find_by_key(work, _key(asked)) is None:
        raise NotFound(f"staging {asked.staging} was deleted; its time is over. Stage the data again.")


def _key(asked: _Asked) -> str:
    run = None if asked.host is None else {**asked.host.identity, "task_id": asked.host.task_id}
    return digest(
        "request-key",
        {
            "token": asked.token,
            "host": run,
            "staging": asked.staging,
            "destination": asked.destination.id,
            "action": asked.action,
        },
    )


def _rebind(parts: Parts, work: Work, known: Request, asked: _Asked) -> Request:
    """Return a request that was made before; a later try of the task takes the place of the earlier one."""
    if asked.facts is None or asked.facts.task_instance_id == known.task_instance_id:
        return known
    later = involved_later(active_policy(work), asked.facts, known.involved)
    if later and not known.is_settled:
        # What is signed stays as it is: it was asked so. Fewer people may sign it from now on.
        involvement = added_to(known.involvement, later, CLEARED)
        known = change_request(work, known, involved=tuple(sorted({*known.involved, *later})), involvement=involvement)
        parts.record(work, "request.involved", known, added=sorted(later), because=CLEARED)
    bound = change_request(
        work,
        known,
        host=asked.host,
        task_instance_id=asked.facts.task_instance_id,
        try_number=asked.facts.try_number,
        parked_at=None,
        wake_after=None if known.state is State.SEALING else parts.clock.now(),
        wake_attempts=0,
    )
    parts.record(
        work,
        "request.rebound",
        bound,
        task_instance=bound.task_instance_id,
        try_number=bound.try_number,
        before=known.task_instance_id,
    )
    return bound


def _insert(parts: Parts, work: Work, asked: _Asked) -> Request:
    must_have_room_to_ask(work, asked.token, parts.registry.limits)
    must_be_in_force(work, parts.registry.destination(asked.destination.id))
    policy = active_policy(work)
    people = known_people(parts, work, asked.token, asked.authors, policy)
    involvement = involve(policy, asked.host, asked.facts, people, asked.requesters)
    request = _new(parts, asked, _possible_rules(policy, asked, involvement), policy, involvement)
    insert_request(work, request)
    parts.record(
        work,
        "request.created",
        request,
        action=request.action,
        destination=asked.destination.as_json(),
        staging=request.staging,
        why=request.why,
        host=None if request.host is None else request.host.as_json(),
        task_instance=request.task_instance_id,
        token=request.token,
        agent=request.agent,
        requester={"person": request.requester_person, "account": request.requester_account},
        involved=list(request.involved),
        involvement=dict(request.involvement),
        code_version=request.code_version,
        policy={"digest": policy.digest},
    )
    return request


def known_people(parts: Parts, work: Work, token: str, authors: Authors | None, policy: Policy) -> Known:
    """Collect what the gate knows of who is behind a token and the code of a run."""
    holder = parts.registry.holder(token)
    return Known(
        owner=holder.owner,
        on_behalf_of=holder.on_behalf_of,
        authors=frozenset() if authors is None else authors.people,
        unknown_authors=0 if authors is None else authors.unknown,
        policy_authors=who_asked_for(work, policy.digest),
    )


def _possible_rules(policy: Policy, asked: _Asked, involvement: Involvement) -> tuple[Rule, ...]:
    """Return the policies that may count once the bytes are measured; until then, only that there is none is sure."""
    facts = facts_when_asked(
        asked.action,
        destination=asked.destination,
        person=involvement.person,
        token=asked.token,
        host=asked.host,
        workflow="" if asked.facts is None else asked.facts.workflow,
        is_staged=True,
        agent=asked.agent,
    )
    rules = tuple(rule for rule in policy.possible_rules(facts) if not rule.refuse)
    if not rules:
        raise no_policy(asked.action, asked.destination)
    return rules


def no_policy(action: str, destination: Destination | None) -> Refused:
    """Say that nothing permits an action."""
    where = "" if destination is None else f" to {destination.id} (trust {destination.trust})"
    return Refused(f"no policy permits {action}{where}. The gate's operator can add one.")


def _new(parts: Parts, asked: _Asked, rules: tuple[Rule, ...], policy: Policy, involvement: Involvement) -> Request:
    """Make a request with the first of the policies that it may come to, until what it does come to is measured."""
    people = 1 if involvement.is_known else 2
    drafts = [_draft(parts, asked, demand(rule, people), policy, involvement) for rule in rules]
    refusal: Refused | None = None
    for draft in drafts:
        try:
            must_be_signable(policy, draft)
        except Refused as error:
            refusal = refusal or error
        else:
            return draft
    raise refusal or no_policy(asked.action, asked.destination)


def demand(rule: Rule, people: int) -> dict[str, Any]:
    """Return what a policy demands of a request whose asker is known, or, for two people at least, is not."""
    return {**rule.as_json(), "requirement": rule.requirement.at_least(people).as_json(), "people_at_least": people}


def _draft(parts: Parts, asked: _Asked, demanded: dict[str, Any], policy: Policy, involvement: Involvement) -> Request:
    facts = asked.facts
    return Request(
        id=new_request_id(),
        state=State.SEALING,
        version=0,
        message="The gate reads and measures the staged files.",
        action=asked.action,
        agent=asked.agent,
        why=asked.why,
        staging=asked.staging,
        destination=asked.destination,
        token=asked.token,
        requester_person=involvement.person,
        requester_account=involvement.account,
        involved=tuple(sorted(involvement.people)),
        involvement=involvement.as_json(),
        code_version=None if asked.authors is None else asked.authors.version,
        idempotency_key=_key(asked),
        host=asked.host,
        workflow="" if facts is None else visible(facts.workflow, 500),
        task_instance_id=None if facts is None else facts.task_instance_id,
        try_number=None if facts is None else facts.try_number,
        policy_name=demanded["name"],
        policy_digest=policy.digest,
        rule=demanded,
        created_at=parts.clock.now(),
        worker=parts.worker,
    )


def must_be_signable(policy: Policy, request: Request) -> None:
    """Refuse a request that nobody could ever sign, before somebody waits for it.

    Raises:
        Refused: If everyone who is not involved would not suffice, and no group claim may bring others.
    """
    if request.is_allowed:
        return
    slots = request.requirement.slots.keys()
    if any(policy.reviewers[slot].group is not None for slot in slots):
        return
    able = {
        person: frozenset(slot for slot in slots if person in policy.reviewers[slot].people)
        for slot in slots
        for person in policy.reviewers[slot].people
        if person not in request.involved
    }
    later = request.terms.escalate
    if later is not None:
        if policy.reviewers[later.to].group is not None:
            return
        able |= {each: frozenset(slots) for each in policy.reviewers[later.to].people if each not in request.involved}
    if request.requirement.missing(able, named=request.named):
        raise Refused(
            f'policy "{request.policy_name}" needs {request.requirement.distinct} of its reviewers to sign, and there '
            f"are too few beside those involved ({', '.join(request.involved) or 'nobody'}). Add reviewers."
        )


def new_request_id() -> str:
    """Draw an id that nobody can guess."""
    return f"req_{secrets.token_hex(10)}"
