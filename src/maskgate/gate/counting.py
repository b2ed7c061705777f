"""Which approvals count, and what is still missing.

* Who became involved after signing does not count, nor does who signed for somebody that did.
* Whom only the caller named as involved does not suffice without somebody whom nobody named.
* Break-glass takes fewer people, never none, and two where nobody is known to have asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.gate.requirement import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maskgate.gate.request import Request

ANY = "any reviewer"


def counted_approvals(request: Request, decisions: Iterable[Any]) -> dict[str, frozenset[str]]:
    """Return everyone whose approval counts, with the reviewer groups that they were in when they gave it."""
    involved = frozenset(request.involved)
    return {
        row["person"]: frozenset(row["slots"])
        for row in decisions
        if row["verdict"] == "approve" and row["person"] not in involved and row.get("acting_for") not in involved
    }


def still_missing(request: Request, decisions: Iterable[Any]) -> dict[str, int]:
    """Say whose signatures are still needed; empty if none are."""
    made = list(decisions)
    approvals = counted_approvals(request, made)
    missing = request.requirement.missing(approvals, named=request.named)
    terms = request.terms.break_glass
    if not missing or terms is None or not any(row["person"] in approvals and row.get("break_glass") for row in made):
        return missing
    least = max(terms.distinct, int(request.rule.get("people_at_least", 1)))
    others = [person for person in approvals if person not in request.named]
    return {ANY: least - len(approvals)} if len(approvals) < least else {} if others else missing


def may_fill_instead(request: Request, decisions: Iterable[Any]) -> list[str]:
    """Name groups that lack nobody and of which a person would help: who signed for it then fills another slot."""
    approvals, slots = counted_approvals(request, decisions), Requirement(request.requirement.slots, distinct=0)
    missing = slots.missing(approvals)
    return [
        slot
        for slot in slots.slots
        if slot not in missing
        and sum(slots.missing({**approvals, "": frozenset({slot})}).values()) < sum(missing.values())
    ]
