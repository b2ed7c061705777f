"""What exactly is to be done by an action that releases no staged files: the verb, the resource, every argument.

* The digest of a call is what reviewers sign. Change one argument, and it is another call.
* Arguments are JSON values. What has no canonical form is refused, never rounded or left out.
* The digest is salted, so that nobody who reads it, in the ledger or elsewhere, can try out what an argument was.
"""

from __future__ import annotations

import hmac
import math
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from maskgate.canonical import canonical_bytes, digest
from maskgate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.host import HostRun

VERIFY = "verify"
LARGEST_ARGUMENTS = 64 << 10
LONGEST_RESOURCE = 300
_DEEPEST = 20
_LARGEST_INTEGER = 2**53 - 1


@dataclass(frozen=True)
class ActionInput:
    """What a caller may say when asking for an action. Requesters only add to those who may not decide.

    Attributes:
        action: The verb.
        resource: What it is about.
        why: Why, for the reviewer.
        arguments: Every argument of the call, as JSON values.
        host: The run that asks, if one does.
        requesters: People to add.
    """

    action: str
    resource: str
    why: str = ""
    arguments: Mapping[str, Any] | None = None
    host: HostRun | None = None
    requesters: tuple[str, ...] = ()


def checked_arguments(arguments: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return arguments as JSON values of their own, which nobody can change afterwards through another name.

    Raises:
        UsageError: If there is something among them that JSON does not write the same way everywhere. The message
            names the place, and no value.
    """
    if arguments is not None and not isinstance(arguments, dict):
        raise UsageError("arguments are an object of JSON, by name")
    copied: dict[str, Any] = _copied(arguments or {}, "arguments", _DEEPEST)
    if len(canonical_bytes(copied)) > LARGEST_ARGUMENTS:
        raise UsageError(f"arguments take more than {LARGEST_ARGUMENTS} bytes. Name a file by its digest instead.")
    return copied


def _copied(value: Any, where: str, depth: int) -> Any:
    if depth == 0:
        raise UsageError(f"arguments are nested more than {_DEEPEST} deep. Give them flatter.")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, int):
        return _integer(value, where)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UsageError(f"{where} is no number that JSON knows. Give it as text.")
        return float.__float__(value)
    if isinstance(value, list | tuple):
        return [_copied(each, f"{where}[{number}]", depth - 1) for number, each in enumerate(value)]
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise UsageError(f"{where} has a name that is no text. Names of JSON are texts.")
        return {
            _text(name, where): _copied(each, f"{where}.{name[:40] if name.isprintable() else '?'}", depth - 1)
            for name, each in value.items()
        }
    raise UsageError(f"{where} is of the type {type(value).__name__}, which has no place in JSON. Give it as text.")


def _text(value: str, where: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{where} holds half a character. Give it as whole text.") from None
    if "\0" in value:
        raise UsageError(f"{where} holds a NUL character, which not every store keeps. Give it in another form.")
    return str.__str__(value)  # what it is, whatever a class of its own, such as an enumeration's, shows of it


def _integer(value: int, where: str) -> int:
    if abs(value) > _LARGEST_INTEGER:
        raise UsageError(f"{where} is a whole number beyond 2^53, which not every reader keeps. Give it as text.")
    return int.__int__(value)


def salt_of(secret: bytes, action: str, resource: str, arguments: Mapping[str, Any]) -> str:
    """Make the salt of a call: the same for the same call at one gate, and not to be guessed without its secret."""
    call = {"action": action, "resource": resource, "arguments": dict(arguments)}
    return hmac.new(secret, b"maskgate/call-salt/v1\0" + canonical_bytes(call), sha256).hexdigest()


def call_digest(action: str, resource: str, arguments: Mapping[str, Any], salt: str) -> str:
    """Hash a call: what was asked, what is signed, and what is about to be done have to come to the same."""
    return digest("call", {"action": action, "resource": resource, "arguments": dict(arguments), "salt": salt})
