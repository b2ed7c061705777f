"""Holding what is signed for a time, where the policy says so, so that other reviewers can still deny it.

The request stays *pending*: there is no grant yet. Break-glass does not wait. What is held was signed in time, so it
does not expire meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.clock import timestamp
from maskgate.gate.counting import counted_approvals
from maskgate.gate.request import change_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work


def held_until(request: Request, made: Sequence[Mapping[str, Any]], now: datetime) -> datetime | None:
    """Say until when a request that enough people have signed is held; None if it is not."""
    delay, counted = request.terms.delay, counted_approvals(request, made)
    if delay is None or any(row["break_glass"] and row["person"] in counted for row in made):
        return None
    return request.held_until or now + delay


def hold(parts: Parts, work: Work, request: Request, until: datetime) -> Request:
    """Keep a signed request until then; one more signature does not begin the time anew."""
    if request.held_until == until:
        return request
    held = change_request(work, request, held_until=until, message=held_words(until))
    parts.record(work, "request.held", held, until=timestamp(until))
    parts.tell(work, held, "held")
    return held


def held_words(until: datetime) -> str:
    """Say that something is held."""
    return f"Signed. The policy holds it until {timestamp(until)}; until then its reviewers can still deny it."
