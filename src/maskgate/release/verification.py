"""What a releaser process checks before it takes a release. It trusts its pinned ring and its own registry.

In this order: the signature by a key of the ring, at a time when that was the gate's key; what the grant is, who issued
it, and for whom; the destination, by id, in the releaser's own registry, and that it leads where it led when it was
signed; that request, list of sealed files and name are those of the grant; that the grant has not run out, by the time
of the gate's database.

The gate's word that somebody signed is no reason for anything, and neither is a row of its database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.clock import timestamp
from maskgate.errors import Refused
from maskgate.gate.content import content_digest
from maskgate.gate.grants import RELEASER, open_envelope
from maskgate.gate.model import Sealed, destination_digest
from maskgate.gate.releaser import ReleaseOrder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from maskgate.gate.grants import Grant
    from maskgate.gate.model import Destination
    from maskgate.gate.ring import Ring

COMMITTING = "committing"


@dataclass(frozen=True)
class OfferedRelease:
    """What the gate says is to be released; nothing of it is believed yet.

    Attributes:
        request: The request's id.
        envelope: What claims to be its grant.
        state: ``releasing`` or ``committing``.
        version: Name of what is to appear at the destination.
        sealed: The list of sealed files, as JSON.
        copy: Which of the gate's sealed copies of the request it is.
        encrypted: Whether that lies encrypted, so that it has to be fetched from the gate.
    """

    request: str
    envelope: Mapping[str, Any]
    state: str
    version: str
    sealed: Mapping[str, Any]
    copy: str
    encrypted: bool = False

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> OfferedRelease:
        """Make it of what the gate answered.

        Raises:
            Refused: If that has another form.
        """
        try:
            texts = [value[name] for name in ("request", "state", "version", "copy")]
            found = cls(
                texts[0], value["grant"], texts[1], texts[2], value["sealed"], texts[3], bool(value.get("encrypted"))
            )
        except (KeyError, TypeError):
            raise Refused("the gate offers a release that is none.") from None
        if not all(isinstance(text, str) for text in texts):
            raise Refused("the gate offers a release that is none.")
        return found


def verify_release(
    offered: OfferedRelease, ring: Ring, destinations: Mapping[str, Destination], now: datetime, folder: str
) -> ReleaseOrder:
    """Return the order that a verified grant is, of fence 0.

    Args:
        offered: What the gate says.
        ring: The pinned ring.
        destinations: The releaser's own registry.
        now: The time of the gate's database.
        folder: Where the sealed copy is, or will be.

    Raises:
        Refused: If anything is not as a trusted key has signed it.
    """
    # What may be visible already is finished, also if its key was revoked, or its time is over, in between.
    may_be_visible = offered.state == COMMITTING
    grant = open_envelope(offered.envelope, ring, accept_revoked=may_be_visible)
    if grant.audience != RELEASER:
        raise Refused("the grant is not for a releaser.")
    destination = _destination(grant, destinations)
    sealed = _sealed(offered, grant, folder)
    if grant.not_after <= now and not may_be_visible:
        raise Refused(f"the grant ran out at {timestamp(grant.not_after)} before the files could be released.")
    return ReleaseOrder(grant.id, 0, grant.request, destination, sealed, offered.version)


def _destination(grant: Grant, destinations: Mapping[str, Destination]) -> Destination:
    destination = destinations.get(grant.destination)
    if destination is None:
        raise Refused(f"the destination {grant.destination!r} is not one of this releaser.")
    if destination_digest(destination) != grant.destination_digest:
        raise Refused(
            f"the destination {grant.destination!r} leads elsewhere here, or is trusted otherwise, than what was "
            "signed. Write the same uri, trust and mode in gate.yaml and releaser.yaml."
        )
    return destination


def _sealed(offered: OfferedRelease, grant: Grant, folder: str) -> Sealed:
    if grant.request != offered.request:
        raise Refused("the grant is for another request.")
    # The name of what appears holds the request, so that a version of one request is never that of another.
    if not offered.version.endswith(f"-{grant.request}"):
        raise Refused("the release is to appear under a name that is not of its request.")
    try:
        sealed = Sealed.from_json({**offered.sealed, "folder": folder})
        digest = content_digest(sealed.rules_digest, sealed.files, sealed.tables)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Refused("the list of sealed files is none.") from None
    if not digest == sealed.content_digest == grant.content_digest:
        raise Refused("the list of sealed files is not the one that was signed.")
    return sealed
