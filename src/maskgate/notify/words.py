"""What a message says of a request: ids, names of the configuration, counts. Every way of telling says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.notify.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATES = {
    "pending": "waits for a signature",
    "refused": "was refused before anyone was asked",
    "denied": "was denied, nothing was released",
    "expired": "ran out of time, nothing was released",
    "withdrawn": "was taken back, nothing was released",
    "released": "was released",
    "failed": "could not be released",
    "indeterminate": "may or may not have been carried out: somebody has to look",
}
_OCCASIONS = {
    "reminder": "still waits for a signature",
    "escalated": "has waited long, and others may sign now",
    "asked_again": "asks for the same as was denied before",
    "held": "is signed, and held for a while: until then its reviewers can still deny it",
    "break_glass": "was signed by BREAK-GLASS, without those who usually sign",
    "post_review": "was looked at again after break-glass",
}


def headline(document: Mapping[str, Any]) -> str:
    """Say in one line what became of which request."""
    place = document.get("destination")
    where = f" to {plain(place['id'])} ({plain(place['trust'])})" if place else ""
    person = (document.get("requester") or {}).get("person")
    by = f", asked by {plain(person)}" if person else ""
    usual = _STATES.get(str(document["state"]), f"is {plain(document['state'])}")
    state = _OCCASIONS.get(str(document.get("occasion")), usual)
    return f"{plain(document['id'])} {state}: {plain(document['action'])}{where}{by}"


def details(document: Mapping[str, Any]) -> list[str]:
    """Say how much it is, who is wanted, and who was passed over."""
    return [*_figures(document), *_wanted(document), *_passed_over(document), *_denied(document)]


def _figures(document: Mapping[str, Any]) -> list[str]:
    measured = (document.get("evidence") or {}).get("measured") or {}
    tables = list((measured.get("tables") or {}).values())
    if not tables:
        return []
    rows = sum(int(table["rows"]) for table in tables)
    return [f"{len(tables)} {'table' if len(tables) == 1 else 'tables'}, {rows:,} {'row' if rows == 1 else 'rows'}"]


def _wanted(document: Mapping[str, Any]) -> list[str]:
    missing = (document.get("requirement") or {}).get("missing") or {}
    if document["state"] != "pending" or not missing:
        return []
    return ["wanted: " + ", ".join(f"{int(count)} of {plain(slot)}" for slot, count in missing.items())]


def _denied(document: Mapping[str, Any]) -> list[str]:
    deniers = (document.get("audience") or {}).get("deniers") or ()
    if document.get("occasion") != "asked_again" or not deniers:
        return []
    return ["denied before by " + ", ".join(plain(person) for person in deniers)]


def _passed_over(document: Mapping[str, Any]) -> list[str]:
    glass = document.get("break_glass")
    if document.get("occasion") != "break_glass" or not glass:
        return []
    names = ", ".join(plain(name) for name in glass["skipped"]) or "nobody"
    return [f"by {plain(glass['person'])}, ticket {plain(glass['ticket'])}; passed over: {names}"]
