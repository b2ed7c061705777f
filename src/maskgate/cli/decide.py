"""``maskgate approve`` and ``maskgate deny``: a person decides, after logging in with a browser."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from maskgate.cli.documents import show, what_of
from maskgate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ID = click.argument("request_id", metavar="ID")
_YES = click.option("--yes", is_flag=True, help="Do not ask once more.")
_NO_BROWSER = click.option("--no-browser", is_flag=True, help="Print the address to log in at; open nothing.")
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (_AS_JSON, _NO_BROWSER, _YES, _ID):
        command = option(command)
    return command


@click.command(name="approve")
@click.option("--reason", required=True, help="Why. It is recorded, with your name.")
@_options
def approve(request_id: str, reason: str, *, yes: bool, no_browser: bool, as_json: bool) -> None:
    """Sign request ID as yourself: a browser opens for you to log in.

    Needs MASKGATE_URL. You are shown what you sign, and asked once more.
    """
    _decide(request_id, "approve", reason, asks=not yes, opens_browser=not no_browser, as_json=as_json)


@click.command(name="deny")
@click.option("--reason", default="", help="Why. It is recorded, with your name.")
@_options
def deny(request_id: str, reason: str, *, yes: bool, no_browser: bool, as_json: bool) -> None:
    """Deny request ID as yourself: a browser opens for you to log in. Needs MASKGATE_URL."""
    _decide(request_id, "deny", reason, asks=not yes, opens_browser=not no_browser, as_json=as_json)


def _decide(request_id: str, verdict: str, reason: str, *, asks: bool, opens_browser: bool, as_json: bool) -> None:
    from maskgate.cli.person import Person  # noqa: PLC0415  `maskgate --help` needs no web server

    if asks and not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked once more. Decide at the page, or add --yes")
    with Person.log_in(opens_browser=opens_browser) as person:
        document = person.request(request_id)
        for line in _summary(document):
            click.echo(line, err=True)
        if asks and not click.confirm(f"{verdict.capitalize()} this as {person.account}?", err=True):
            raise click.Abort
        show(person.decide(document, verdict, reason), as_json=as_json)


def _summary(document: dict[str, Any]) -> Iterator[str]:
    requester = (document.get("requester") or {}).get("person") or "nobody known"
    yield f"{document['id']}: {what_of(document)}, asked by {requester}"
    if document.get("why"):
        yield f"  written by the requester: {document['why']}"
    for name, table in ((document.get("evidence") or {}).get("measured") or {}).get("tables", {}).items():
        yield f"  table {name}: {table['rows']} rows, {len(table['columns'])} columns"
    call = document.get("call")
    if call:
        from maskgate.gate.call_text import LEVEL_WORDS, call_lines  # noqa: PLC0415  likewise

        yield from (f"  {line}" for line in call_lines(call["arguments"]))
        yield from (f"  would do: {line}" for line in call.get("dry_run") or ())
        yield f"  carried out {LEVEL_WORDS[document['level']]}"
    yield f"  signed is {document['intent_digest']}"
