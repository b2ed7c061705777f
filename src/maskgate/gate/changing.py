"""Asking whether a change of the gate itself may come into force, under the policy in force before it.

Whoever changed a file is not known, so two people have to sign; a person who is known is involved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from maskgate.errors import MaskgateError, Refused
from maskgate.gate.asked_facts import facts_of
from maskgate.gate.asking import demand, must_be_signable
from maskgate.gate.authors import authors_of_file
from maskgate.gate.deciding import ask_people
from maskgate.gate.filing import file_or_refuse, new_request, record_created
from maskgate.gate.governed import (
    CHANGE_DESTINATIONS,
    CHANGE_POLICY,
    CHANGE_REVIEWERS,
    REGISTER_RULES,
    REVOKE_GATE_KEY,
    ROTATE_GATE_KEY,
)
from maskgate.gate.involvement import ASKED, WROTE_FILE, Involvement
from maskgate.gate.lifecycle import State
from maskgate.gate.parts import active_policy
from maskgate.gate.request import change_request, insert_request, list_requests
from maskgate.gate.sealing_step import fix_intent
from maskgate.store import tables

if TYPE_CHECKING:
    from pathlib import Path

    from maskgate.gate.authors import Authors
    from maskgate.gate.model import Destination
    from maskgate.gate.parts import Parts
    from maskgate.gate.policy import Policy
    from maskgate.gate.request import Request
    from maskgate.store import Work

_KINDS = {
    REGISTER_RULES: "rules",
    CHANGE_DESTINATIONS: "destination",
    ROTATE_GATE_KEY: "gate_key",
    REVOKE_GATE_KEY: "gate_key",
}
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
    filed = file_change(parts, work, change)
    if isinstance(filed, MaskgateError):
        return f"{change.what}: {filed} {kept}"
    url = parts.registry.review_url(filed.id)
    return f"{change.what}: sign the change at {url}. Until then, what was in force stays so."


def withdraw_changes_of_policy(parts: Parts, work: Work, wanted: str) -> None:
    """Withdraw requests for policies that the file does not say any more, so that nobody signs an earlier draft."""
    of_policies = tables.requests.c.action.in_((CHANGE_POLICY, CHANGE_REVIEWERS))
    for waiting in list_requests(work, State.PENDING, where=of_policies):
        if waiting.subject != wanted:
            message = "The policy file says something else by now. Nothing changed."
            withdrawn = parts.advance(work, waiting, State.WITHDRAWN, message)
            parts.record(work, "request.withdrawn", withdrawn, because="the policy file changed")


def file_change(parts: Parts, work: Work, change: Change) -> Request | MaskgateError:
    """Make the request for a change, ready to be signed; or record and return why there is none."""
    entry = f"{_KINDS.get(change.action, 'policy')}.change_refused"
    facts = {"action": change.action, "subject": change.subject}
    return file_or_refuse(parts, work, lambda: _open(parts, work, change), None, entry, **facts)


def _open(parts: Parts, work: Work, change: Change) -> Request:
    """Make the request for a change.

    Raises:
        Refused: If the policy in force does not permit it, nobody could sign it, or it is too long to be read.
    """
    if len(change.lines) > _MOST_LINES:
        raise Refused(f"it changes {len(change.lines)} lines, which nobody can read at once. Change less at a time.")
    authors = authors_of_file(work, parts.registry.own_code, change.file, change.action)
    request = _request(parts, active_policy(work), change, authors)
    insert_request(work, request)
    record_created(parts, work, request)
    now = parts.clock.now()
    facts: dict[str, Any] = {
        "asked_at": now,
        "expires_at": now + request.expires,
        "evidence": {"changes": list(change.lines)},
    }
    facts |= fix_intent(parts, replace(request, **facts), None)
    return ask_people(parts, work, change_request(work, request, **facts))


def _request(parts: Parts, policy: Policy, change: Change, authors: Authors | None) -> Request:
    asked = new_request(
        parts,
        policy,
        _involvement(policy, change, authors),
        None,
        message="",
        action=change.action,
        subject=change.subject,
        why=change.what,
        destination=change.destination,
        code_version=None if authors is None else authors.version,
        policy_name="",
        rule={},
    )
    choice = policy.choose(replace(facts_of(asked), moment=parts.clock.now()))
    rule = choice.rule
    if rule is None or rule.refuse:
        raise Refused(f"no policy permits {change.action}, so nobody can sign it.")
    demanded = {**demand(rule, 2 if change.person is None else 1), **choice.as_json()}
    request = replace(asked, policy_name=rule.name, rule=demanded)
    must_be_signable(policy, request)
    return request


def _involvement(policy: Policy, change: Change, authors: Authors | None) -> Involvement:
    sources = {} if change.person is None else {change.person: (ASKED,)}
    for person in frozenset() if authors is None else authors.people & policy.people.accounts.keys():
        sources[person] = (*sources.get(person, ()), WROTE_FILE)
    return Involvement(
        person=change.person,
        account=None,
        sources=sources,
        is_known=change.person is not None,
        unknown_authors=0 if authors is None else authors.unknown,
    )
