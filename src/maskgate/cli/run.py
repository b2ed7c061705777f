"""``maskgate run``: a command that waits for a signature, and then runs once."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from maskgate.cli.documents import progress
from maskgate.gate.client import GateClient

if TYPE_CHECKING:
    from maskgate.approval.call import Call
    from maskgate.approval.command import Command, Ended

_SIGNALLED = 128


@click.command(name="run", context_settings={"ignore_unknown_options": True})
@click.option("--action", required=True, help="The verb that policies match.")
@click.option("--resource", required=True, help="What the action is about, such as prod/customers.")
@click.option("--why", default="", help="Why, for the reviewer.")
@click.option("--env", "names", multiple=True, metavar="NAME", help="A variable that the command may see.")
@click.option("--script", type=click.Path(path_type=Path), help="A script that the command reads, as {script}.")
@click.option("--wait", type=float, metavar="SECONDS", help="Wait so long for a signature; else until it is decided.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document; what COMMAND prints goes to stderr.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(  # noqa: PLR0917  click passes options by name
    action: str,
    resource: str,
    why: str,
    names: tuple[str, ...],
    script: Path | None,
    wait: float | None,
    command: tuple[str, ...],
    *,
    as_json: bool,
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
        turn = _Turn(Call(client, action, resource, why=why, arguments=prepared.signed()), prepared)
        try:
            turn.wait(wait)
            return turn.carry_out(sys.stderr.buffer if as_json else commands.standard_output())
        finally:
            if as_json:
                click.echo(json.dumps(turn.document, ensure_ascii=False, indent=2))


@dataclass
class _Turn:
    """A command, the request for it, and how it ended, once it has run."""

    call: Call
    command: Command
    ended: Ended | None = None

    @property
    def exit_code(self) -> int | None:
        """What a shell would say: 128 and the signal, where one ended the command."""
        code = None if self.ended is None else self.ended.exit_code
        return code if code is None or code >= 0 else _SIGNALLED - code

    @property
    def document(self) -> dict[str, Any]:
        """The request as the gate showed it last, and how the command ended; nulls where it has not run."""
        return {**self.call.document, **self._output(), "exit_code": self.exit_code}

    def wait(self, seconds: float | None) -> None:
        """Wait until it is signed."""
        if self.call.document["state"] == "pending":
            click.echo(f"Waiting for a signature: {self.call.url}", err=True)
        self.call.wait(seconds, progress)

    def carry_out(self, output: IO[bytes]) -> int:
        """Run the command and tell the gate how it ended."""
        from maskgate.approval import command as commands  # noqa: PLC0415  likewise

        begun = self.call.begin(self.command.signed())
        try:
            with self.call.carrying_out(begun):
                self.ended = commands.run(self.command, output, sys.stderr.buffer)
        finally:
            code = None if self.ended is None else self.ended.exit_code
            self.call.report(begun, succeeded=code == 0, exit_code=code, **self._output())
        return self.exit_code or 0

    def _output(self) -> dict[str, Any]:
        known = self.ended
        return {
            "output_digest": None if known is None else known.output_digest,
            "output_bytes": None if known is None else known.output_bytes,
        }
