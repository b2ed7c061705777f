"""What was masked, signed and released, mirrored to Prefect: artifacts and events. Names and counts, never values.

The mirror is display, for people who look there. Prefect forgets events after days, and whoever reaches its server can
write them; the gate's ledger is the evidence. A mirror that breaks is a warning and stops nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from maskgate.gate.markdown import escaped
from prefect_maskgate.host_version import (
    PrefectException,
    create_markdown_artifact,
    create_table_artifact,
    emit_event,
    get_run_logger,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from maskgate.gate.masked_staging import Staged

MASKED, REQUEST, RELEASED = "maskgate-masked", "maskgate-request", "maskgate-released"


def mirror_masking(staged: Staged) -> None:
    """Show what was done to each column: a table artifact and the event ``maskgate.masked``."""
    with _display_only():
        create_table_artifact(
            table=_columns(staged.lineage),
            key=MASKED,
            description=f"Masked tables, staged at the gate as `{escaped(staged.staging)}`",
            _sync=True,  # also where an async flow calls: these functions wait for what they do
        )
        _emit("maskgate.masked", f"staging.{staged.staging}", {**staged.as_reference(), "lineage": staged.lineage})


def mirror_request(document: Mapping[str, Any]) -> None:
    """Show where to sign: a Markdown artifact and the event ``maskgate.requested``."""
    with _display_only():
        _show_request(document)
        _emit("maskgate.requested", f"request.{document['id']}", _about(document))


def mirror_decision(document: Mapping[str, Any]) -> None:
    """Show how a request was settled: the same artifact again, and the event ``maskgate.decided``."""
    with _display_only():
        _show_request(document)
        _emit("maskgate.decided", f"request.{document['id']}", _about(document))


def mirror_release(document: Mapping[str, Any]) -> None:
    """Show the receipt, the signatures and the lineage: an artifact and the event ``maskgate.released``."""
    with _display_only():
        receipt = document["receipt"]
        create_markdown_artifact(
            key=RELEASED,
            markdown="\n".join(
                [
                    *_receipt_lines(document, receipt),
                    *_decisions(document),
                    "",
                    *_file_lines(receipt),
                    *_column_lines(document.get("lineage") or {}),
                ]
            ),
            _sync=True,
        )
        details = {"receipt": receipt, "lineage": document.get("lineage")}
        _emit("maskgate.released", f"request.{document['id']}", {**_about(document), **details})


@contextmanager
def _display_only() -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, PrefectException) as error:
        get_run_logger().warning("Prefect did not take the mirror of Maskgate's lineage (%s)", type(error).__name__)


def _emit(event: str, resource: str, payload: dict[str, Any]) -> None:
    emit_event(
        event,
        resource={"prefect.resource.id": f"maskgate.{resource}", "prefect.resource.name": resource},
        payload=payload,
    )


def _about(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return ids and decisions. The reasons stay at the gate: people write what they like there."""
    decisions = [
        {name: decision.get(name) for name in ("person", "verdict", "channel", "decided_at")}
        for decision in document.get("decisions") or ()
    ]
    names = ("state", "action", "resource", "level", "staging", "url", "policy", "intent_digest", "content_digest")
    destination = (document.get("destination") or {}).get("id")
    told = {name: document.get(name) for name in names}
    return {"request": document["id"], "destination": destination, **told, "decisions": decisions}


def _show_request(document: Mapping[str, Any]) -> None:
    about = document.get("resource") or f"to {(document.get('destination') or {}).get('id') or 'nowhere'}"
    create_markdown_artifact(
        key=REQUEST,
        markdown="\n".join(
            [
                f"## {escaped(document['action'])} {escaped(about)}: {escaped(document['state'])}",
                f"[Review request {escaped(document['id'])} at the gate]({document['url']})",
                "",
                escaped(document["message"], 500),
                "",
                *_decisions(document),
            ]
        ),
        _sync=True,
    )


def _receipt_lines(document: Mapping[str, Any], receipt: Mapping[str, Any]) -> list[str]:
    if "location" in receipt:
        done, what = f"Released to {escaped(receipt['location'], 500)}", f", {receipt['bytes']} bytes"
    else:
        done, what = f"{escaped(receipt['action'])}: {escaped(receipt['resource'], 500)}", ""
    return [
        f"## {done}",
        f"- request [{escaped(document['id'])}]({document['url']})",
        f"- content `{receipt['content_digest']}`{what}, {receipt['released_at']}",
    ]


def _file_lines(receipt: Mapping[str, Any]) -> list[str]:
    files = [
        f"| {escaped(file['path'])} | {file['size']} | `{file['sha256']}` |" for file in receipt.get("files") or ()
    ]
    return ["| file | bytes | SHA-256 |", "| --- | ---: | --- |", *files, ""] if files else []


def _decisions(document: Mapping[str, Any]) -> list[str]:
    return [
        f"- {escaped(decision['person'])}: {escaped(decision['verdict'])}, on {escaped(decision['channel'])}, "
        f"{decision['decided_at']}"
        for decision in document.get("decisions") or ()
    ]


def _columns(lineage: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "table": table["table"],
            "column": column["input"],
            "method": column["method"],
            "becomes": column["output"] or "(dropped)",
            "domain": column["domain"] or "",
            "key": f"{column['key']}, version {column['key_version']}" if column["key"] else "",
        }
        for table in lineage.get("tables") or ()
        for column in table["columns"]
    ]


def _column_lines(lineage: Mapping[str, Any]) -> list[str]:
    rows = _columns(lineage)
    if not rows:
        return []
    names = list(rows[0])
    lines = ["| " + " | ".join(escaped(str(row[name])) for name in names) + " |" for row in rows]
    return ["| " + " | ".join(names) + " |", "| --- " * len(names) + "|", *lines]
