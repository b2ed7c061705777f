"""Destinations that count: those that the gate began with, and those that somebody has signed since.

One that was added to the configuration, or leads elsewhere than it did, is of no use until its change is signed.
Whoever can write the configuration could otherwise redirect what others have signed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from maskgate.canonical import canonical_bytes, digest
from maskgate.errors import Refused
from maskgate.store import tables

if TYPE_CHECKING:
    from datetime import datetime

    from maskgate.gate.model import Destination
    from maskgate.store import Work

# Options that hold secrets. They are not kept, so changing one is no change of where data goes.
_BEGUN = "destinations-begun"
_SECRET = re.compile(r"(?i)secret|password|token|key|credential|sas|signature")


def registration_of(destination: Destination) -> dict[str, Any]:
    """Return all that says where a destination leads, its options too but for secrets."""
    return {**destination.as_json(), "options": _open_options(dict(destination.options))}


def registration_digest(destination: Destination) -> str:
    """Hash where a destination leads."""
    return digest("registration", registration_of(destination))


def put_destination_in_force(work: Work, registered: str, now: datetime) -> str:
    """Make a stored destination count, in place of what had its id; return the id."""
    id_: str = work.execute(
        select(tables.destinations.c.id).where(tables.destinations.c.digest == registered)
    ).scalar_one()
    work.execute(update(tables.destinations).where(tables.destinations.c.id == id_).values(active=False))
    chosen = update(tables.destinations).where(tables.destinations.c.digest == registered)
    work.execute(chosen.values(active=True, activated_at=now))
    return id_


def store_destination(work: Work, destination: Destination) -> str:
    """Keep a destination, so that it can be signed; return its digest."""
    registered = registration_digest(destination)
    known = select(tables.destinations.c.digest).where(tables.destinations.c.digest == registered)
    if work.execute(known).first() is None:
        content = registration_of(destination)
        row = {"digest": registered, "id": destination.id, "content": content, "active": False}
        work.execute(tables.destinations.insert().values(row))
    return registered


def registration_in_force(work: Work, id_: str) -> dict[str, Any] | None:
    """Return where an id leads by what was signed; None if nothing was."""
    chosen = select(tables.destinations.c.content).where(tables.destinations.c.id == id_, tables.destinations.c.active)
    content: dict[str, Any] | None = work.execute(chosen).scalar()
    return content


def have_begun(work: Work) -> bool:
    """Whether this gate has ever put its destinations in force, were it none."""
    chosen = select(tables.settings.c.name).where(tables.settings.c.name == _BEGUN)
    return work.execute(chosen).first() is not None


def note_begun(work: Work) -> None:
    """Note that the destinations that the gate begins with are in force; from then on others take signatures."""
    if not have_begun(work):
        work.execute(tables.settings.insert().values(name=_BEGUN, value=True))


def is_in_force(work: Work, destination: Destination) -> bool:
    """Whether a destination of the configuration is the one that was signed."""
    chosen = select(tables.destinations.c.active).where(
        tables.destinations.c.digest == registration_digest(destination)
    )
    return bool(work.execute(chosen).scalar())


def must_be_in_force(work: Work, destination: Destination) -> None:
    """Refuse a destination that nobody has signed.

    Raises:
        Refused: If it was added or changed since.
    """
    if not is_in_force(work, destination):
        raise Refused(
            f"the destination {destination.id} was added to the gate's configuration or changed there, and nobody has "
            "signed that yet. The gate asks for it when it starts, under a policy for change-destinations."
        )


def _open_options(options: dict[Any, Any]) -> dict[str, Any]:
    return {
        str(name): _open_options(value) if isinstance(value, dict) else _plain(value)
        for name, value in options.items()
        if not _SECRET.search(str(name))
    }


def _plain(value: Any) -> Any:
    try:
        canonical_bytes(value)
    except Exception:  # noqa: BLE001  whatever it is, it has to be told apart from another
        return str(value)
    return value
