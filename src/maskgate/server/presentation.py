"""What the review page and the inbox show of a request.

* The layout is fixed. Facts are the gate's; what the requester wrote stands in one box that says so.
* Measured and declared figures never stand in one table.
* Everything is plain text here, without control or direction characters; the templates escape it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from maskgate.gate.table_notes import table_notes
from maskgate.methods import ReversibleBy
from maskgate.notify.plain_text import plain
from maskgate.server.call_presentation import call_view, masking_view, outcome_view
from maskgate.server.identity_words import how_decided, proof_facts
from maskgate.server.people_words import break_glass_words, decided_as, earlier_rows, involvement_facts
from maskgate.server.wording import (
    counted,
    method_words,
    size_words,
    state_name,
    state_tone,
    trust_tone,
    when,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

Document = dict[str, Any]
_LONGEST_TEXT = 4000
_LONGEST_IN_A_LINE = 500
_UNSIGNED = frozenset({"sealing", "refused", "denied", "expired", "withdrawn"})


def inbox_row(document: Document, now: datetime) -> dict[str, Any]:
    """Return one line of the inbox."""
    tables = _tables(document)
    rows = sum(int(table.get("rows", 0)) for table in tables.values())
    run = _run(document)
    parts = [
        f"asked by {_requester(document)['person']}",
        f"{counted(len(tables), 'table')}, {counted(rows, 'row')}" if tables else "",
        run["title"] if run else "",
        document["id"],
    ]
    settled, expires = document.get("settled_at"), document.get("expires_at")
    time = (
        when(settled or document.get("created_at"), now) if settled or not expires else f"runs out {when(expires, now)}"
    )
    return {
        "id": document["id"],
        "headline": headline(document),
        "meta": " · ".join(plain(part) for part in parts if part),
        "state": state_name(document["state"]),
        "tone": state_tone(document["state"]),
        "time": time,
    }


def batch_row(document: Document, now: datetime) -> dict[str, Any]:
    """Return one line of several that are decided together: what tells it from the others, and what was said of it."""
    call = call_view(document)
    about = ", ".join(plain(name) for name in _tables(document)) if call is None else call["resource"]
    arguments = [] if call is None else [f"{each['name']}: {each['value']}" for each in call["arguments"]]
    return {
        **inbox_row(document, now),
        "about": about,
        "arguments": plain("; ".join(arguments), longest=_LONGEST_IN_A_LINE),
        "why": plain(document.get("why") or "", longest=_LONGEST_IN_A_LINE),
        "earlier": list(earlier_rows(document, now)),
    }


def headline(document: Document) -> str:
    """Say in a few words what is asked for."""
    if document.get("resource"):
        return f"{_verb(document)}: {plain(document['resource'], longest=300)}"
    return common_headline(document)


def common_headline(document: Document) -> str:
    """Say what requests of one action and destination have in common."""
    destination = document.get("destination")
    return f"{_verb(document)} to {plain(destination['id'])}" if destination else _verb(document)


def _verb(document: Document) -> str:
    return plain(document.get("action", "")).replace("-", " ").capitalize()


def review(document: Document, now: datetime) -> dict[str, Any]:
    """Return everything on the review page but the sample and the form."""
    state = document["state"]
    progress = document.get("progress") or {}
    return {
        "id": document["id"],
        "headline": headline(document),
        "state": state_name(state),
        "tone": state_tone(state),
        "message": plain(document.get("message", ""), longest=_LONGEST_TEXT),
        "figures": _figures(document),
        "progress": progress if state in {"sealing", "releasing"} and progress.get("total") else None,
        "progress_of": "Reading and measuring the staged files" if state == "sealing" else "Copying to the destination",
        "destination": _destination(document),
        "requester": _requester(document),
        "involved": ", ".join(plain(person) for person in document.get("involved") or []),
        "run": _run(document),
        "created": when(document.get("created_at"), now),
        "expires": None if document.get("settled_at") else when(document.get("expires_at"), now),
        "settled": when(document.get("settled_at"), now),
        "why": plain(document.get("why") or "", longest=_LONGEST_TEXT, lines=True),
        "content_digest": document.get("content_digest"),
        "digest_of": "Content digest" if document.get("staging") else "Digest of the call",
        "intent_digest": document.get("intent_digest"),
        "context_digest": document.get("context_digest"),
        "tables": list(_table_views(document)),
        "call": call_view(document),
        "masking": masking_view(document),
        "changes": list(_changes(document)),
        "declared": list(_declared(document)),
        "history": list(_history(document, now)),
        "earlier": list(earlier_rows(document, now)),
        "break_glass": break_glass_words(document),
        "slots": list(_slots(document)),
        "policy": _policy(document),
        "receipt": _receipt(document, now),
        "signed": _what_is_signed(document),
    }


def sample_views(sample: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a few masked rows of each table, as the page shows them."""
    return [
        {
            "name": plain(name),
            "columns": [plain(column) for column in table.columns],
            "rows": [[None if cell is None else plain(cell) for cell in row] for row in table.rows],
        }
        for name, table in sample.items()
        if table.rows
    ]


