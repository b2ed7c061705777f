"""``maskgate requests``: what waits, and what became of the rest, as the gate tells it."""

from __future__ import annotations

import json
from typing import Any

import click

from maskgate.cli.documents import what_of
from maskgate.gate.client import GateClient


@click.command(name="requests")
@click.option("--state", help="Only requests in this state, such as pending.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def requests(state: str | None, *, as_json: bool) -> None:
    """List the requests that your token may see.

    Needs MASKGATE_URL and MASKGATE_TOKEN.
    """
    with GateClient.from_environment() as client:
        found = client.requests(state)
    if as_json:
        click.echo(json.dumps({"requests": found}, ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo("There are no requests." if state is None else f"No request is {state}.", err=True)
    for document in found:
        click.echo(_line(document))


def _line(document: dict[str, Any]) -> str:
    requester = (document.get("requester") or {}).get("person") or "-"
    return (
        f"{document['id']}  {document['state']:<10}  {what_of(document):<28}  {requester:<16}  {document['created_at']}"
    )
