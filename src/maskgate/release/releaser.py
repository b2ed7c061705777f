"""The releaser: moves the bytes that were signed to the destination that was signed, and no others.

It believes the order, which the gate makes from a verified and consumed grant, but not the sealed folder: every byte
is hashed as it is written, and compared with what was sealed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.errors import Refused
from maskgate.gate.content import content_digest
from maskgate.gate.fault_points import reach
from maskgate.gate.releaser import Copied, location_of
from maskgate.gate.staged_names import MANIFEST, check_staged_name
from maskgate.release import broker
from maskgate.release.destinations import check_fit, open_destination
from maskgate.release.masking import mask_source
from maskgate.release.sealed_bytes import Pace
from maskgate.release.temporary_name import check_order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from maskgate.gate.model import Destination, MeasuredTable
    from maskgate.gate.releaser import ReleaseOrder
    from maskgate.gate.sources import Masked, MaskOrder
    from maskgate.release.destinations import Place


class DestinationReleaser:
    """Releases to registered destinations; satisfies :class:`maskgate.gate.releaser.Releaser`.

    Attributes:
        bytes_per_second: Throttle; None for none.
    """

    is_elsewhere = False

    def __init__(self, bytes_per_second: int | None = None) -> None:
        self.bytes_per_second = bytes_per_second

    def check_fit(self, destination: Destination, tables: Sequence[MeasuredTable]) -> None:
        """See, before anybody is asked to sign, whether a destination takes tables of such columns.

        Raises:
            Refused: If not.
        """
        check_fit(destination, tables)

    def copy(self, order: ReleaseOrder, progress: Callable[[int, int], None]) -> Copied:
        """Write the sealed files where they are not visible yet.

        Raises:
            Refused: If the bytes are not those that were sealed; what was written is removed.
            Conflict: If a later fence is at work.
            DatasetError: If the destination cannot be written.
        """
        place = _place(order)
        sealed = order.sealed
        digest = content_digest(sealed.rules_digest, sealed.files, sealed.tables)
        if digest != sealed.content_digest:
            raise Refused(
                f"request {order.request}: the gate's list of sealed files is not the one that was signed. "
                "Nothing was released. Look into who can write to the gate's database, and make a new request."
            )
        try:
            place.copy(order, Pace(self.bytes_per_second, progress, sealed.size))
        except Refused:
            place.clean(order)
            raise
        return Copied(location_of(order), sealed.files, digest)

    def commit(self, order: ReleaseOrder) -> None:
        """Publish what was copied, in one step; does nothing if it is published.

        Raises:
            Refused: If something else is there under the version's name.
            Conflict: If a later fence is at work.
            DatasetError: If the destination cannot be written.
        """
        reach("before publish")
        _place(order).commit(order)

    def probe(self, order: ReleaseOrder) -> str:
        """Say whether the version is at the destination: ``committed`` or ``absent``.

        Raises:
            Refused: If something else is there under its name.
            DatasetError: If the destination cannot be read.
        """
        return _place(order).probe(order)

    def versions(self, destination: Destination) -> list[str]:
        """List the names of what was published at a destination.

        Raises:
            DatasetError: If it cannot be read.
        """
        return open_destination(destination).versions()

    def mask(self, order: MaskOrder, progress: Callable[[int, int], None]) -> Masked:
        """Mask tables of a source, with the keys that its rules refer to.

        Raises:
            MaskgateError: If the source cannot be read, or not be masked by its rules; the folder is empty then.
        """
        return mask_source(order, progress)

    def lend(self, order: ReleaseOrder, now: datetime, until: datetime) -> dict[str, Any]:
        """Return a credential with which a caller writes the files of one release, until a moment."""
        _place(order)
        return broker.lend(order, now, until)

    def check_uploads(self, order: ReleaseOrder) -> None:
        """Look at every file that a caller has written.

        Raises:
            Refused: If one is missing or is not what was signed.
        """
        broker.check_uploads(order)

    def clean(self, order: ReleaseOrder) -> None:
        """Remove what this grant has left unpublished, up to this fence."""
        _place(order).clean(order)


def _place(order: ReleaseOrder) -> Place:
    check_order(order)
    paths = [file.path for file in order.sealed.files]
    for path in paths:
        check_staged_name(path)
    if MANIFEST not in paths:
        raise Refused(f"request {order.request} was sealed without {MANIFEST}. Make a new request.")
    return open_destination(order.destination)
