"""Reads a policy file, strictly: every problem at once, each with its line.

* A block or figure that this version does not measure is refused, never ignored.
* There is no default that lets something through: no action for a time-out, no ``otherwise`` but ``refuse``.
* A policy that nobody could ever meet, or that no action could ever come to, is refused when it is loaded, not
  discovered at night.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from maskgate.canonical import digest
from maskgate.errors import FileProblems, PolicyError, Problem
from maskgate.gate.policy import Policy
from maskgate.gate.policy_checks import check_rules, warnings_about
from maskgate.gate.policy_readers.floor import read_floor
from maskgate.gate.policy_readers.people import GroupsReader, PeopleReader
from maskgate.gate.policy_readers.rules import FAIL_OPEN, RulesReader
from maskgate.rules.strict_yaml import Reader, parse

if TYPE_CHECKING:
    from maskgate.rules.strict_yaml import Located

_BLOCKS = ("version", "people", "reviewers", "requesters", "floor", "policies", "otherwise")


@dataclass(frozen=True)
class PolicyLook:
    """What somebody who looks a policy file over sees.

    Attributes:
        policy: The policy; None if it cannot be used.
        problems: Why not.
        warnings: What to think over.
    """

    policy: Policy | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def read_policy(text: str, file: str) -> Policy:
    """Read a policy.

    Args:
        text: What the file says.
        file: What messages call it.

    Raises:
        PolicyError: With every problem and its line.
    """
    root = parse(text, file, PolicyError)
    reader = Reader(file)
    policy = _policy(reader, root, text)
    reader.finish(PolicyError)
    return policy


def look_over_policy(text: str, file: str) -> PolicyLook:
    """Read a policy, and say what is wrong and what to think over."""
    try:
        policy = read_policy(text, file)
    except FileProblems as error:
        return PolicyLook(None, error.problems)
    return PolicyLook(policy, warnings=tuple(warnings_about(policy)))


def _policy(reader: Reader, root: Located, text: str) -> Policy:
    fields = reader.mapping(root, "", _BLOCKS, ("version", "policies", "otherwise"), FAIL_OPEN)
    if "version" in fields and fields["version"].value != 1:
        reader.problem("this version of Maskgate reads `version: 1`.", fields["version"].line)
    reader.choice(fields.get("otherwise"), "otherwise", ("refuse",))
    people = PeopleReader(reader).people(fields.get("people"))
    groups = GroupsReader(reader, people)
    reviewers = groups.reviewers(fields.get("reviewers"))
    requesters = groups.requesters(fields.get("requesters"))
    floor = read_floor(reader, fields.get("floor"))
    rules, sound = RulesReader(reader, reviewers, people.accounts).rules(fields.get("policies"))
    policy = Policy(people, reviewers, requesters, floor, rules, digest("policy", root.plain()), text)
    # Only of a policy that means what it says can be told what it comes to.
    for problem in check_rules(replace(policy, rules=sound)):
        reader.problem(problem.message, problem.line)
    return policy
