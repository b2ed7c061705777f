"""``maskgate request``, ``withdraw`` and ``release``: what the holder of a token may do, with the gate over HTTP."""

from __future__ import annotations

import click

from maskgate.cli.documents import exit_code_of, progress, read_arguments, show
from maskgate.errors import UsageError
from maskgate.gate.client import GateClient

_OPEN = frozenset({"sealing", "pending"})
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_ARGUMENTS = click.option("--arguments", metavar="JSON", help="Arguments of the action, as a JSON object.")


@click.command(name="request")
@click.option("--action", default="export", show_default=True, help="The verb that policies match.")
@click.option("--resource", help="What the action is about, such as prod/customers.")
@click.option("--staging", help="For a release of staged files: their staging id.")
@click.option("--source", help="Or for what the releaser masks itself: the source's id.")
@click.option("--table", "tables", multiple=True, help="Of a source, this table alone; may be given again.")
@click.option("--destination", help="For a release: the destination's id.")
@click.option("--why", default="", help="Why, for the reviewer.")
@click.option("--requester", "requesters", multiple=True, help="Somebody who asks too, and may not sign.")
@click.option("--wait", type=float, metavar="SECONDS", help="Wait so long for a signature.")
@_ARGUMENTS
@_AS_JSON
def request(  # noqa: PLR0917  click passes options by name
    action: str,
    resource: str | None,
    staging: str | None,
    source: str | None,
    tables: tuple[str, ...],
    destination: str | None,
    why: str,
    requesters: tuple[str, ...],
    wait: float | None,
    arguments: str | None,
    *,
    as_json: bool,
) -> int:
    """Ask for a signature: for a release of staged files, or for any other action.

    Needs MASKGATE_URL and MASKGATE_TOKEN. With --wait it exits with 4 if nobody has signed by then, with 3 if it was
    denied.
    """
    given = read_arguments(arguments)
    with GateClient.from_environment() as client:
        if resource is not None and staging is None and source is None and destination is None:
            document = client.request(
                action=action, resource=resource, why=why, arguments=given, requesters=list(requesters)
            )
        elif (staging is None) != (source is None) and destination is not None and resource is None and given is None:
            document = client.create_request(
                staging=staging,
                source=source,
                tables=tables,
                destination=destination,
                action=action,
                why=why,
                requesters=requesters,
            )
        else:
            raise UsageError("name --resource of an action; or --destination, and --staging or --source, of a release")
        if wait is not None:
            told = {"note": document["note"]} if "note" in document else {}
            document = client.wait(document["id"], lambda each: each["state"] not in _OPEN, wait, progress) | told
    show(document, as_json=as_json)
    return 0 if wait is None else exit_code_of(document)


@click.command(name="withdraw")
@click.argument("request_id", metavar="ID")
@_AS_JSON
def withdraw(request_id: str, *, as_json: bool) -> None:
    """Take request ID back. Needs MASKGATE_URL and the MASKGATE_TOKEN that asked."""
    with GateClient.from_environment() as client:
        show(client.withdraw(request_id), as_json=as_json)


@click.command(name="release")
@click.argument("request_id", metavar="ID")
@click.option("--wait", type=float, default=3600.0, show_default=True, metavar="SECONDS", help="Wait so long for it.")
@_ARGUMENTS
@_AS_JSON
def release(request_id: str, wait: float, arguments: str | None, *, as_json: bool) -> int:
    """Have the gate carry out request ID, once it is signed, and wait until it is done.

    Needs MASKGATE_URL and the MASKGATE_TOKEN that asked. An action that a handler of the gate carries out needs its
    --arguments again: they are checked against what was signed.
    """
    given = read_arguments(arguments)
    with GateClient.from_environment() as client:
        before = client.request(request_id)
        if before.get("level") == "verify":
            raise UsageError(
                "whoever asked carries this action out, not the gate. Use `maskgate run`, or @requires_approval"
            )
        client.release(request_id, arguments=(given or {}) if before.get("resource") else None)
        document = client.wait(request_id, lambda each: each["state"] == "released", wait, progress)
    show(document, as_json=as_json)
    return exit_code_of(document)
