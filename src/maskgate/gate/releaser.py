"""What the gate asks of a releaser: copy sealed bytes under a temporary name, then publish them at once.

The temporary name holds the grant *and* the fence, so that a releaser that was thought dead can never publish what
its successor is writing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from maskgate.errors import DatasetError
from maskgate.gate.locations import parse_location

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from maskgate.gate.model import Destination, MeasuredTable, Sealed, SealedFile
    from maskgate.gate.sources import Masked, MaskOrder


# Below it lie the versions of a destination whose mode is not `new_version`.
VERSIONS = "versions"


@dataclass(frozen=True)
class ReleaseOrder:
    """What to release, where, under which fence.

    Attributes:
        grant: The consumed grant's id.
        fence: Which attempt this is; a later attempt has a greater fence.
        request: The request's id.
        destination: Where to.
        sealed: The gate's copy of the bytes.
        version: Name of the folder to appear at the destination.
    """

    grant: str
    fence: int
    request: str
    destination: Destination
    sealed: Sealed
    version: str


@dataclass(frozen=True)
class Copied:
    """What was written, hashed as it was written."""

    location: str
    files: tuple[SealedFile, ...]
    content_digest: str

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "location": self.location,
            "files": [asdict(file) for file in self.files],
            "content_digest": self.content_digest,
        }


def location_of(order: ReleaseOrder) -> str:
    """Return the address of what appears at the destination."""
    place = parse_location(order.destination.uri)
    if place.is_table:
        return place.uri
    return place.child(order.version if order.destination.mode == "new_version" else f"{VERSIONS}/{order.version}")


class Releaser(Protocol):
    """The part that holds destination credentials and moves approved bytes."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether a process of its own does all of it, so that this one has nothing to do."""
        ...

    def check_fit(self, destination: Destination, tables: Sequence[MeasuredTable]) -> None:
        """See, before anybody is asked to sign, whether a destination takes tables of such columns.

        Raises:
            Refused: If not.
        """
        ...

    def copy(self, order: ReleaseOrder, progress: Callable[[int, int], None]) -> Copied:
        """Write the sealed files under the temporary name of this grant and fence; nothing is visible yet.

        Args:
            order: What to copy. Leftovers of earlier fences of the same grant are cleared first.
            progress: Called with bytes done and bytes in all; what it raises ends the copy.

        Raises:
            Refused: If what was written does not hash to what was sealed; the temporary name is removed.
            DatasetError: If the destination cannot be written.
        """
        ...

    def commit(self, order: ReleaseOrder) -> None:
        """Publish what was copied, in one step. Does nothing if it is published already.

        Raises:
            DatasetError: If the destination cannot be written.
        """
        ...

    def probe(self, order: ReleaseOrder) -> str:
        """Say whether the version is at the destination: ``committed``, ``absent``, or ``unknown``.

        ``unknown`` is for what leaves no trace that could be looked for, such as a call of somebody else's service.
        """
        ...

    def clean(self, order: ReleaseOrder) -> None:
        """Remove temporary names of this grant, of this fence and earlier ones."""
        ...

    def versions(self, destination: Destination) -> list[str]:
        """List the names of what was published at a destination.

        Raises:
            DatasetError: If it cannot be read.
        """
        ...

    def mask(self, order: MaskOrder, progress: Callable[[int, int], None]) -> Masked:
        """Mask tables of a source, with credentials and keys that only the releaser has.

        Args:
            order: What to mask, and where the masked files go.
            progress: Called with rows done and rows in all; what it raises ends the masking.

        Raises:
            MaskgateError: If the source cannot be read, or not be masked by its rules; the folder is empty then.
        """
        ...

    def lend(self, order: ReleaseOrder, now: datetime, until: datetime) -> dict[str, Any]:
        """Return a credential with which a caller writes the files of one release, until a moment."""
        ...

    def check_uploads(self, order: ReleaseOrder) -> None:
        """Look at every file that a caller has written.

        Raises:
            Refused: If one is missing or is not what was signed.
        """
        ...


class ReleaserElsewhere:
    """The releaser of a gate that holds no credentials: a process of its own asks for the work."""

    is_elsewhere = True

    def check_fit(self, destination: Destination, tables: Sequence[MeasuredTable]) -> None:
        """Leave it to the process, which refuses when it is to release."""

    def copy(self, order: ReleaseOrder, progress: Callable[[int, int], None]) -> Copied:  # noqa: ARG002  the protocol
        """Refuse."""
        raise _not_here(order)

    def commit(self, order: ReleaseOrder) -> None:
        """Refuse."""
        raise _not_here(order)

    def probe(self, order: ReleaseOrder) -> str:
        """Refuse."""
        raise _not_here(order)

    def clean(self, order: ReleaseOrder) -> None:
        """Refuse."""
        raise _not_here(order)

    def versions(self, destination: Destination) -> list[str]:
        """Refuse."""
        raise DatasetError(f"a process of its own releases to {destination.id}, and this is not it.")

    def mask(self, order: MaskOrder, progress: Callable[[int, int], None]) -> Masked:  # noqa: ARG002  the protocol
        """Refuse."""
        raise DatasetError(f"a process of its own masks the source {order.source.id}, and this is not it.")

    def lend(self, order: ReleaseOrder, now: datetime, until: datetime) -> dict[str, Any]:  # noqa: ARG002  the protocol
        """Refuse."""
        raise _not_here(order)

    def check_uploads(self, order: ReleaseOrder) -> None:
        """Refuse."""
        raise _not_here(order)


def _not_here(order: ReleaseOrder) -> DatasetError:
    return DatasetError(f"request {order.request} is released by a process of its own, and this is not it.")
