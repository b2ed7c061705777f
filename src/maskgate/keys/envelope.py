"""Envelope encryption: a file holds wrapped keys, and a key management service unwraps them.

The file may lie beside the rules: without the service nobody gets a key out of it. What stands in it is text as in
`maskgate.keys.key_text`, with what the service made in the place of the base64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from maskgate.crypto.hidden import hidden
from maskgate.errors import KeyReferenceError
from maskgate.keys.key_text import Found, entries_of, long_enough
from maskgate.keys.protected_file import LOOSEST_WRAPPED_MODE, read_protected

if TYPE_CHECKING:
    from pathlib import Path


class KeyWrapper(Protocol):
    """A key of a key management service, which wraps ours."""

    def unwrap(self, wrapped: str) -> bytes:
        """Return the raw bytes of a key.

        Raises:
            KeyReferenceError: If the service does not give it.
        """

    def make_wrapped(self) -> str:
        """Have the service make a key of 32 bytes, and return it wrapped; its bytes come nowhere near us.

        Raises:
            KeyReferenceError: If the service does not make one.
        """


def unwrap_file(name: str, base: Path | None, wrapper: KeyWrapper) -> Found:
    """Read a file of wrapped keys, and have each version unwrapped.

    Args:
        name: The path of the file.
        base: The folder that a relative path starts from.
        wrapper: What unwraps them.
    """
    read = read_protected(name, base, loosest=LOOSEST_WRAPPED_MODE)
    if read.problem:
        return Found(problem=f"{read.problem}. It must hold a wrapped key")
    entries = entries_of(read.text, f"the file {name}")
    if entries.problem:
        return Found(problem=entries.problem)
    versions = {}
    for version, wrapped in entries.texts.items():
        try:
            versions[version] = hidden(wrapper.unwrap(wrapped))
        except KeyReferenceError as error:
            return Found(problem=f"version {version} in the file {name}: {error}")
    return long_enough(versions, f"the file {name}")
