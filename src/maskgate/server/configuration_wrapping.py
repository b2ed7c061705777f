"""The field ``encrypt:``, of stagings and sources: what wraps the keys by which their files are encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.errors import KeyReferenceError
from maskgate.keys import KeyRing

if TYPE_CHECKING:
    from maskgate.keys import Key
    from maskgate.server.configuration_section import Section


def read_wrapping_key(section: Section) -> Key | None:
    """Read it; None if it is not there."""
    reference = section.string("encrypt")
    if not reference:
        return None
    try:
        return KeyRing.resolve({"encrypt": reference}, base=section.problems.base).get("encrypt")
    except KeyReferenceError as error:
        section.problem("encrypt", f"names no key that can be had: {error}")
        return None
