"""Parts that a run before has finished are read once more, since they become part of what this run answers for."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maskgate.datasets.journal import PartRecord

_READERS = 4


def check_finished(parts: Sequence[PartRecord], reopen: Callable[[str], BinaryIO]) -> None:
    """Hold finished parts to what the journal says of them.

    Args:
        parts: What the journal says.
        reopen: Opens one by its name.

    Raises:
        DatasetError: If one is gone, or is not what it was.
    """
    with ThreadPoolExecutor(_READERS, thread_name_prefix="maskgate-check") as pool:
        for part, found in zip(parts, pool.map(partial(_hash_of, reopen), parts), strict=True):
            if found != part.sha256:
                raise DatasetError(
                    f"{part.path}: this part was finished by the run that was interrupted, and "
                    f"{'has changed' if found else 'is gone, or cannot be read,'} since. Remove what that run has left "
                    "and mask the data anew, without --resume."
                )


def _hash_of(reopen: Callable[[str], BinaryIO], part: PartRecord) -> str:
    """Return the hash of a part; nothing, if it cannot be read."""
    try:
        with reopen(part.path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001  each filesystem has its own errors, and they may hold credentials
        return ""
