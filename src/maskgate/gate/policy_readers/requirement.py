"""Reads ``require:`` of a policy, and says whether anybody can ever meet it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.gate.requirement import Requirement
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from maskgate.gate.policy import Reviewers
    from maskgate.rules.strict_yaml import Located, Reader

MOST_SIGNATURES = 20


def read_requirement(
    reader: Reader, where: str, located: Located | None, reviewers: Mapping[str, Reviewers]
) -> Requirement:
    """Read slots and the number of different people."""
    fields = reader.mapping(located, f"{where}, require", ("slots", "distinct"), ("slots",))
    slots: dict[str, int] = {}
    for group, entry in reader.mapping(fields.get("slots"), f"{where}, slots").items():
        slots[group] = reader.integer(entry, f"{where}, slots", minimum=1, maximum=MOST_SIGNATURES, default=1)
        if group not in reviewers:
            near = did_you_mean(group, tuple(reviewers))
            reader.problem(f"{where}: there are no reviewers '{group}'.{near}", entry.line)
    total = sum(slots.values())
    if "slots" in fields and isinstance(fields["slots"].value, dict) and not total:
        line = fields["slots"].line
        reader.problem(f"{where}: no slot has to be filled. Use `allow: true` if nobody is to be asked.", line)
    wanted = fields.get("distinct")
    distinct = reader.integer(wanted, f"{where}, distinct", minimum=1, maximum=MOST_SIGNATURES, default=max(total, 1))
    if wanted is not None and isinstance(wanted.value, int) and distinct < total:
        reader.problem(
            f"{where}: distinct is {distinct}, but {total} slots take {total} people; one person fills one slot.",
            wanted.line,
        )
    requirement = Requirement(slots, distinct)
    if located is not None and slots.keys() <= reviewers.keys() and not can_be_met(requirement, reviewers):
        reader.problem(
            f"{where}: nobody can ever meet this; the reviewers' people are fewer than the signatures it takes.",
            located.line,
        )
    return requirement


def can_be_met(requirement: Requirement, reviewers: Mapping[str, Reviewers], without: Collection[str] = ()) -> bool:
    """Whether everyone together would suffice; a group claim may bring any number of people.

    Args:
        requirement: What is demanded.
        reviewers: The reviewer groups.
        without: People who may not sign.
    """
    everyone: dict[str, set[str]] = {}
    for slot in requirement.slots:
        for person in reviewers[slot].people - frozenset(without):
            everyone.setdefault(person, set()).add(slot)
        if reviewers[slot].group is not None:
            for number in range(MOST_SIGNATURES):
                everyone[f"\0{slot}{number}"] = {slot}
    return not requirement.missing({person: frozenset(slots) for person, slots in everyone.items()})
