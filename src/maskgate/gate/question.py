"""What the host shows the reviewer. The gate renders it, and later compares what the host stored, byte for byte.

* It stays the same for the whole life of a request: progress and refusals go elsewhere.
* Who, what, where and with which trust stand on top, in the gate's words; what the requester wrote is boxed and named
  as such.
* It holds names, counts and methods; no value of the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.gate.call_text import LEVEL_WORDS, call_lines, decided_before, masking_lines
from maskgate.gate.lookalikes import lookalikes
from maskgate.gate.markdown import escaped, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from maskgate.gate.host import HostAnswer

APPROVE = "Approve"
REJECT = "Reject"
REASON = "reason"
_LONGEST_REASON = 2000
_MOST_COLUMNS = 300
_MOST_LINES = 50


def render_question(context: Mapping[str, Any], context_digest: str) -> dict[str, Any]:
    """Write the question for a request.

    Args:
        context: All that is shown, as ``intent.py`` made it.
        context_digest: The digest of it, which stands at the end of the body.

    Returns:
        ``subject``, ``body`` (Markdown), ``options`` and ``params``, as the REST API gives them to the host.
    """
    place = context["destination"]
    where = "" if place is None else f" to {place['id']} ({place['trust']})"
    needed = context["policy"]["reason_min_length"]
    hint = f"At least {needed} characters." if needed else "Say why."
    return {
        "subject": visible(f"Maskgate: {context['action']}{where}, request {context['request']}", 200),
        "body": "\n".join(_body(context, context_digest)),
        "options": [APPROVE, REJECT],
        "params": {
            REASON: {
                "value": None,
                "description": f"Your reason; it is recorded. {hint}",
                "schema": {"type": ["null", "string"], "title": "Reason", "maxLength": _LONGEST_REASON},
            }
        },
    }


def _body(context: Mapping[str, Any], context_digest: str) -> Iterator[str]:
    yield from _head(context)
    yield from _why(context)
    yield from _call(context)
    yield from _changes(context)
    yield from _tables(context)
    yield from _earlier(context)
    yield from _foot(context, context_digest)


def difference(question: Mapping[str, Any], answer: HostAnswer) -> str | None:
    """Say what in the host's record is not the question that the gate rendered; None if all of it is."""
    stored = {
        "heading": answer.subject == question["subject"],
        "text": answer.body == question["body"],
        "buttons": list(answer.options) == question["options"],
        "form": dict(answer.params) == question["params"],
        "default": not answer.defaults,
        "choice": not answer.multiple,
    }
    wrong = [name for name, is_same in stored.items() if not is_same]
    return ", ".join(wrong) or None


def _head(context: Mapping[str, Any]) -> Iterator[str]:
    place, run = context["destination"], context["host"]
    requester = context["requester"]["person"]
    yield "| | |"
    yield "|---|---|"
    yield f"| **What** | {escaped(context['action'])} |"
    if place is not None:
        where = f"{escaped(place['id'])}, trust **{escaped(place['trust'])}**, {escaped(place['uri'], 500)}"
        yield f"| **Where** | {where} |"
    if context.get("masking") is not None:
        yield f"| **Masked from** | {escaped('; '.join(masking_lines(context['masking'])), 500)} |"
        yield f"| **Masked and carried out** | {escaped(LEVEL_WORDS[context['level']], 300)} |"
    if context["resource"] is not None:
        yield f"| **On** | {escaped(context['resource'], 400)} |"
        if unlike := lookalikes(context["resource"]):
            yield f"| **Look closely** | {escaped('; '.join(unlike), 500)} |"
        yield f"| **Carried out** | {escaped(LEVEL_WORDS[context['level']], 300)} |"
    if context["subject"] is not None:
        yield f"| **Of** | {escaped(context['subject'])} |"
    yield f"| **Who asks** | {escaped(requester) if requester else 'nobody known; two people have to sign'} |"
    yield f"| **May not sign** | {', '.join(escaped(person) for person in context['involved']) or 'nobody is known'} |"
    if run is not None:
        # A task that is not mapped has the index -1, which says nothing to a person.
        yield f"| **Run** | {' · '.join(escaped(str(value), 300) for value in run.values() if value != -1)} |"
    yield ""


def _why(context: Mapping[str, Any]) -> Iterator[str]:
    if context["why"]:
        yield "Written by the requester, not checked by anyone:"
        yield ""
        yield f"> {escaped(context['why'], 1000)}"
        yield ""


def _call(context: Mapping[str, Any]) -> Iterator[str]:
    call = context["call"]
    if call is None:
        return
    lines = call_lines(call["arguments"])
    yield "With these arguments, of which secrets and personal data are hidden:" if lines else "Without arguments."
    yield ""
    for line in lines[:_MOST_LINES]:
        yield f"- {escaped(line, 500)}"
    if len(lines) > _MOST_LINES:
        yield f"- … and {len(lines) - _MOST_LINES} more, on the review page."
    yield ""
    if call["dry_run"] is not None:
        yield "What it would do, by a dry run of the handler:"
        yield ""
        for line in call["dry_run"][:_MOST_LINES]:
            yield f"- {escaped(line, 500)}"
        yield ""


def _changes(context: Mapping[str, Any]) -> Iterator[str]:
    if context["changes"]:
        yield "What would change, line by line:"
        yield ""
        for line in context["changes"]:
            yield f"- {escaped(line, 300)}"
        yield ""


def _tables(context: Mapping[str, Any]) -> Iterator[str]:
    for table in context["tables"]:
        yield f"**{escaped(table['name'])}**: {table['rows']:,} rows, counted by the gate"
        yield ""
        yield "| column | type | what was done | looks like |"
        yield "|---|---|---|---|"
        for column in table["columns"][:_MOST_COLUMNS]:
            looks = ", ".join(escaped(each) for each in column["classes"])
            done = escaped(column["done"], 300)
            yield f"| {escaped(column['name'])} | {escaped(column['type'])} | {done} | {looks} |"
        beyond = len(table["columns"]) - _MOST_COLUMNS
        if beyond > 0:
            yield ""
            yield f"… and {beyond} more columns, on the review page."
        yield ""
        for note in table["notes"]:
            yield f"- {escaped(note, 1000)}"
        if table["notes"]:
            yield ""


def _earlier(context: Mapping[str, Any]) -> Iterator[str]:
    if context["earlier"]:
        yield "Decided before about the same content:"
        yield ""
        for each in context["earlier"]:
            yield f"- {escaped(decided_before(each), 500)}"
        yield ""


def _foot(context: Mapping[str, Any], context_digest: str) -> Iterator[str]:
    policy = context["policy"]
    slots = ", ".join(f"{count} of {escaped(name)}" for name, count in policy["requirement"]["slots"].items())
    yield f"Policy **{escaped(policy['name'])}** asks for {slots}. Open until {context['expires_at']}."
    yield ""
    for reason in policy["because"]:
        yield f"- It counts because {escaped(reason, 300)}"
    if policy["because"]:
        yield ""
    yield f"Review page: {context['url']}"
    yield ""
    yield f"`{context['request']}` · `{context_digest}`"
