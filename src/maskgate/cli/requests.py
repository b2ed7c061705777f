"""``maskgate requests``: what waits, and what became of the rest, as the gate tells it."""

from __future__ import annotations

import json
from typing import Any

import click

from maskgate.cli.documents import what_of
from maskgate.errors import UsageError
from maskgate.gate.client import GateClient


@click.command(name="requests")
@click.option("--state", help="Only requests in this state, such as pending.")
@click.option("--reconcile", is_flag=True, help="Show what does not fit between hosts, destinations and the gate.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def requests(state: str | None, *, reconcile: bool, as_json: bool) -> None:
    """List the requests that your token may see.

    Needs MASKGATE_URL and MASKGATE_TOKEN. With --reconcile, and a token of the role auditor: successes that a host
    shows and nothing explains, versions at a destination that no release explains, and releases of which nobody can
    tell the outcome.
    """
    if reconcile and state is not None:
        raise UsageError("--reconcile looks at requests of every state. Leave --state out.")
    with GateClient.from_environment() as client:
        if reconcile:
            _show_reconciliation(client.reconciliation(), as_json=as_json)
            return
        found = client.requests(state)
    if as_json:
        click.echo(json.dumps({"requests": found}, ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo("There are no requests." if state is None else f"No request is {state}.", err=True)
    for document in found:
        click.echo(_line(document))


def _show_reconciliation(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for each in found["findings"]:
        named = [f"{name}={value}" for name, value in each.items() if name not in {"kind", "found_at"} and value]
        click.echo(f"{each['kind']:<24}  {each['found_at']}  {'  '.join(named)}")
    for kind in ("indeterminate", "interrupted"):
        for request in found[kind]:
            click.echo(f"{kind:<24}  request={request}")
    if not any(found[kind] for kind in ("findings", "indeterminate", "interrupted")):
        click.echo("Everything fits.", err=True)
    click.echo(f"Last look: {found['looked_at'] or 'not yet'}.", err=True)


def _line(document: dict[str, Any]) -> str:
    requester = (document.get("requester") or {}).get("person") or "-"
    return (
        f"{document['id']}  {document['state']:<10}  {what_of(document):<28}  {requester:<16}  {document['created_at']}"
    )
