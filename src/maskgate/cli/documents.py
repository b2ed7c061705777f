"""What commands show of a request, and the exit code that its state means."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from maskgate.errors import UsageError
from maskgate.gate.how_it_ended import what_was_written

if TYPE_CHECKING:
    from collections.abc import Mapping

DONE, FAILED, REFUSED, PENDING = 0, 1, 3, 4
_CODES = {
    "sealing": PENDING,
    "pending": PENDING,
    "approved": DONE,
    "releasing": PENDING,
    "released": DONE,
    "failed": FAILED,
    "indeterminate": FAILED,
}


def exit_code_of(document: Mapping[str, Any]) -> int:
    """Return the exit code for where a request stands; what was refused, denied, withdrawn or ran out is 3."""
    return _CODES.get(str(document["state"]), REFUSED)


def show(document: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a request: the whole document for a program; for people, how it stands and where its page is."""
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    click.echo(f"{document['id']}  {document['state']}  {what_of(document)}")
    click.echo(f"{document['message']}{what_was_written(document)}", err=True)
    if document.get("note"):
        click.echo(f"Note: {document['note']}", err=True)
    click.echo(f"Its page: {document['url']}", err=True)


def what_of(document: Mapping[str, Any]) -> str:
    """Say in a few words what a request is about."""
    if document.get("resource"):
        return f"{document['action']} {document['resource']}"
    destination = (document.get("destination") or {}).get("id")
    return f"{document['action']} to {destination}" if destination else str(document["action"])


def progress(document: Mapping[str, Any]) -> None:
    """Tell people what is new."""
    click.echo(f"{document['id']} is {document['state']}: {document['message']}", err=True)


def read_arguments(text: str | None) -> dict[str, Any] | None:
    """Read the JSON object of an option; None if the option was not given.

    Raises:
        UsageError: If it is no JSON object.
    """
    if text is None:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise UsageError("--arguments takes a JSON object, such as '{\"bits\": 256}'")
    return value
