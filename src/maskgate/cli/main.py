"""The command ``maskgate``: finds the subcommand, and turns every error into one message and an exit code.

Exit codes: 0 done; 1 failed; 2 bad usage, rules or policy; 3 refused or denied; 4 still pending; 5 gate unreachable.
What a program reads goes to stdout, what people read to stderr.
"""

from __future__ import annotations

import atexit
import os
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NoReturn

import click

from maskgate.errors import MaskgateError

if TYPE_CHECKING:
    from collections.abc import Sequence

# Name: module, attribute, and what it does; a command is imported when it is called.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "init": ("maskgate.cli.init", "init", "Write first rules, keys and a policy for your data."),
    "mask": ("maskgate.cli.mask", "mask", "Mask files, queries or tables by a rules file."),
    "rules": ("maskgate.cli.rules", "rules", "Check a rules file, or print its JSON Schema."),
    "keys": ("maskgate.cli.keys", "keys", "Make keys, list those of a rules file, and rotate them."),
    "serve": ("maskgate.cli.serve", "serve", "Run the gate."),
    "releaser": ("maskgate.cli.releaser", "releaser", "Run a releaser beside the gate."),
    "gate": ("maskgate.cli.gate_keys", "gate", "Show the keys of the gate, and ask for their change."),
    "policy": ("maskgate.cli.policy", "policy", "Check a policy, and ask which one counts for a request and why."),
    "request": ("maskgate.cli.request", "request", "Ask for a signature."),
    "requests": ("maskgate.cli.requests", "requests", "List what waits for a signature."),
    "approve": ("maskgate.cli.decide", "approve", "Sign a request, as yourself."),
    "deny": ("maskgate.cli.decide", "deny", "Deny a request, as yourself."),
    "withdraw": ("maskgate.cli.request", "withdraw", "Take a request back."),
    "release": ("maskgate.cli.request", "release", "Have the gate carry out what was signed."),
    "run": ("maskgate.cli.run", "run", "Run a command once somebody has signed it."),
    "detokenize": ("maskgate.cli.detokenize", "detokenize", "Bring values back for tokens, once somebody has signed."),
    "mcp": ("maskgate.cli.mcp", "mcp", "Put the tools of AI agents behind the gate."),
    "doctor": ("maskgate.cli.doctor", "doctor", "Look a gate and its workers over: what is wrong, why, what to do."),
    "ledger": ("maskgate.cli.ledger", "ledger", "Show and verify what the gate has recorded."),
}
INTERRUPTED = 130


class _Commands(click.Group):
    """A group that imports a command when it is called, not to list it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  likewise
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, _, summary) in COMMANDS.items()])


@click.group(cls=_Commands, name="maskgate", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="maskgate", prog_name="maskgate")
def commands() -> None:
    """Mask the personal data in your pipelines. Release it only when someone else has signed."""


def main() -> None:
    """Run the command line of this process."""
    try:
        code = run(sys.argv[1:])
    except SystemExit as stop:
        # A signal has ended the command, which has said so.
        code = stop.code if isinstance(stop.code, int) else 1
    if code and "pyarrow" in sys.modules:
        _end_at_once(code)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run a command line.

    Returns:
        The exit code.
    """
    try:
        result: Any = commands.main(args=list(arguments), prog_name="maskgate", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("stopped.")
        return INTERRUPTED
    except MaskgateError as error:
        _say(str(error))
        return error.exit_code
    except BrokenPipeError:
        # Whoever read the output has gone; there is nobody left to tell.
        return 1
    except Exception as error:  # noqa: BLE001  the message and the traceback of an unexpected error may hold a cell
        _say(f"unexpected {type(error).__name__} at {_place(error)}. This is a bug of Maskgate; please report it.")
        return 1
    return result if isinstance(result, int) else 0


def _end_at_once(code: int) -> NoReturn:
    """End without waiting for Python to take itself apart.

    Threads of Arrow that read ahead ask Python for more. It ends a thread that does so meanwhile, and a thread of C++
    that is ended takes the process down, with an exit code that is not ours.
    """
    atexit._run_exitfuncs()  # noqa: SLF001  such as those that end the processes of plugins
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _say(message: str) -> None:
    click.echo(message if "\n" in message else f"maskgate: {message}", err=True)


def _place(error: BaseException) -> str:
    """Say where an error came from, without any value."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "maskgate" in PurePath(frame.filename).parts] or frames
    return f"{PurePath(own[-1].filename).name}:{own[-1].lineno}" if own else "an unknown place"
