"""The gate's first policy and rules, and what becomes of files that differ from those in force later.

The first start takes what the configuration names. After that a changed file changes nothing by itself: it becomes a
request under the policy in force, like any other action.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.errors import MaskgateError, PolicyError, Problem, Refused
from maskgate.gate.asked_facts import facts_when_asked
from maskgate.gate.asking import demand, must_be_signable, new_request_id
from maskgate.gate.deciding import approve, wanted
from maskgate.gate.governing import CHANGE_POLICY, REGISTER_RULES, put_policy_in_force, put_rules_in_force
from maskgate.gate.lifecycle import State
from maskgate.gate.parts import active_policy
from maskgate.gate.policy_reader import read_policy
from maskgate.gate.request import Request, change_request, insert_request, list_requests
from maskgate.gate.sealing_step import fix_intent
from maskgate.rules import load_rules
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from maskgate.gate.parts import Parts
    from maskgate.gate.policy import Policy
    from maskgate.rules import Rules
    from maskgate.store import Work

_MOST_LINES = 200


@dataclass(frozen=True)
class Files:
    """Policy and rules as the files of the configuration have them now."""

    policy: Policy
    rules: tuple[tuple[str, Rules], ...]


def read_files(policy_file: Path, rules_files: Sequence[Path]) -> Files:
    """Read policy and rules, before anything is made or changed.

    Raises:
        PolicyError: If the policy file cannot be used.
        RulesError: If a rules file cannot be used.
    """
    policy = read_policy(_text(policy_file), str(policy_file))
    return Files(policy, tuple((file.name, load_rules(file, plugins=False)) for file in rules_files))


def put_first_in_force(parts: Parts, work: Work, files: Files) -> None:
    """Put the first policy and rules of a gate into force."""
    _store_policy(work, files.policy)
    put_policy_in_force(parts, work, files.policy.digest)
    for name, rules in files.rules:
        if _store_rules(work, name, rules):
            put_rules_in_force(parts, work, rules.digest)


def ask_for_changes(parts: Parts, files: Files) -> tuple[str, ...]:
    """Ask whether changed files may come into force.

    Returns:
        Lines for whoever starts the gate, about what is not in force and why.
    """
    lines = [_changed_policy(parts, files.policy)]
    lines += [_new_rules(parts, name, rules) for name, rules in files.rules]
    return tuple(line for line in lines if line)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise PolicyError(str(file), (Problem(f"the policy cannot be read: {reason}."),)) from None


def _store_policy(work: Work, policy: Policy) -> None:
    if work.execute(select(tables.policies.c.digest).where(tables.policies.c.digest == policy.digest)).first() is None:
        work.execute(tables.policies.insert().values(digest=policy.digest, text=policy.text, active=False))


def _store_rules(work: Work, name: str, rules: Rules) -> bool:
    """Keep rules; say whether they have to be put into force."""
    row = work.execute(select(tables.rules.c.active).where(tables.rules.c.digest == rules.digest)).first()
    if row is None:
        work.execute(
            tables.rules.insert().values(digest=rules.digest, name=name, content=rules.as_json(), active=False)
        )
    return row is None or not row.active


def _changed_policy(parts: Parts, policy: Policy) -> str:
    with parts.store.write() as work:
        active = active_policy(work)
        if active.digest == policy.digest:
            return ""
        _store_policy(work, policy)
        changes = _difference(active.text, policy.text)
        what = "the policy file differs from the policy in force"
        return _ask(parts, work, CHANGE_POLICY, subject=policy.digest, what=what, changes=changes)


def _new_rules(parts: Parts, name: str, rules: Rules) -> str:
    with parts.store.write() as work:
        if not _store_rules(work, name, rules):
            return ""
        changes = [
            f"+ {table}.{column}: {rule.describe()}"
            for table, each in rules.tables.items()
            for column, rule in each.columns.items()
        ]
        what = f"the rules of {name} are not registered"
        return _ask(parts, work, REGISTER_RULES, subject=rules.digest, what=what, changes=changes)


def _difference(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def _ask(parts: Parts, work: Work, action: str, *, subject: str, what: str, changes: list[str]) -> str:
    """Open a change request under the policy in force; return what to tell whoever starts the gate."""
    for known in list_requests(work, State.PENDING, State.DENIED):
        if (known.action, known.subject) == (action, subject):
            url = parts.registry.review_url(known.id)
            return f"{what}: {known.state}, see {url}. What was in force stays so."
    try:
        request = _request(parts, active_policy(work), action, subject, what)
        with work.begin_nested():
            done = _open(parts, work, request, changes)
    except MaskgateError as error:
        kind = "policy" if action == CHANGE_POLICY else "rules"
        parts.record(work, f"{kind}.change_refused", subject=subject, refusal=str(error))
        return f"{what}: {error} What was in force stays so."
    if done.state is State.RELEASED:
        return f"{what}: the policy in force allows the change; it is in force now."
    return f"{what}: sign the change at {parts.registry.review_url(done.id)}. Until then, what was in force stays so."


def _request(parts: Parts, policy: Policy, action: str, subject: str, what: str) -> Request:
    choice = policy.choose(replace(facts_when_asked(action, resource=subject), moment=parts.clock.now()))
    rule = choice.rule
    if rule is None or rule.refuse:
        raise Refused(f"no policy permits {action}, so nobody can sign it.")
    # Whoever changed the file is not known, so one person alone must not be able to sign it.
    demanded = {**demand(rule, 2), **choice.as_json()}
    request = Request(
        id=new_request_id(),
        state=State.SEALING,
        version=0,
        message="",
        action=action,
        subject=subject,
        why=what,
        policy_name=rule.name,
        policy_digest=policy.digest,
        rule=demanded,
        created_at=parts.clock.now(),
    )
    must_be_signable(policy, request)
    return request


def _open(parts: Parts, work: Work, request: Request, changes: list[str]) -> Request:
    insert_request(work, request)
    parts.record(work, "request.created", request, action=request.action, subject=request.subject, why=request.why)
    now = parts.clock.now()
    beyond = len(changes) - _MOST_LINES
    shown = [*changes[:_MOST_LINES], f"… and {beyond} more lines"] if beyond > 0 else changes
    facts: dict[str, Any] = {"asked_at": now, "expires_at": now + request.expires, "evidence": {"changes": shown}}
    draft = change_request(work, request, **facts)
    ready = change_request(work, draft, **fix_intent(parts, draft, None))
    if ready.is_allowed:
        return approve(parts, work, ready, "The policy allows it without a signature; it is recorded.")
    return parts.advance(work, ready, State.PENDING, wanted(work, ready))
