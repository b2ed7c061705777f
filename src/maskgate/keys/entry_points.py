"""What installed packages bring, looked up when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints


def entry_points(*, group: str, name: str | None = None) -> EntryPoints:
    """Return the entry points of all packages, as :mod:`importlib.metadata` does, which takes long to load."""
    from importlib import metadata  # noqa: PLC0415  most runs need none

    found = metadata.entry_points(group=group)
    return found if name is None else found.select(name=name)
