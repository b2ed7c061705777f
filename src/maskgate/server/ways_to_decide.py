"""What somebody may do on a review page beside approving and denying: for whom, for how much, and in which haste."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.notify.plain_text import plain

if TYPE_CHECKING:
    from maskgate.gate.decision_verbs import Standing
    from maskgate.server.callers import Visitor
    from maskgate.server.presentation import Document
    from maskgate.server.services import Services


def more_ways(services: Services, visitor: Visitor, document: Document, standing: Standing) -> dict[str, Any]:
    """Return what the form offers beside the usual."""
    may = document["state"] == "pending" and standing.may
    return {
        "absent": [plain(name) for name in services.gate.stands_in_for(visitor.identity)] if may else [],
        "standing": _standing(document) if may else None,
        "break_glass": services.gate.may_break_glass(document["id"], visitor.identity),
    }


def _standing(document: Document) -> dict[str, str] | None:
    offer = document.get("standing_offer")
    if not offer:
        return None
    intent = offer["intent"]
    figures = [f"{plain(name)} up to {each['rows_at_most']:,} rows" for name, each in intent["figures"].items()]
    kind = f"the same workflow, rules, columns and destination, {', '.join(figures)}, nothing worse"
    reach = f"for {intent['days']} days and {intent['uses']} uses"
    words = f"Sign as well for later exports like this one: {kind}; {reach}. All who have to sign have to want it."
    return {"digest": offer["digest"], "words": words}
