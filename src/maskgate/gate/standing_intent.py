"""What a standing approval covers, and whether another export is worse than what was signed.

Signed once for an action, a destination, a policy, rules, the schema of every table, a workflow and a token; and for
measured figures: rows, residual findings, cells of another shape, kinds of identifier in a column, smallest groups.
Whatever is another thing, or worse in any of these, asks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.canonical import digest
from maskgate.gate.governed import GOVERNED_ACTIONS
from maskgate.gate.model import destination_digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from maskgate.gate.model import MeasuredTable, Sealed
    from maskgate.gate.request import Request

FORMAT = "maskgate-standing/1"
_COUNTS = {"residual_findings": "direct identifiers", "shape_violations": "cells of another shape"}
_KEY = ("action", "destination", "policy", "rules_digest", "schemas", "workflow", "token", "source")


def standing_intent(request: Request) -> dict[str, Any] | None:
    """Return what somebody would sign for later exports of this kind; None where the policy has no such thing."""
    terms, sealed, place = request.terms.standing, request.sealed, request.destination
    if terms is None or sealed is None or place is None or request.tier == "high":
        return None
    if request.action in GOVERNED_ACTIONS:
        return None
    return {
        "format": FORMAT,
        "request": request.id,
        **_kind_of(request, sealed),
        "figures": {table.name: _figures(table, terms.growth) for table in sealed.tables},
        "days": terms.days,
        "uses": terms.uses,
    }


def standing_digest(intent: Mapping[str, Any]) -> str:
    """Hash what is signed beside the request."""
    return digest("standing", intent)


def standing_key(request: Request) -> str | None:
    """Hash the kind of export that a request is; None if there is nothing measured."""
    return None if request.sealed is None else digest("standing-key", _kind_of(request, request.sealed))


def key_of(intent: Mapping[str, Any]) -> str:
    """Hash the kind of export that was signed."""
    return digest("standing-key", {name: intent[name] for name in _KEY if name in intent})


def what_is_worse(intent: Mapping[str, Any], sealed: Sealed) -> Iterator[str]:
    """Go through what is worse in an export than in the one that was signed."""
    for table in sealed.tables:
        signed, now = intent["figures"][table.name], _figures(table, 0)
        if now["rows_at_most"] > signed["rows_at_most"]:
            yield f"table {table.name} has {table.rows} rows, and {signed['rows_at_most']} were signed"
        for name, words in _COUNTS.items():
            if now[name] > signed[name]:
                yield f"table {table.name} has {now[name]} {words}, and {signed[name]} were signed"
        for column, classes in now["classes"].items():
            if more := sorted(set(classes) - set(signed["classes"].get(column, ()))):
                yield f"column {column} of table {table.name} looks like {', '.join(more)} now"
        yield from _smaller_groups(table.name, signed["groups"], now["groups"])


def _smaller_groups(table: str, signed: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for over, smallest in now.items():
        least = signed.get(over)
        if least is None or (smallest is not None and smallest < least):
            yield f"table {table} has groups of {smallest} over {over}, and {least} was signed"


def _kind_of(request: Request, sealed: Sealed) -> dict[str, Any]:
    place, run = request.destination, request.host
    return {
        "action": request.action,
        "destination": None if place is None else {"id": place.id, "digest": destination_digest(place)},
        "policy": {"name": request.policy_name, "digest": request.policy_digest},
        "rules_digest": sealed.rules_digest,
        "schemas": {table.name: [list(column) for column in table.schema] for table in sealed.tables},
        "workflow": None if run is None else f"{run.host}|{request.workflow}",
        "token": request.token,
        # Only where the releaser masks, so that what was signed before stays what it is.
        **({} if (source := _source(request)) is None else {"source": source}),
    }


def _source(request: Request) -> str | None:
    """Return the digest of the source that the releaser masked; None where a pipeline masked."""
    masking: Mapping[str, Any] = request.evidence.get("measured", {}).get("masking") or {}
    return masking.get("source_digest")


def _figures(table: MeasuredTable, growth: int) -> dict[str, Any]:
    return {
        "rows_at_most": table.rows + table.rows * growth // 100,
        "residual_findings": sum(column.residual_findings for column in table.columns),
        "shape_violations": sum(column.shape_violations or 0 for column in table.columns),
        "classes": {column.name: sorted(column.classes) for column in table.columns if column.classes},
        "groups": {", ".join(each.present): each.smallest for each in table.groups},
    }
