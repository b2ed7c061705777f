"""The keys of encrypted stagings, as the database keeps them: wrapped, one a staging, gone before its files are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select

from maskgate.errors import Refused
from maskgate.gate.sources import MASKED_ROOT
from maskgate.gate.staging import Staging
from maskgate.gate.staging_cipher import StagingKey
from maskgate.store.tables import maskings, staging_keys, stagings

if TYPE_CHECKING:
    from maskgate.gate.model import Sealed, StagingRoot
    from maskgate.gate.registry import Registry
    from maskgate.gate.request import Request
    from maskgate.keys import Key
    from maskgate.store import Work

_KEY_OF = (
    select(staging_keys.c.wrapped, stagings.c.root)
    .join(stagings, stagings.c.id == staging_keys.c.staging)
    .where(staging_keys.c.staging == bindparam("id"))
)


def make_staging_key(work: Work, root: StagingRoot, staging_id: str) -> None:
    """Draw the key of a new staging, where its root encrypts."""
    if root.encrypt is not None:
        wrapped = StagingKey.new(staging_id).wrapped(root.encrypt)
        work.execute(staging_keys.insert().values(staging=staging_id, wrapped=wrapped))


def find_staging(work: Work, root: StagingRoot, staging_id: str) -> Staging:
    """Return a staging with its key, for reading and writing.

    Raises:
        Refused: If its key cannot be unwrapped.
    """
    chosen = select(staging_keys.c.wrapped).where(staging_keys.c.staging == staging_id)
    wrapped = work.execute(chosen).scalar()
    if wrapped is None or root.encrypt is None:
        return Staging(root)
    return Staging(root, StagingKey.unwrapped(staging_id, wrapped, root.encrypt))


def with_key(work: Work, registry: Registry, request: Request) -> Sealed | None:
    """Return the sealed copy of a request with the key that it is encrypted by, where it is.

    Raises:
        Refused: If the configuration no longer names what unwraps that key.
    """
    sealed = request.sealed
    row = work.execute(_KEY_OF, {"id": request.staging}).first()
    if sealed is None or row is None:
        return sealed
    wrapping = _wrapping(work, registry, request.staging or "", row.root)
    if wrapping is None:
        raise Refused(
            f"the sealed copy of request {request.id} is encrypted, and the staging root or source that it is of no "
            "longer names the key for it. Put `encrypt:` back."
        )
    return replace(sealed, key=StagingKey.unwrapped(request.staging or "", row.wrapped, wrapping))


def _wrapping(work: Work, registry: Registry, staging_id: str, root: str) -> Key | None:
    """Return what the configuration names for wrapping a staging's key, at its root or its source."""
    if root == MASKED_ROOT:
        name = work.execute(select(maskings.c.source).where(maskings.c.staging == staging_id)).scalar()
        source = registry.sources.get(str(name))
        return None if source is None else source.encrypt
    place = registry.staging.get(root)
    return None if place is None else place.encrypt


def is_encrypted_staging(work: Work, staging_id: str | None) -> bool:
    """Whether a staging, and the sealed copy of it, lie encrypted."""
    return work.execute(_KEY_OF, {"id": staging_id}).first() is not None


def erase_staging_key(work: Work, staging_id: str) -> bool:
    """Erase a key for good; say whether there was one."""
    return work.execute(delete(staging_keys).where(staging_keys.c.staging == staging_id)).rowcount == 1
