"""Asking whether a change of the gate itself may come into force, under the policy in force before it.

Whoever changed a file is not known, so two people have to sign; a person who is known is involved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from maskgate.errors import MaskgateError, Refused
from maskgate.gate.asked_facts import facts_of
from maskgate.gate.asking import demand, must_be_signable, new_request_id
from maskgate.gate.authors import authors_of_file
from maskgate.gate.deciding import approve, wanted
from maskgate.gate.involvement import ASKED, WROTE_FILE
from maskgate.gate.lifecycle import State
from maskgate.gate.parts import active_policy
from maskgate.gate.request import Request, change_request, insert_request, list_requests
from maskgate.gate.sealing_step import fix_intent

if TYPE_CHECKING:
    from pathlib import Path

    from maskgate.gate.authors import Authors
    from maskgate.gate.model import Destination
    from maskgate.gate.parts import Parts
    from maskgate.gate.policy import Policy
    from maskgate.store import Work

# What reviewers cannot read whole, they cannot sign.
_MOST_LINES = 5000


@dataclass(frozen=True)
class Change:
    """A change of the gate itself.

    Attributes:
        action: One of the governed actions.
        subject: Digest, or name, of what would come into force.
        what: What changed, in a few words.
        lines: What would change, line by line.
        person: Who asks for it, where that is known.
        destination: The destination that it is about.
        file: The file that it came by.
    """

    action: str
    subject: str
    what: str
    lines: tuple[str, ...] = ()
    person: str | None = None
    destination: Destination | None = None
    file: Path | None = None


def ask_for_change(parts: Parts, work: Work, change: Change) -> str:
    """Open a request for a change, once; return what to tell whoever wants it."""
    kept = "What was in force stays so."
    for known in list_requests(work, State.PENDING, State.DENIED):
        if (known.action, known.subject) == (change.action, change.subject):
            return f"{change.what}: {known.state}, see {parts.registry.review_url(known.id)}. {kept}"
    try:
        with work.begin_nested():
            done = open_change(parts, work, change)
    except MaskgateError as error:
        kind = {"register-rules": "rules", "change-destinations": "destination"}.get(change.action, "policy")
        parts.record(work, f"{kind}.change_refused", subject=change.subject, refusal=str(error))
        return f"{change.what}: {error} {kept}"
    url = parts.registry.review_url(done.id)
    return f"{change.what}: sign the change at {url}. Until then, what was in force stays so."


def open_change(parts: Parts, work: Work, change: Change) -> Request:
    """Make the request for a change, ready to be signed.

    Raises:
        Refused: If the policy in force does not permit it, nobody could sign it, or it is too long to be read.
    """
    if len(change.lines) > _MOST_LINES:
        raise Refused(f"it changes {len(change.lines)} lines, which nobody can read at once. Change less at a time.")
    authors = authors_of_file(work, parts.registry.own_code, change.file, change.action)
    request = _request(parts, active_policy(work), change, authors)
    insert_request(work, request)
    parts.record(
        work,
        "request.created",
        request,
        action=request.action,
        subject=request.subject,
        why=request.why,
        requester={"person": request.requester_person},
        involved=list(request.involved),
        code_version=request.code_version,
        policy={"name": request.policy_name, "digest": request.policy_digest, "because": list(request.policy_because)},
    )
    now = parts.clock.now()
    facts: dict[str, Any] = {
        "asked_at": now,
        "expires_at": now + request.expires,
        "evidence": {"changes": list(change.lines)},
    }
    draft = change_request(work, request, **facts)
    ready = change_request(work, draft, **fix_intent(parts, draft, None))
    if ready.is_allowed:
        return approve(parts, work, ready, "The policy allows it without a signature; it is recorded.")
    return parts.advance(work, ready, State.PENDING, wanted(work, ready))


def _request(parts: Parts, policy: Policy, change: Change, authors: Authors | None) -> Request:
    sources = {} if change.person is None else {change.person: [ASKED]}
    for person in sorted(frozenset() if authors is None else authors.people & policy.people.accounts.keys()):
        sources.setdefault(person, []).append(WROTE_FILE)
    unknown = 0 if authors is None else authors.unknown
    asked = Request(
        id=new_request_id(),
        state=State.SEALING,
        version=0,
        message="",
        action=change.action,
        subject=change.subject,
        why=change.what,
        destination=change.destination,
        requester_person=change.person,
        involved=tuple(sorted(sources)),
        involvement={"sources": sources, "named": [], "unknown_authors": unknown},
        code_version=None if authors is None else authors.version,
        policy_name="",
        policy_digest=policy.digest,
        rule={},
        created_at=parts.clock.now(),
    )
    choice = policy.choose(replace(facts_of(asked), moment=parts.clock.now()))
    rule = choice.rule
    if rule is None or rule.refuse:
        raise Refused(f"no policy permits {change.action}, so nobody can sign it.")
    demanded = {**demand(rule, 2 if change.person is None else 1), **choice.as_json()}
    request = replace(asked, policy_name=rule.name, rule=demanded)
    must_be_signable(policy, request)
    return request
