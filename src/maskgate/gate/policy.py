"""The policy: which actions need whose signatures, through which channels, within what time, above which floor.

The first policy of the file that matches an action counts; if none does, the answer is no.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from maskgate.gate.model import CHANNELS, Floor, Thresholds
from maskgate.gate.requirement import Requirement

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from maskgate.gate.model import Destination, Identity
    from maskgate.gate.people import People

DEFAULT_EXPIRY = timedelta(hours=24)
# A group claim says who was in the group when the person logged in.
GROUPS_ARE_FRESH = timedelta(minutes=60)


@dataclass(frozen=True)
class Reviewers:
    """Who belongs to a reviewer group.

    Attributes:
        people: By name, from ``people:``.
        group: Or by a group claim of the identity provider.
    """

    people: frozenset[str] = frozenset()
    group: str | None = None

    def include(self, person: str, identity: Identity, now: datetime) -> bool:
        """Whether a person belongs to it, by name or by a group claim that is fresh."""
        if person in self.people:
            return True
        proved = identity.authenticated_at
        is_fresh = proved is not None and now - proved <= GROUPS_ARE_FRESH
        return self.group is not None and is_fresh and self.group in identity.groups


@dataclass(frozen=True)
class Rule:
    """One policy of the file.

    Attributes:
        name: What the file calls it.
        actions: Verbs that it is about.
        destinations: Ids of destinations; empty for any.
        trusts: Trusts of destinations; empty for any.
        allow: Recorded, not asked.
        requirement: Whose signatures, unless allowed.
        channels: Through which channels.
        reason_min_length: How long a reason must be, at least.
        expires: How long a decision may take, and a grant may wait.
        thresholds: What measured figures have to be before anyone is asked.
    """

    name: str
    actions: tuple[str, ...]
    destinations: tuple[str, ...] = ()
    trusts: tuple[str, ...] = ()
    allow: bool = False
    requirement: Requirement = field(default_factory=Requirement)
    channels: tuple[str, ...] = CHANNELS
    reason_min_length: int = 0
    expires: timedelta = DEFAULT_EXPIRY
    thresholds: Thresholds = field(default_factory=Thresholds)

    def matches(self, action: str, destination: Destination | None) -> bool:
        """Whether it is about this action."""
        if action not in self.actions:
            return False
        if destination is None:
            return not self.destinations and not self.trusts
        fits_id = not self.destinations or destination.id in self.destinations
        return fits_id and (not self.trusts or destination.trust in self.trusts)

    def as_json(self) -> dict[str, Any]:
        """Return what a request keeps of it."""
        return {
            "name": self.name,
            "allow": self.allow,
            "requirement": self.requirement.as_json(),
            "channels": list(self.channels),
            "reason_min_length": self.reason_min_length,
            "expires_seconds": int(self.expires.total_seconds()),
        }


@dataclass(frozen=True)
class Policy:
    """A whole policy file.

    Attributes:
        people: Who has which accounts.
        reviewers: The reviewer groups by name.
        requesters: Who answers for runs that nobody started, by ``host|workflow`` patterns.
        floor: What may happen to columns that look like direct identifiers.
        rules: The policies, in the order of the file.
        digest: Digest of what the file says.
        text: The file.
    """

    people: People
    reviewers: Mapping[str, Reviewers]
    requesters: Mapping[str, tuple[str, ...]]
    floor: Floor
    rules: tuple[Rule, ...]
    digest: str
    text: str = field(repr=False)

    def rule_for(self, action: str, destination: Destination | None) -> Rule | None:
        """Return the first policy about an action; None if there is none, which is a refusal."""
        return next((rule for rule in self.rules if rule.matches(action, destination)), None)

    def requesters_of(self, host: str, workflow: str) -> frozenset[str]:
        """Return who answers for the scheduled runs of a workflow."""
        name = f"{host}|{workflow}"
        return frozenset(
            person for pattern, people in self.requesters.items() if fnmatchcase(name, pattern) for person in people
        )

    def groups_of(self, person: str, identity: Identity, now: datetime) -> frozenset[str]:
        """Return the reviewer groups that a person is in."""
        return frozenset(name for name, group in self.reviewers.items() if group.include(person, identity, now))
