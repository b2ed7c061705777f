"""The tools that an agent may call through the gate, and how each is carried out.

A tool is a command without a shell, an HTTP call to a fixed address, a Python function, or a tool of another MCP
server. Its definition is part of what is signed: another definition is another call.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from maskgate.approval.command import digest_of
from maskgate.canonical import digest
from maskgate.gate.bounded_command import run_bounded
from maskgate.gate.parameters import Parameter, check_arguments, filled, words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST_OUTPUT = 1 << 20
ALWAYS = ("PATH", "LANG", "LC_ALL", "TZ", "HOME")


@dataclass(frozen=True)
class Result:
    """What a tool gave back."""

    text: str
    succeeded: bool = True
    value: Any = None
    exit_code: int | None = None

    @property
    def outcome(self) -> dict[str, Any]:
        """What the gate is told of it: length and hash of the output."""
        content = self.text.encode()
        return {
            "succeeded": self.succeeded,
            "exit_code": self.exit_code,
            "output_digest": digest_of(content),
            "output_bytes": len(content),
        }


class Way(Protocol):
    """How a tool is carried out."""

    def as_json(self) -> dict[str, Any]:
        """Say what it does, without secrets."""
        ...

    def check(self, arguments: Mapping[str, Any]) -> None:
        """See, before a grant is used up, whether it can be carried out with these arguments.

        Raises:
            UsageError: If not.
        """

    def run(self, arguments: Mapping[str, Any]) -> Result:
        """Do it."""
        ...


@dataclass(frozen=True)
class Tool:
    """One tool.

    Attributes:
        name: What agents call it.
        description: For agents.
        action: The verb that policies match.
        resource: What a call is about; arguments may stand in braces.
        why: For the reviewer.
        parameters: What it takes.
        way: How it is carried out.
    """

    name: str
    description: str
    action: str
    resource: str
    why: str
    parameters: tuple[Parameter, ...]
    way: Way

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its arguments."""
        return {
            "type": "object",
            "properties": {each.name: each.as_schema() for each in self.parameters},
            "required": [each.name for each in self.parameters if not each.optional],
            "additionalProperties": False,
        }

    def check(self, arguments: Mapping[str, Any]) -> None:
        """See whether these are arguments that it takes.

        Raises:
            UsageError: If not.
        """
        check_arguments(self.parameters, arguments, f"the tool {self.name}")
        self.way.check(arguments)

    def resource_of(self, arguments: Mapping[str, Any]) -> str:
        """Say what a call is about."""
        return filled(self.resource, arguments)

    def signed(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Say what is signed of a call."""
        definition = digest("tool", {"name": self.name, **self.way.as_json()})
        return {"tool": self.name, "definition": definition, "arguments": dict(arguments)}


@dataclass(frozen=True)
class CommandWay:
    """A program with fixed words; arguments fill the places that it has for them."""

    argv: tuple[str, ...]
    timeout_seconds: float
    environment: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Say what it does."""
        return {"kind": "command", "argv": list(self.argv), "environment": sorted(self.environment)}

    def check(self, arguments: Mapping[str, Any]) -> None:
        """See whether they can be its words; whether there is such a program, its start shows."""
        words_of(self.argv, arguments)

    def run(self, arguments: Mapping[str, Any]) -> Result:
        """Run it, and return what it printed."""
        known = {name: os.environ[name] for name in (*ALWAYS, *self.environment) if name in os.environ}
        try:
            done = run_bounded(
                words_of(self.argv, arguments),
                known,
                self.timeout_seconds,
                keep=_LARGEST_OUTPUT,
                keep_errors=_LARGEST_OUTPUT,
            )
        except subprocess.TimeoutExpired:
            return Result(f"It took longer than {self.timeout_seconds:g} seconds, and was ended.", succeeded=False)
        except OSError as error:
            return Result(f"The program could not be started: {error.strerror}.", succeeded=False)
        text = done.output.beginning.decode("utf-8", "replace")
        if done.exit_code:
            text += done.errors.beginning.decode("utf-8", "replace")
        return Result(text, succeeded=done.exit_code == 0, exit_code=done.exit_code)


@dataclass(frozen=True)
class HttpWay:
    """An HTTP call to a fixed address; the arguments are its JSON body, or its query."""

    method: str
    url: str
    timeout_seconds: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Say what it does."""
        return {"kind": "http", "method": self.method, "url": self.url, "headers": sorted(self.headers)}

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Take any arguments: whether the address answers, the call shows."""

    def run(self, arguments: Mapping[str, Any]) -> Result:
        """Call it, and return what it answered. Redirects are not followed, and are no success."""
        sent: dict[str, Any] = {"params": dict(arguments)} if self.method == "GET" else {"json": dict(arguments)}
        try:
            with (
                httpx.Client(timeout=self.timeout_seconds, follow_redirects=False) as http,
                http.stream(self.method, self.url, headers=dict(self.headers), **sent) as answer,
            ):
                text = _beginning(answer)
        except httpx.HTTPError as error:
            return Result(f"It did not answer ({type(error).__name__}).", succeeded=False)
        return Result(text, succeeded=answer.is_success, exit_code=answer.status_code)


def _beginning(answer: httpx.Response) -> str:
    """Read as much of an answer as is passed on."""
    read = bytearray()
    for chunk in answer.iter_bytes():
        read += chunk
        if len(read) >= _LARGEST_OUTPUT:
            break
    try:
        return read[:_LARGEST_OUTPUT].decode(answer.encoding or "utf-8", "replace")
    except (LookupError, UnicodeError):  # a codec that is none for texts, such as `hex`
        return read[:_LARGEST_OUTPUT].decode("utf-8", "replace")
