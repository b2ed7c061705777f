"""Modes ``replace`` and ``append``: a version is published as ever, and becomes part of the dataset by its index.

::

    <destination>/dataset.json          the index: what the dataset consists of now
    <destination>/current               a link to the version that counts (folders, mode replace)
    <destination>/versions/<version>/   the files

* The one step that counts is the compare-and-set of the index. Two releases at once: one goes first, the other is
  put on top of it; none is lost.
* What the index no longer names is removed after that step, and never before.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from maskgate.errors import DatasetError, Refused
from maskgate.gate.fault_points import reach

if TYPE_CHECKING:
    from maskgate.gate.releaser import ReleaseOrder
    from maskgate.release.index import Index
    from maskgate.release.sealed_bytes import Pace

_TRIES = 20
# How far back to look for versions whose removal was interrupted.
_RECENT = 3
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")


class Versions(Protocol):
    """The place below which versions lie: a place of mode ``new_version`` that can also remove one."""

    def copy(self, order: ReleaseOrder, pace: Pace) -> None: ...  # noqa: D102  the verbs are those of Place
    def commit(self, order: ReleaseOrder) -> None: ...  # noqa: D102
    def clean(self, order: ReleaseOrder) -> None: ...  # noqa: D102
    def versions(self) -> list[str]: ...  # noqa: D102

    def remove(self, version: str) -> None:
        """Remove a version that nothing names any more; being gone already is fine."""
        ...


class IndexKeeper(Protocol):
    """What a kind of storage does for an index."""

    def read(self, order: ReleaseOrder) -> tuple[Index, object]:
        """Return the index, and what :meth:`write` needs to know that nobody changed it since."""
        ...

    def write(self, order: ReleaseOrder, index: Index, seen: object) -> bool:
        """Put an index in the place of the one that was seen; false if another came first."""
        ...

    def show(self, order: ReleaseOrder, index: Index) -> None:
        """Bring up to date what only repeats the index, for readers who do not read it."""
        ...


class IndexedDataset:
    """A destination of mode ``replace`` or ``append``.

    Args:
        versions: Where its versions lie.
        keeper: Keeps its index.
    """

    def __init__(self, versions: Versions, keeper: IndexKeeper) -> None:
        self._versions = versions
        self._keeper = keeper

    def copy(self, order: ReleaseOrder, pace: Pace) -> None:
        """Write the version, unless the index would not take it."""
        index, _ = self._keeper.read(order)
        if index.holds(order):
            return
        index.following(order)
        self._versions.copy(order, pace)

    def commit(self, order: ReleaseOrder) -> None:
        """Publish the version, and make it part of the dataset; does nothing if it is."""
        for _ in range(_TRIES):
            index, seen = self._keeper.read(order)
            if index.holds(order):
                self._tidy(order, index)
                return
            after = self._following(order, index)
            self._versions.commit(order)
            reach("before index")
            if self._keeper.write(order, after, seen):
                reach("after index")
                self._tidy(order, after)
                return
        raise DatasetError(
            f'destination "{order.destination.id}": others release there all the time; this one did not get its turn.'
        )

    def probe(self, order: ReleaseOrder) -> str:
        """Say whether the release is part of the dataset, or was until a later one replaced it."""
        return "committed" if self._keeper.read(order)[0].holds(order) else "absent"

    def clean(self, order: ReleaseOrder) -> None:
        """Remove what is not published."""
        self._versions.clean(order)

    def versions(self) -> list[str]:
        """List what was published here, also what the index does not name."""
        return self._versions.versions()

    def _following(self, order: ReleaseOrder, index: Index) -> Index:
        try:
            return index.following(order)
        except Refused:
            # It fitted when it was copied; another release came first. Nothing names this version.
            self._versions.clean(order)
            self._versions.remove(order.version)
            raise

    def _tidy(self, order: ReleaseOrder, index: Index) -> None:
        self._keeper.show(order, index)
        reach("before tidying")
        self._versions.clean(order)
        for gone in index.replaced[-_RECENT:]:
            if _VERSION.fullmatch(gone["version"]) and ".." not in gone["version"]:
                self._versions.remove(gone["version"])
