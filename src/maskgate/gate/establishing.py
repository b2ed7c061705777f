"""The gate's first policy, rules and destinations, and what becomes of those that differ later.

The first start takes what the configuration names. After that a changed file changes nothing by itself: it becomes a
request under the policy in force, like any other action. Only rules that let through no more than registered ones do
need nobody; they are recorded.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.errors import PolicyError, Problem
from maskgate.gate.changing import Change, ask_for_change, withdraw_changes_of_policy
from maskgate.gate.governed import CHANGE_DESTINATIONS, CHANGE_POLICY, CHANGE_REVIEWERS, REGISTER_RULES
from maskgate.gate.governing import put_policy_in_force, put_rules_in_force
from maskgate.gate.known_destinations import (
    have_begun,
    is_in_force,
    note_begun,
    put_destination_in_force,
    registration_in_force,
    registration_of,
    store_destination,
)
from maskgate.gate.loosening import loosened
from maskgate.gate.parts import active_policy, registered_rules
from maskgate.gate.policy_reader import read_policy
from maskgate.rules.strict_yaml import parse
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from maskgate.gate.model import Destination
    from maskgate.gate.parts import Parts
    from maskgate.gate.policy import Policy
    from maskgate.rules import Rules
    from maskgate.store import Work

_PEOPLE = frozenset({"people", "reviewers", "requesters"})


@dataclass(frozen=True)
class Files:
    """Policy and rules as the files of the configuration have them now."""

    policy: Policy
    rules: tuple[tuple[Path, Rules], ...]
    policy_file: Path | None = None


def read_files(policy_file: Path, rules_files: Sequence[Path]) -> Files:
    """Read policy and rules, before anything is made or changed.

    Raises:
        PolicyError: If the policy file cannot be used.
        RulesError: If a rules file cannot be used.
    """
    from maskgate.rules import load_rules  # noqa: PLC0415  as in parts.py

    policy = read_policy(_text(policy_file), str(policy_file))
    rules = tuple((file, load_rules(file, plugins=False)) for file in rules_files)
    return Files(policy, rules, policy_file)


def put_first_in_force(parts: Parts, work: Work, files: Files) -> None:
    """Put the first policy and rules of a gate into force."""
    _store_policy(work, files.policy)
    put_policy_in_force(parts, work, files.policy.digest)
    for file, rules in files.rules:
        if _store_rules(work, file.name, rules):
            put_rules_in_force(parts, work, rules.digest)
    _put_destinations_in_force(parts, work)


def _put_destinations_in_force(parts: Parts, work: Work) -> None:
    now = parts.clock.now()
    note_begun(work)
    for destination in parts.registry.destinations.values():
        registered = store_destination(work, destination)
        put_destination_in_force(work, registered, now)
        parts.record(work, "destination.registered", destination=destination.as_json(), registration=registered)


def ask_for_changes(parts: Parts, files: Files) -> tuple[str, ...]:
    """Ask whether changed files may come into force.

    Returns:
        Lines for whoever starts the gate, about what is not in force and why.
    """
    with parts.store.write() as work:
        if not have_begun(work):  # a database of a version that did not keep them
            _put_destinations_in_force(parts, work)
    lines = [_changed_policy(parts, files.policy, files.policy_file)]
    lines += [_new_rules(parts, file, rules) for file, rules in files.rules]
    lines += [_changed_destination(parts, each) for each in parts.registry.destinations.values()]
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


def _changed_policy(parts: Parts, policy: Policy, file: Path | None) -> str:
    with parts.store.write() as work:
        active = active_policy(work)
        withdraw_changes_of_policy(parts, work, policy.digest)
        if active.digest == policy.digest:
            return ""
        _store_policy(work, policy)
        what = "the policy file differs from the policy in force"
        lines = _difference(active.text, policy.text)
        change = Change(_action_for(active, policy), policy.digest, what, lines, file=file)
        return ask_for_change(parts, work, change)


def _action_for(active: Policy, policy: Policy) -> str:
    """Say which action a changed file is: that of its people, where the policy in force has one for that alone."""
    parted = [
        {name: block for name, block in parse(each.text, "", PolicyError).plain().items() if name not in _PEOPLE}
        for each in (active, policy)
    ]
    covered = {action for rule in active.rules for action in rule.actions}
    return CHANGE_REVIEWERS if parted[0] == parted[1] and CHANGE_REVIEWERS in covered else CHANGE_POLICY


def _new_rules(parts: Parts, file: Path, rules: Rules) -> str:
    name = file.name
    with parts.store.write() as work:
        known = registered_rules(work)
        if not _store_rules(work, name, rules):
            return ""
        looser = {digest: loosened(each, rules) for digest, each in known.items()}
        stricter_than = next((digest for digest, found in looser.items() if not found), None)
        if stricter_than is not None:
            put_rules_in_force(parts, work, rules.digest, not_looser_than=stricter_than)
            return f"the rules of {name} are no looser than those that were registered, and are registered now."
        nearest = min(looser.values(), key=len, default=())
        lines = [
            *(f"! looser: {each}" for each in nearest),
            *(
                f"+ {table}.{column}: {rule.describe()}"
                for table, each in rules.tables.items()
                for column, rule in each.columns.items()
            ),
        ]
        what = f"the rules of {name} are not registered"
        return ask_for_change(parts, work, Change(REGISTER_RULES, rules.digest, what, tuple(lines), file=file))


def _changed_destination(parts: Parts, destination: Destination) -> str:
    with parts.store.write() as work:
        if is_in_force(work, destination):
            return ""
        before = registration_in_force(work, destination.id)
        subject = store_destination(work, destination)
        what = f"the destination {destination.id} is {'new' if before is None else 'not the one that was signed'}"
        lines = _difference(_written(before), _written(registration_of(destination)))
        shown = replace(destination, options={})
        change = Change(CHANGE_DESTINATIONS, subject, what, lines, destination=shown)
        return ask_for_change(parts, work, change)


def _written(registration: Mapping[str, Any] | None) -> str:
    return "" if registration is None else json.dumps(registration, indent=1, sort_keys=True, ensure_ascii=False)


def _difference(before: str, after: str) -> tuple[str, ...]:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1))
    # After the two lines of the heading, every line of the files has a sign before it.
    return tuple(line for line in lines[2:] if not line.startswith("@@"))
