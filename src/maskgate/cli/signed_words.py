"""What somebody who decides at the command line is shown of a request, before they are asked once more.

Each thing has a line of its own, and nothing that others wrote can end it: what looks like another line would be one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.cli.documents import what_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST = 1000
_MOST_COLUMNS = 100


def signed_words(document: Mapping[str, Any]) -> list[str]:
    """Say what is asked for, by whom, what the gate measured, and what was decided before."""
    from maskgate.notify.plain_text import plain  # noqa: PLC0415  `maskgate --help` needs none of it

    parts = (_asked, _measured, _called, _changed, _decided_before)
    lines = (*(line for part in parts for line in part(document)), f"  signed is {document['intent_digest']}")
    return [plain(line.replace("\n", " ⏎ "), longest=_LONGEST) for line in lines]


def _asked(document: Mapping[str, Any]) -> Iterator[str]:
    requester = (document.get("requester") or {}).get("person") or "nobody known"
    agent = ", through an AI agent" if document.get("agent") else ""
    yield f"{document['id']}: {what_of(document)}, asked by {requester}{agent}"
    place = document.get("destination")
    if place:
        yield f"  to {place['id']}, trust {place['trust']}: {place['uri']}"
    if document.get("why"):
        yield f"  written by the requester: {document['why']}"


def _measured(document: Mapping[str, Any]) -> Iterator[str]:
    from maskgate.gate.table_notes import table_notes  # noqa: PLC0415  likewise

    for name, table in ((document.get("evidence") or {}).get("measured") or {}).get("tables", {}).items():
        yield f"  table {name}: {table['rows']:,} rows, {len(table['columns'])} columns"
        for column, facts in list(table["columns"].items())[:_MOST_COLUMNS]:
            looks = ", ".join(kind.replace("_", " ") for kind in facts.get("classes", ()))
            done = " or ".join(facts.get("methods", ())) or "no rule"
            yield f"    {column}: {done}{f', looks like {looks}' if looks else ''}"
        if (beyond := len(table["columns"]) - _MOST_COLUMNS) > 0:
            yield f"    and {beyond} more columns, on the review page"
        yield from (f"    {note}" for note in table_notes(table))


def _called(document: Mapping[str, Any]) -> Iterator[str]:
    call = document.get("call")
    if not call:
        return
    from maskgate.gate.call_text import LEVEL_WORDS, call_lines  # noqa: PLC0415  likewise
    from maskgate.gate.lookalikes import lookalikes  # noqa: PLC0415  likewise

    yield from (f"  look closely: {unlike}" for unlike in lookalikes(document["resource"]))
    yield from (f"  {line}" for line in call_lines(call["arguments"]))
    yield from (f"  would do: {line}" for line in call.get("dry_run") or ())
    yield f"  carried out {LEVEL_WORDS[document['level']]}"


def _changed(document: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"  | {line}" for line in (document.get("evidence") or {}).get("changes") or ())


def _decided_before(document: Mapping[str, Any]) -> Iterator[str]:
    from maskgate.gate.call_text import decided_before  # noqa: PLC0415  likewise

    yield from (f"  decided before: {decided_before(each)}" for each in document.get("earlier") or ())
