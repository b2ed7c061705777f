"""What a page says of people: how the gate knows who is involved, what was decided before, who went without whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.notify.plain_text import plain
from maskgate.server.wording import when

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime


def involvement_facts(document: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Go through who is involved, each with how the gate knows; and whom only the caller named."""
    given = document.get("involvement") or {}
    sources = given.get("sources") or {}
    involved = [_with_sources(person, sources.get(person, ())) for person in document.get("involved") or ()]
    if involved:
        yield {"name": "Involved, so they may not decide", "value": "; ".join(involved)}
    if named := [plain(person) for person in given.get("named") or ()]:
        words = f"{', '.join(named)}. They can sign, and somebody who is not named has to as well."
        yield {"name": "Named by the caller alone", "value": words}
    if unknown := int(given.get("unknown_authors") or 0):
        yield {"name": "Authors of the code that nobody here knows", "value": f"{unknown:,}"}


def earlier_rows(document: Mapping[str, Any], now: datetime) -> Iterator[dict[str, str]]:
    """Go through what people decided before about the same content."""
    for each in document.get("earlier") or ():
        verb = "approved" if each["verdict"] == "approve" else "denied"
        where = f" to {plain(each['destination'])}" if each.get("destination") else ""
        yield {
            "request": plain(each["request"]),
            "tone": "good" if each["verdict"] == "approve" else "bad",
            "text": f"{plain(each['person'])} {verb} {plain(each['action'])}{where}",
            "time": when(each["decided_at"], now),
        }


def break_glass_words(document: Mapping[str, Any]) -> str:
    """Say who went without whom, and whether somebody has looked at it; empty if nobody did."""
    given = document.get("break_glass")
    if not given:
        return ""
    passed_over = ", ".join(plain(name) for name in given["skipped"]) or "nobody"
    after = f"{plain(given['closed_by'])} has looked at it." if given["closed_at"] else "Nobody has looked at it yet."
    return f"{plain(given['person'])} signed for ticket {plain(given['ticket'])}, passing over {passed_over}. {after}"


def decided_as(decision: Mapping[str, Any]) -> str:
    """Say for whom somebody decided, and in which haste; empty if as usual."""
    absent = f", standing in for {plain(decision['acting_for'])}" if decision.get("acting_for") else ""
    return f"{absent}{', by break-glass' if decision.get('break_glass') else ''}"


def _with_sources(person: str, sources: Any) -> str:
    how = ", ".join(plain(each) for each in sources)
    return f"{plain(person)} ({how})" if how else plain(person)
