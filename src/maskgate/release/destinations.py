"""Which destinations there are: folders, object stores and tables, each in one of three modes.

* ``new_version``: every release is a new folder (or table); nothing is ever replaced.
* ``replace``: one version counts; a release takes the place of the one before it.
* ``append``: every release adds to one dataset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from maskgate.errors import UsageError
from maskgate.gate.locations import Location, parse_location
from maskgate.gate.releaser import VERSIONS
from maskgate.release.index import APPEND, REPLACE
from maskgate.release.indexed import IndexedDataset
from maskgate.release.local import LocalFolder
from maskgate.release.local_index import LocalIndex
from maskgate.release.object_index import ObjectIndex
from maskgate.release.objects import ObjectPrefix
from maskgate.release.postgres_table import PostgresTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maskgate.gate.model import Destination, MeasuredTable
    from maskgate.gate.releaser import ReleaseOrder
    from maskgate.release.sealed_bytes import Pace

NEW_VERSION = "new_version"
MODES = (NEW_VERSION, REPLACE, APPEND)


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

    def versions(self) -> list[str]:
        """List what is published here."""
        ...


def check_mode(mode: str) -> None:
    """Refuse a mode that there is not.

    Raises:
        UsageError: Unless it is one of `MODES`.
    """
    if mode not in MODES:
        raise UsageError(f"mode: no mode is called `{mode}`. Use one of {', '.join(MODES)}.")


def open_destination(destination: Destination) -> Place:
    """Return the place that a registered destination means.

    Raises:
        UsageError: If its URI or mode cannot be used.
    """
    check_mode(destination.mode)
    location = parse_location(destination.uri)
    if location.is_table:
        return PostgresTable(location, destination.options, destination.mode)
    if destination.mode == NEW_VERSION:
        return _versions(location, destination)
    versions = _versions(Location(location.protocol, f"{location.path}/{VERSIONS}"), destination)
    if location.is_local:
        return IndexedDataset(versions, LocalIndex(location, destination.mode))
    return IndexedDataset(versions, ObjectIndex(location, destination.options, destination.mode))


def check_fit(destination: Destination, tables: Sequence[MeasuredTable]) -> None:
    """See whether a destination takes tables of such columns, as far as that can be told without looking at it.

    Raises:
        Refused: If not.
    """
    place = open_destination(destination)
    if isinstance(place, PostgresTable):
        place.check_fit(destination.id, tables)


def _versions(location: Location, destination: Destination) -> LocalFolder | ObjectPrefix:
    return LocalFolder(location) if location.is_local else ObjectPrefix(location, destination.options)
