"""One policy of the file: what it is about, and what it demands."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from maskgate.gate.combined_conditions import All
from maskgate.gate.model import CHANNELS, Thresholds
from maskgate.gate.requirement import Requirement
from maskgate.gate.terms import Terms

if TYPE_CHECKING:
    from maskgate.gate.action_facts import ActionFacts

DEFAULT_EXPIRY = timedelta(hours=24)
TIERS = ("low", "medium", "high")


@dataclass(frozen=True)
class Rule:
    """One policy of the file.

    Attributes:
        name: What the file calls it.
        actions: Verbs that it is about; `when` asks for one of them too.
        when: What it is about.
        allow: Recorded, not asked.
        refuse: Refused, not asked.
        requirement: Whose signatures, unless allowed.
        channels: Through which channels.
        reason_min_length: How long a reason must be, at least.
        expires: How long a decision may take, and a grant may wait.
        thresholds: What measured figures have to be before anyone is asked.
        tier: How much is at stake: ``low``, ``medium`` or ``high``.
        reauthenticate: How long ago, at most, a reviewer may have proved who they are; None if that is not asked.
        passkey: Whether an approval must be signed with a passkey.
        terms: What it says about time and haste.
        line: Where it stands in the file.
    """

    name: str
    actions: tuple[str, ...]
    when: All = field(default_factory=lambda: All(()))
    allow: bool = False
    refuse: bool = False
    requirement: Requirement = field(default_factory=Requirement)
    channels: tuple[str, ...] = CHANNELS
    reason_min_length: int = 0
    expires: timedelta = DEFAULT_EXPIRY
    thresholds: Thresholds = field(default_factory=Thresholds)
    tier: str = "medium"
    reauthenticate: timedelta | None = None
    passkey: bool = False
    terms: Terms = field(default_factory=Terms)
    line: int = field(default=0, compare=False)

    def matches(self, facts: ActionFacts) -> bool | None:
        """Whether it is about this action; None if that cannot be told."""
        return self.when.holds(facts)

    @property
    def strictness(self) -> tuple[int, ...]:
        """How much it demands: of two policies, the one that demands more has the greater one."""
        if self.refuse:
            return (2,)
        if self.allow:
            return (0,)
        return (
            1,
            max(self.requirement.distinct, sum(self.requirement.slots.values())),
            TIERS.index(self.tier),
            self.passkey,
            len(self.requirement.slots),
            self.reason_min_length,
            -len(self.channels),
            -int(self.expires.total_seconds()),
            -self.terms.ways_round,
            0 if self.terms.delay is None else int(self.terms.delay.total_seconds()),
        )

    def as_json(self) -> dict[str, Any]:
        """Return what a request keeps of it."""
        return {
            "name": self.name,
            "allow": self.allow,
            "requirement": self.requirement.as_json(),
            "channels": list(self.channels),
            "reason_min_length": self.reason_min_length,
            "expires_seconds": int(self.expires.total_seconds()),
            "tier": self.tier,
            "reauthenticate_seconds": None if self.reauthenticate is None else int(self.reauthenticate.total_seconds()),
            "passkey": self.passkey,
            "terms": self.terms.as_json(),
        }
