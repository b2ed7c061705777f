"""The keys of encrypted stagings, as the database keeps them: wrapped, one a staging, gone before its files are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from maskgate.gate.staging import Staging
from maskgate.gate.staging_cipher import StagingKey
from maskgate.store.tables import staging_keys

if TYPE_CHECKING:
    from maskgate.gate.model import StagingRoot
    from maskgate.store import Work


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


def erase_staging_key(work: Work, staging_id: str) -> bool:
    """Erase a key for good; say whether there was one."""
    return work.execute(delete(staging_keys).where(staging_keys.c.staging == staging_id)).rowcount == 1
