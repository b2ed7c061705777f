"""``signing:`` of the configuration: where the key is that signs grants and checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from maskgate.errors import KeyReferenceError
from maskgate.gate.gate_keys import GateKeys
from maskgate.gate.key_sources import FileKeys, TwoSources, find_source

if TYPE_CHECKING:
    from pathlib import Path

    from maskgate.gate.key_sources import KeySource
    from maskgate.server.configuration_section import Section
    from maskgate.server.home import Home


@dataclass(frozen=True)
class Signing:
    """References to signing keys; none holds a secret.

    Attributes:
        key: The key to sign by; None for a file in the gate's home.
        following: What takes its place at the next rotation, if that is kept elsewhere.
    """

    key: str | None = None
    following: str | None = None


def read_signing(root: Section) -> Signing:
    """Read where the signing key is."""
    if "signing" not in root:
        return Signing()
    section = root.section("signing", ("key", "next"))
    section.required("key")
    return Signing(_reference(section, "key"), _reference(section, "next"))


def open_keys(signing: Signing, home: Home, base: Path) -> GateKeys:
    """Open the gate's keys; the first start makes one where they are files.

    Raises:
        KeyReferenceError: If they cannot be had.
    """
    now: KeySource = FileKeys(home.signing_key, home.signing_keys)
    if signing.key is not None:
        now = find_source(signing.key, base, home.signing_keys)
    if signing.following is not None:
        now = TwoSources(now, find_source(signing.following, base, home.signing_keys))
    return GateKeys(now, home.ring)


def _reference(section: Section, name: str) -> str | None:
    if name not in section:
        return None
    text = section.string(name)
    try:
        find_source(text, section.problems.base, section.problems.base)
    except KeyReferenceError as error:
        section.problem(name, f"cannot be used: {error}")
    return text