def _tables(document: Document) -> dict[str, Any]:
    measured = (document.get("evidence") or {}).get("measured") or {}
    return dict(measured.get("tables") or {})


def _figures(document: Document) -> list[dict[str, str]]:
    tables = _tables(document)
    if not tables:
        return []
    measured = document["evidence"]["measured"]
    rows = sum(int(table["rows"]) for table in tables.values())
    columns = sum(len(table["columns"]) for table in tables.values())
    return [
        {"value": f"{len(tables):,}", "name": "table" if len(tables) == 1 else "tables"},
        {"value": f"{rows:,}", "name": "row" if rows == 1 else "rows"},
        {"value": f"{columns:,}", "name": "column" if columns == 1 else "columns"},
        {"value": size_words(int(measured.get("bytes", 0))), "name": counted(int(measured.get("files", 0)), "file")},
    ]


def _destination(document: Document) -> dict[str, str] | None:
    given = document.get("destination")
    if not given:
        return None
    return {
        "id": plain(given.get("id", "")),
        "uri": readable_uri(str(given.get("uri", ""))),
        "trust": plain(given.get("trust", "")),
        "tone": trust_tone(str(given.get("trust", ""))),
        "mode": {"new_version": "a new version each time"}.get(str(given.get("mode")), plain(given.get("mode", ""))),
    }


def readable_uri(uri: str) -> str:
    """Write an address so that letters which only look like others give themselves away.

    Example:
        >>> readable_uri("s3://p\u0430rtner/x")
        's3://xn--prtner-3nf/x'
    """
    text = plain(uri, longest=_LONGEST_TEXT)
    host = urlsplit(text).netloc
    if not host or host.isascii():
        return text
    try:
        return text.replace(host, host.encode("idna").decode("ascii"), 1)
    except UnicodeError:
        return ascii(text)[1:-1]


def _requester(document: Document) -> dict[str, str]:
    given = document.get("requester") or {}
    return {
        "person": plain(given.get("person") or _nobody_known(document)),
        "account": plain(given.get("account") or ""),
        "agent": "through an AI agent" if document.get("agent") else "",
    }


def _is_change(document: Document) -> bool:
    """Whether it is a change of the gate itself."""
    return document.get("level") is None and bool(document.get("subject"))


def _nobody_known(document: Document) -> str:
    if document.get("host"):
        return "nobody known: the run was not started by a person"
    return "nobody known: a file changed" if _is_change(document) else "nobody known: the token has no owner"


def _what_is_signed(document: Document) -> str:
    if _is_change(document):
        return "You sign this change of the gate, as it is shown. It comes into force with the last signature."
    if document.get("resource"):
        return "You sign this call with these arguments, once. Any other is refused."
    return "You sign these bytes, for this destination, once. Anything changed afterwards is refused."


def _run(document: Document) -> dict[str, str] | None:
    host = document.get("host")
    if not host:
        return None
    instance = f"{plain(host.get('kind', ''))}:{plain(host.get('instance', ''))}"
    if host.get("kind") == "prefect":
        return {"title": f"flow run of {instance}", "detail": plain(host.get("flow_run_id", ""))}
    detail = f"{instance} · run {plain(host.get('run_id', ''), longest=300)} · task {plain(host.get('task_id', ''))}"
    if int(host.get("map_index", -1)) >= 0:
        detail += f" [{host['map_index']}]"
    return {"title": f"DAG {plain(host.get('dag_id', ''))}", "detail": detail}


def _table_views(document: Document) -> Iterator[dict[str, Any]]:
    dropped = _dropped(document)
    for name, table in _tables(document).items():
        columns = [_column_view(document, name, column, facts) for column, facts in table["columns"].items()]
        yield {
            "name": plain(name),
            "rows": f"{int(table['rows']):,}",
            "columns": columns,
            "dropped": ", ".join(plain(column) for column in dropped.get(name, ())),
            "notes": [plain(note, longest=1000) for note in table_notes(table)],
        }


