"""Which destinations there are: folders and object stores, in the one mode that is enforced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from maskgate.errors import UsageError
from maskgate.gate.locations import parse_location
from maskgate.release.local import LocalFolder
from maskgate.release.objects import ObjectPrefix

if TYPE_CHECKING:
    from maskgate.gate.model import Destination
    from maskgate.gate.releaser import ReleaseOrder
    from maskgate.release.sealed_bytes import Pace

NEW_VERSION = "new_version"
_LATER = ("replace", "append")


class Place(Protocol):
    """What a kind of storage does for a release."""

    def copy(self, order: ReleaseOrder, pace: Pace) -> None:
        """Write everything, visible to nobody who goes by the rules of the place."""
        ...

    def commit(self, order: ReleaseOrder) -> None:
        """Publish it in one step."""
        ...

    def probe(self, order: ReleaseOrder) -> str:
        """Say ``committed`` or ``absent``."""
        ...

    def clean(self, order: ReleaseOrder) -> None:
        """Remove what is not published."""
        ...


def check_mode(mode: str) -> None:
    """Refuse a mode of a destination that this version does not enforce.

    Raises:
        UsageError: Unless it is ``new_version``.
    """
    if mode in _LATER:
        raise UsageError(f"mode: this version does not enforce `{mode}`. Use `{NEW_VERSION}`: a new folder a release.")
    if mode != NEW_VERSION:
        raise UsageError(f"mode: no mode is called `{mode}`. Use `{NEW_VERSION}`.")


def open_destination(destination: Destination) -> Place:
    """Return the place that a registered destination means.

    Raises:
        UsageError: If its URI or mode cannot be used.
    """
    check_mode(destination.mode)
    location = parse_location(destination.uri)
    return LocalFolder(location) if location.is_local else ObjectPrefix(location, destination.options)
