"""The page of what does not fit: hosts, destinations and the gate's own rows, compared. It only shows."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from maskgate.gate.reconciling import FINDINGS
from maskgate.notify.plain_text import plain
from maskgate.server.rendering import render, render_message
from maskgate.server.services import services_of
from maskgate.server.visiting import Looking  # noqa: TC001  FastAPI reads the annotations
from maskgate.server.wording import when

router = APIRouter(include_in_schema=False)


@router.api_route("/reconciliation", methods=["GET", "HEAD"])
def show_reconciliation(request: Request, visitor: Looking) -> Response:
    """Show what was found, what is interrupted, and what nobody can tell the outcome of."""
    services = services_of(request)
    person = services.gate.person_of(visitor.identity)
    if person is None:
        why = "Your account is linked to nobody in the policy, and this is for people of the policy."
        return render_message("Not for you", why, status=403, tone="bad", link=("/", "Requests"), visitor=visitor)
    found = services.gate.reconciliation(visitor.caller)
    now = services.clock.now()
    rows = [
        {
            "words": FINDINGS[each["kind"]],
            "request": each["request"],
            "found": when(each["found_at"], now),
            "facts": _facts(each),
        }
        for each in found["findings"]
    ]
    looked = found["looked_at"]
    return render(
        "reconciliation.html",
        visitor=visitor,
        person=person,
        here="reconciliation",
        rows=rows,
        looked="not yet" if looked is None else when(looked, now),
        interrupted=found["interrupted"],
        indeterminate=found["indeterminate"],
    )


def _facts(finding: dict[str, Any]) -> list[tuple[str, str]]:
    """List what a finding names, in words; names of hosts and folders are written by others."""
    beside = {"kind", "request", "found_at"}
    return [
        (name.replace("_", " "), plain(str(value), longest=500))
        for name, value in finding.items()
        if name not in beside and value is not None
    ]