def _column_view(document: Document, table: str, name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    violations, methods = facts.get("shape_violations"), facts.get("methods", ())
    findings = int(facts.get("residual_findings") or 0)
    if violations:
        tone, check = "bad", f"{counted(int(violations), 'cell')} of another shape"
    elif findings:
        tone, check = "bad", f"{counted(findings, 'cell')} like a direct identifier"
    elif not methods or violations is None:
        tone, check = "wait", "not covered"
    elif any("." in method for method in methods):
        tone, check = "wait", "not checked: a plugin's method"
    elif list(methods) == ["keep"]:
        tone, check = "", "nothing to check"
    else:
        tone, check = "good", "shape holds"
    lineage = _lineage(document).get((table, name), {})
    return {
        "name": plain(name),
        "classes": [plain(kind).replace("_", " ") for kind in facts.get("classes", ())],
        "type": plain(facts.get("type", "")),
        "nulls": f"{int(facts.get('nulls', 0)):,}",
        "method": plain(" or ".join(methods)),
        "done": method_words([plain(method) for method in methods]),
        "detail": _method_detail(lineage, facts),
        "tone": tone,
        "check": check,
    }


def _method_detail(lineage: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    parts = []
    if lineage.get("domain"):
        parts.append(f"domain {plain(lineage['domain'])}")
    if lineage.get("key"):
        parts.append(f"key {plain(lineage['key'])}")
    if facts.get("reversible_by") == ReversibleBy.KEY_HOLDER.value:
        parts.append("whoever holds the key can reverse it")
    return ", ".join(parts)


def _lineage_columns(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    tables = (document.get("lineage") or {}).get("tables") or []
    pairs = tables.items() if isinstance(tables, dict) else ((table.get("table", ""), table) for table in tables)
    for name, table in pairs:
        for column in table.get("columns", ()):
            yield name, column


def _lineage(document: Document) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(table, str(column.get("output"))): column for table, column in _lineage_columns(document)}


def _dropped(document: Document) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, column in _lineage_columns(document):
        if column.get("output") is None:
            found.setdefault(table, []).append(str(column.get("input")))
    return found


def _changes(document: Document) -> Iterator[dict[str, str]]:
    for line in (document.get("evidence") or {}).get("changes") or ():
        yield {"text": plain(line, longest=500), "tone": {"+": "good", "-": "bad"}.get(str(line)[:1], "")}


def _declared(document: Document) -> Iterator[dict[str, str]]:
    declared = (document.get("evidence") or {}).get("declared") or {}
    for name, version in (declared.get("keys") or {}).items():
        yield {"name": "Key", "value": f"{plain(name)}, version {plain(version)}"}
    for name, table in (declared.get("tables") or {}).items():
        columns = table.get("columns") or {}
        methods = "; ".join(f"{plain(column)}: {plain(each.get('method', ''))}" for column, each in columns.items())
        yield {"name": f"Table {plain(name)}", "value": f"{counted(int(table.get('rows', 0)), 'row')}. {methods}"}


def _slots(document: Document) -> Iterator[dict[str, str]]:
    requirement, state = document.get("requirement") or {}, document["state"]
    missing = dict(requirement.get("missing") or {})
    slots = dict(requirement.get("slots") or {})
    for name, count in [*slots.items(), *((name, missing[name]) for name in missing if name not in slots)]:
        have = int(count) - int(missing.get(name, 0))
        if state in _UNSIGNED:
            yield {"name": plain(name), "tone": "", "text": f"{count} needed"}
        else:
            tone = "good" if have >= int(count) else "wait"
            yield {"name": plain(name), "tone": tone, "text": f"{have} of {count} signed"}


def _policy(document: Document) -> dict[str, Any]:
    given, requirement = document.get("policy") or {}, document.get("requirement") or {}
    facts = [
        {"name": "It counts because", "value": plain(reason, longest=500)} for reason in given.get("because") or ()
    ]
    if given.get("tier", "medium") != "medium":
        facts.append({"name": "Tier", "value": plain(given["tier"])})
    if int(requirement.get("distinct") or 0) > 1:
        facts.append({"name": "Different people", "value": str(requirement["distinct"])})
    if document.get("channels"):
        facts.append({"name": "Decided through", "value": ", ".join(plain(each) for each in document["channels"])})
    facts += [*proof_facts(document), *involvement_facts(document)]
    if given.get("digest"):
        facts.append({"name": "Policy digest", "value": plain(given["digest"])})
    return {"name": plain(given.get("name") or "no policy matched"), "facts": facts}


def _history(document: Document, now: datetime) -> Iterator[dict[str, str]]:
    events = [
        (
            each.get("decided_at") or "",
            "good" if each["verdict"] == "approve" else "bad",
            _decision_words(each),
            plain(each.get("reason") or "", longest=_LONGEST_TEXT, lines=True),
        )
        for each in document.get("decisions") or []
    ]
    events += [
        (each.get("at") or "", "bad", plain(each["message"], longest=_LONGEST_TEXT), "")
        for each in document.get("refusals") or []
    ]
    for at, tone, text, quote in sorted(events):
        yield {"time": when(at, now), "tone": tone, "text": text, "quote": quote}


def _decision_words(decision: Mapping[str, Any]) -> str:
    verb = "approved" if decision["verdict"] == "approve" else "denied"
    words = f"{plain(decision['person'])} {verb} through {plain(decision.get('channel', ''))}"
    return f"{words}{decided_as(decision)}{how_decided(decision)}"


def _receipt(document: Document, now: datetime) -> dict[str, Any] | None:
    given = document.get("receipt")
    if not given:
        return None
    if "location" not in given:
        return outcome_view(given, when(given.get("released_at"), now))
    return {
        "title": "Released",
        "facts": [],
        "location": readable_uri(str(given.get("location", ""))),
        "size": f"{counted(len(given.get('files', ())), 'file')}, {size_words(int(given.get('bytes', 0)))}",
        "at": when(given.get("released_at"), now),
    }
