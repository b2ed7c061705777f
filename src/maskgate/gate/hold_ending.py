"""What becomes of a held request when its time has come: a grant, if what was signed still suffices.

Who cleared the run meanwhile is read from its host first; what such a person signed does not count any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.errors import HostUnreachable, MaskgateError
from maskgate.gate.beside import decisions_of
from maskgate.gate.counting import still_missing
from maskgate.gate.deciding import expire, grant_signed, wanted
from maskgate.gate.later_clears import note_clears
from maskgate.gate.lifecycle import State, is_over
from maskgate.gate.request import change_request, get_request, list_requests
from maskgate.store import tables

if TYPE_CHECKING:
    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work


def end_holds(parts: Parts) -> None:
    """End each hold whose time has come."""
    with parts.store.read() as work:
        due = list_requests(work, State.PENDING, where=tables.requests.c.held_until <= parts.clock.now())
    for seen in due:
        refusal = None
        try:
            if seen.host is not None and seen.host.parks:
                note_clears(parts, seen.id, seen.host)
        except HostUnreachable:
            continue  # The next sweep asks again; until then it stays held.
        except MaskgateError as error:
            refusal = error
        with parts.store.write() as work:
            _end(parts, work, get_request(work, seen.id), refusal)


def _end(parts: Parts, work: Work, request: Request, refusal: MaskgateError | None) -> None:
    now = parts.clock.now()
    if request.state is not State.PENDING or request.held_until is None or request.held_until > now:
        return
    made = decisions_of(work, request.id)
    if refusal is None and not still_missing(request, made):
        grant_signed(parts, work, request, made)
        return
    again = change_request(work, request, held_until=None)
    if refusal is not None:
        parts.refuse(work, again, "request.hold_refused", refusal)
    if is_over(again.expires_at, now):
        expire(parts, work, again)
        return
    said = "" if refusal is None else f"{refusal} "
    change_request(work, again, message=f"{said}{wanted(work, again)}")
