"""How the gate is: for load balancers and for Prometheus. Counts only."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from maskgate.server.services import services_of

router = APIRouter(tags=["status"])

_HELP = {
    "maskgate_requests": ("gauge", "Requests by state."),
    "maskgate_decisions_total": ("counter", "Decisions by verdict."),
    "maskgate_releases_total": ("counter", "Releases completed."),
    "maskgate_refusals_total": ("counter", "Refusals in the ledger, by type of entry."),
    "maskgate_ledger_entries": ("gauge", "Entries of the ledger."),
}


@router.get("/healthz")
def healthz(request: Request) -> dict[str, Any]:
    """Say that the gate and its database answer, and which key it signs with."""
    return {"status": "ok", "fingerprint": services_of(request).gate.fingerprint}


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> PlainTextResponse:
    """Say how many of what there are, as Prometheus reads it."""
    return PlainTextResponse(
        exposition(services_of(request).gate.counts()), media_type="text/plain; version=0.0.4; charset=utf-8"
    )


def exposition(counts: dict[str, dict[str, int]]) -> str:
    """Write counts in the text format of Prometheus.

    Args:
        counts: ``requests`` by state, ``entries`` of the ledger by type.

    Example:
        >>> print(exposition({"requests": {"pending": 2}, "entries": {"decision.approve": 1}}).splitlines()[2])
        maskgate_requests{state="pending"} 2
    """
    entries = counts["entries"]
    refusals = {name: count for name, count in entries.items() if name.endswith(".refused")}
    samples = {
        "maskgate_requests": [(f'{{state="{state}"}}', count) for state, count in counts["requests"].items()],
        "maskgate_decisions_total": [
            (f'{{verdict="{verdict}"}}', entries.get(f"decision.{verdict}", 0)) for verdict in ("approve", "deny")
        ],
        "maskgate_releases_total": [("", entries.get("release.completed", 0))],
        "maskgate_refusals_total": [(f'{{type="{name}"}}', count) for name, count in refusals.items()],
        "maskgate_ledger_entries": [("", sum(entries.values()))],
    }
    lines = []
    for name, (kind, text) in _HELP.items():
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
        lines += [f"{name}{labels} {count}" for labels, count in samples[name]]
    return "\n".join(lines) + "\n"
