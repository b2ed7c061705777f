"""An action that is a command: fixed words of the configuration, with places for declared parameters.

* There is no shell, and no environment but what the configuration names.
* Of its output the gate keeps length and hash. Of a dry run, reviewers see the lines, without what looks like a secret
  or like personal data.
* A command that was interrupted leaves nothing to look for: it is indeterminate.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from maskgate.errors import Refused
from maskgate.gate.action_handler import IndeterminateError, Outcome
from maskgate.gate.bounded_command import run_bounded
from maskgate.gate.parameters import Parameter, check_arguments, words_of
from maskgate.gate.redaction import safe_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.action_handler import ActionOrder

_ALWAYS = ("PATH", "LANG", "LC_ALL", "TZ")
_LARGEST_DRY_RUN = 1 << 16


@dataclass(frozen=True)
class CommandHandler:
    """Runs a command.

    Attributes:
        action: The verb that it is registered for.
        argv: The program and its words; ``{name}`` is a parameter, ``{resource}`` what the action is about.
        parameters: What it takes.
        dry_run_argv: A command that says what it would do; empty if there is none.
        environment: Variables of the gate's environment that it may see.
        seconds: How long it may take.
    """

    action: str
    argv: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    dry_run_argv: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    seconds: int = 60

    is_elsewhere: ClassVar[bool] = False

    @property
    def time_limit(self) -> timedelta:
        """How long it may take."""
        return timedelta(seconds=self.seconds)

    @property
    def offers_dry_run(self) -> bool:
        """Whether it has a command for that."""
        return bool(self.dry_run_argv)

    def as_json(self) -> dict[str, Any]:
        """Say what it does."""
        return {"kind": "command", "argv": list(self.argv), "environment": sorted(self.environment)}

    def check(self, resource: str, arguments: Mapping[str, Any]) -> None:
        """See whether these are arguments that it takes."""
        check_arguments(self.parameters, arguments, f"`{self.action}`")
        Parameter("resource").check(resource)
        for argv in (self.argv, self.dry_run_argv):
            words_of(argv, arguments, resource)

    def dry_run(self, resource: str, arguments: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Say what it would do, by its own dry run."""
        if not self.dry_run_argv:
            return None
        try:
            words = words_of(self.dry_run_argv, arguments, resource)
            done = run_bounded(words, self._environment(), self.seconds, keep=_LARGEST_DRY_RUN)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Refused(f"the dry run of `{self.action}` could not be made ({type(error).__name__}).") from None
        if done.exit_code:
            raise Refused(f"the dry run of `{self.action}` says that it cannot be done (exit code {done.exit_code}).")
        return tuple(safe_text(done.output.beginning.decode("utf-8", "replace")).splitlines())

    def run(self, order: ActionOrder) -> Outcome:
        """Run it, once."""
        known = {**self._environment(), "MASKGATE_GRANT": order.grant, "MASKGATE_REQUEST": order.request}
        try:
            done = run_bounded(words_of(self.argv, order.arguments, order.resource), known, self.seconds)
        except OSError as error:
            raise Refused(f"the program of `{self.action}` could not be started: {error.strerror}.") from None
        except subprocess.TimeoutExpired:
            raise IndeterminateError(f"It took longer than {self.seconds} seconds, and was ended halfway.") from None
        return Outcome(done.exit_code == 0, done.exit_code, done.output.digest, done.output.length)

    def probe(self, grant: str) -> Outcome | None:  # noqa: ARG002  the protocol's signature
        """Say that it cannot be told."""
        raise IndeterminateError("The gate stopped while the command ran.")

    def _environment(self) -> dict[str, str]:
        return {name: os.environ[name] for name in (*_ALWAYS, *self.environment) if name in os.environ}
