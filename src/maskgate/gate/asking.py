"""Asking for a signature: who asks is read from the host, what is asked from the registry and the policy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.canonical import digest
from maskgate.errors import MaskgateError, NotFound, Refused
from maskgate.gate.asked_again import attach, attached_to, open_for_same_bytes, run_of, staged_manifest
from maskgate.gate.asked_facts import facts_when_asked
from maskgate.gate.filing import (
    LONGEST_WHY,
    asked_action,
    asking_token,
    file_or_refuse,
    find_asker,
    involved_in,
    new_request,
    record_created,
)
from maskgate.gate.known_destinations import must_be_in_force
from maskgate.gate.later_clears import involve_later
from maskgate.gate.lifecycle import State
from maskgate.gate.markdown import visible
from maskgate.gate.parts import active_policy
from maskgate.gate.quotas import must_have_room_to_ask
from maskgate.gate.request import Request, change_request, find_by_key, insert_request
from maskgate.gate.sources import must_fit_level
from maskgate.store import tables

if TYPE_CHECKING:
    from maskgate.gate.filing import Asker
    from maskgate.gate.involvement import Involvement
    from maskgate.gate.model import Caller, Destination, RequestInput
    from maskgate.gate.parts import Parts
    from maskgate.gate.policy import Policy
    from maskgate.gate.policy_rule import Rule
    from maskgate.store import Work


@dataclass(frozen=True)
class _Asked:
    """A request input that was looked up."""

    action: str
    why: str
    staging: str
    destination: Destination
    level: str | None
    by: Asker
    manifest: str | None = None


def create_request(parts: Parts, caller: Caller, wanted: RequestInput) -> Request:
    """Make a request, or return the one that was made for the same run, staging, destination and action.

    The same run also gets the request that is open for the same bytes under another staging; see ``asked_again.py``.

    Raises:
        UsageError: If something is named that is not registered.
        NotAllowed: If this caller may not ask, or it cannot be told who asks.
        NotFound: If there is no such staging.
        Refused: If no policy permits the action, nobody could ever sign it, or too many wait already.
        HostUnreachable: If the host does not answer.
    """
    token = asking_token(caller)
    asked = _Asked(
        action=asked_action(wanted.action, "export"),
        why=visible(wanted.why, LONGEST_WHY),
        staging=wanted.staging,
        destination=replace(parts.registry.destination(wanted.destination), options={}),
        level=wanted.level,
        by=find_asker(parts, token, wanted.host, wanted.requesters),
        manifest=staged_manifest(parts, token, wanted.staging),
    )
    with parts.store.write() as work:
        _must_be_staged(parts, work, asked)
        known = _known(work, asked)
        if known is not None:
            return _rebind(parts, work, known, asked)
        filed = file_or_refuse(
            parts,
            work,
            lambda: _insert(parts, work, asked),
            asked.by,
            action=asked.action,
            destination=asked.destination.id,
            staging=asked.staging,
        )
    if isinstance(filed, MaskgateError):
        raise filed
    return filed


def _must_be_staged(parts: Parts, work: Work, asked: _Asked) -> None:
    row = work.execute(select(tables.stagings).where(tables.stagings.c.id == asked.staging)).first()
    if row is None or row.token != asked.by.token:
        raise NotFound("there is no such staging. Use the `id` that opening a staging returned.")
    is_gone = row.deleted_at is not None or row.expires_at <= parts.clock.now()
    if is_gone and _known(work, asked) is None:
        raise NotFound(f"staging {asked.staging} was deleted; its time is over. Stage the data again.")


def _known(work: Work, asked: _Asked) -> Request | None:
    key = _key(asked)
    return find_by_key(work, key) or attached_to(work, key)


def _key(asked: _Asked) -> str:
    run = run_of(asked.by.host)
    return digest(
        "request-key",
        {
            "token": asked.by.token,
            "host": run,
            "staging": asked.staging,
            "destination": asked.destination.id,
            "action": asked.action,
        },
    )


def _rebind(parts: Parts, work: Work, known: Request, asked: _Asked) -> Request:
    """Return a request that was made before; a later try of the task takes the place of the earlier one."""
    facts = asked.by.facts
    if facts is None or facts.task_instance_id == known.task_instance_id:
        return known
    known = involve_later(parts, work, known, facts.cleared_by)
    bound = change_request(
        work,
        known,
        host=asked.by.host,
        task_instance_id=facts.task_instance_id,
        try_number=facts.try_number,
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
    must_be_in_force(work, parts.registry.destination(asked.destination.id))
    must_fit_level(asked.destination, asked.level)
    policy = active_policy(work)
    involvement = involved_in(parts, work, asked.by, policy)
    request = _new(parts, asked, _possible_rules(policy, asked, involvement), policy, involvement)
    same = None if asked.by.host is None else open_for_same_bytes(work, request)
    if same is not None:
        attach(parts, work, same, _key(asked), asked.staging)
        return _rebind(parts, work, same, asked)
    must_have_room_to_ask(work, asked.by.token, parts.registry.limits)
    insert_request(work, request)
    record_created(parts, work, request)
    return request


def _possible_rules(policy: Policy, asked: _Asked, involvement: Involvement) -> tuple[Rule, ...]:
    """Return the policies that may count once the bytes are measured; until then, only that there is none is sure."""
    facts = facts_when_asked(
        asked.action,
        destination=asked.destination,
        person=involvement.person,
        token=asked.by.token,
        host=asked.by.host,
        workflow="" if asked.by.facts is None else asked.by.facts.workflow,
        is_staged=True,
        level=asked.level,
        agent=asked.by.agent,
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
    return new_request(
        parts,
        policy,
        involvement,
        asked.by,
        message="The gate reads and measures the staged files.",
        action=asked.action,
        why=asked.why,
        staging=asked.staging,
        destination=asked.destination,
        level=asked.level,
        manifest=asked.manifest,
        idempotency_key=_key(asked),
        policy_name=demanded["name"],
        rule=demanded,
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
        what_helps = "Add reviewers."
        if request.token is not None and not request.involved:
            what_helps = (
                "Nobody is known to have asked, so at least two people have to sign: say whose the token is, by its "
                "`owner:` in gate.yaml, or add reviewers."
            )
        raise Refused(
            f'policy "{request.policy_name}" needs {request.requirement.distinct} of its reviewers to sign, and there '
            f"are too few beside those involved ({', '.join(request.involved) or 'nobody'}). {what_helps}"
        )
