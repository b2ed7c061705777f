"""Whether signatures suffice: a matching of people to slots, in which one person fills one slot.

A person in two reviewer groups fills one slot of one of them, whichever leaves fewer slots empty. A maximum bipartite
matching finds that, so the order in which people sign does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


UNNAMED = "a reviewer whom the caller did not name"


@dataclass(frozen=True)
class Requirement:
    """How many signatures of which reviewers.

    Attributes:
        slots: For each reviewer group, how many of it.
        distinct: How many different people at least.
    """

    slots: Mapping[str, int] = field(default_factory=dict)
    distinct: int = 1

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"slots": dict(self.slots), "distinct": self.distinct}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Requirement:
        """Make what :meth:`as_json` wrote."""
        return cls(dict(value["slots"]), value["distinct"])

    def at_least(self, people: int) -> Requirement:
        """Ask for so many different people, or for more if it did already."""
        return Requirement(self.slots, max(self.distinct, people))

    def missing(self, approvals: Mapping[str, frozenset[str]], *, named: Collection[str] = ()) -> dict[str, int]:
        """Say what is still needed.

        Args:
            approvals: For each person who approved, the reviewer groups that they are in.
            named: People whom only the caller named as involved; together they do not suffice.

        Returns:
            For each group the number of empty slots; ``any reviewer`` for people beyond the slots, and
            ``a reviewer whom the caller did not name``. Empty if met.
        """
        filled = _matching(self.slots, approvals)
        missing = {
            slot: count - filled.get(slot, 0) for slot, count in self.slots.items() if count > filled.get(slot, 0)
        }
        eligible = sum(1 for groups in approvals.values() if groups & self.slots.keys())
        beyond = self.distinct - eligible - sum(missing.values())
        if beyond > 0:
            missing["any reviewer"] = beyond
        elif not missing and approvals and all(person in named for person in approvals):
            missing[UNNAMED] = 1
        return missing


def _matching(slots: Mapping[str, int], approvals: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """Return how many slots of each group can be filled, by augmenting paths."""
    seats = [(slot, number) for slot, count in sorted(slots.items()) for number in range(count)]
    taken: dict[tuple[str, int], str] = {}

    def seat(person: str, tried: set[tuple[str, int]]) -> bool:
        for place in seats:
            if place[0] not in approvals[person] or place in tried:
                continue
            tried.add(place)
            if place not in taken or seat(taken[place], tried):
                taken[place] = person
                return True
        return False

    for person in sorted(approvals):
        seat(person, set())
    filled: dict[str, int] = {}
    for slot, _number in taken:
        filled[slot] = filled.get(slot, 0) + 1
    return filled
