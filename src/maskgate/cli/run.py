"""``maskgate run``: a command that waits for a signature, and then runs once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maskgate.cli.documents import progress
from maskgate.gate.client import GateClient

if TYPE_CHECKING:
    from maskgate.approval.command import Ended

_SIGNALLED = 128


@click.command(name="run", context_settings={"ignore_unknown_options": True})
@click.option("--action", required=True, help="The verb that policies match.")
@click.option("--resource", required=True, help="What the action is about, such as prod/customers.")
@click.option("--why", default="", help="Why, for the reviewer.")
@click.option("--env", "names", multiple=True, metavar="NAME", help="A variable that the command may see.")
@click.option("--script", type=click.Path(path_type=Path), help="A script that the command reads, as {script}.")
@click.option("--wait", type=float, metavar="SECONDS", help="Wait so long for a signature; else until it is decided.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(  # noqa: PLR0917  click passes options by name
    action: str,
    resource: str,
    why: str,
    names: tuple[str, ...],
    script: Path | None,
    wait: float | None,
    command: tuple[str, ...],
) -> int:
    """Run COMMAND once somebody has signed it, and exit as it does.

    Signed are its words, the program's bytes, the environment that it sees (PATH, LANG, LC_ALL, TZ, and what --env
    names) and its script. Needs MASKGATE_URL and MASKGATE_TOKEN; MASKGATE_FINGERPRINT pins the gate's key.

    It is carried out here, so this is the level verify: it does not hold back somebody who runs the command without it.
    """
    from maskgate.approval import command as commands  # noqa: PLC0415  `maskgate --help` needs no cryptography
    from maskgate.approval.call import Call  # noqa: PLC0415  likewise

    prepared = commands.prepare(command, names, script, os.environ)
    with GateClient.from_environment() as client:
        call = Call(client, action, resource, why=why, arguments=prepared.signed())
        if call.document["state"] == "pending":
            click.echo(f"Waiting for a signature: {call.url}", err=True)
        call.wait(wait, progress)
        begun = call.begin(prepared.signed())
        ended: Ended | None = None
        try:
            with call.carrying_out(begun):
                ended = commands.run(prepared, commands.standard_output(), sys.stderr.buffer)
        finally:
            call.report(
                begun,
                succeeded=ended is not None and ended.exit_code == 0,
                exit_code=None if ended is None else ended.exit_code,
                output_digest=None if ended is None else ended.output_digest,
                output_bytes=None if ended is None else ended.output_bytes,
            )
    return ended.exit_code if ended.exit_code >= 0 else _SIGNALLED - ended.exit_code
