"""What the review page shows of an action that releases no staged files: resource, arguments, handler, outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.gate.call_text import LEVEL_WORDS, call_lines, masking_lines
from maskgate.gate.lookalikes import lookalikes
from maskgate.notify.plain_text import plain
from maskgate.server.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST = 100_000


def call_view(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what is asked for; None if it is a release of staged files, or a change of the gate."""
    call = document.get("call")
    if not call:
        return None
    dry_run = call.get("dry_run")
    return {
        "resource": plain(document.get("resource") or "", longest=_LONGEST),
        "lookalikes": lookalikes(str(document.get("resource") or "")),
        "level": LEVEL_WORDS.get(str(document.get("level")), plain(document.get("level"))),
        "arguments": [_fact(line) for line in call_lines(call["arguments"])],
        "handler": [_fact(line) for line in call_lines(call.get("handler") or {})],
        "dry_run": None if dry_run is None else [plain(line, longest=2000) for line in dry_run],
    }


def masking_view(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the releaser masked itself; None if a pipeline did, or nothing was masked."""
    masking = ((document.get("evidence") or {}).get("measured") or {}).get("masking")
    if not masking:
        return None
    return {
        "level": LEVEL_WORDS["mask"],
        "lines": [plain(line, longest=1000) for line in masking_lines(masking)],
        "rules": plain(masking["rules_digest"]),
    }


def outcome_view(receipt: Mapping[str, Any], at: str) -> dict[str, Any]:
    """Return how an action ended, by its receipt."""
    return {
        "title": "Carried out" if receipt.get("succeeded") else "Carried out, without success",
        "at": at,
        "facts": list(_outcome(receipt)),
    }


def _outcome(receipt: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    if receipt.get("exit_code") is not None:
        yield {"name": "It answered", "value": str(receipt["exit_code"])}
    if receipt.get("output_digest"):
        size = counted(int(receipt.get("output_bytes") or 0), "byte")
        yield {"name": f"Output, {size}", "value": plain(receipt["output_digest"])}
    yield {"name": "Grant", "value": plain(receipt.get("grant", ""))}


def _fact(line: str) -> dict[str, str]:
    name, _, value = line.partition(": ")
    return {"name": plain(name, longest=500), "value": plain(value, longest=_LONGEST, lines=True)}
