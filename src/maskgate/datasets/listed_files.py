"""The files of a folder that a run has written are those that its manifest names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from maskgate.datasets.files import without_partition_values
from maskgate.datasets.manifest import FORMAT, NAME
from maskgate.datasets.storage_errors import reason_of
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

# Where a run in an object store keeps its claim and its journal.
RUN = "_maskgate"


def check_complete(shown: str, places: Collection[str]) -> None:
    """Refuse a prefix that a run is still writing to, or was interrupted at.

    Args:
        shown: What messages call it.
        places: Everything below it.

    Raises:
        DatasetError: If there is what only an unfinished run has.
    """
    is_begun = any(place.split("/")[0] == RUN for place in places)
    if is_begun and NAME not in places:
        raise DatasetError(
            f"{shown}: a run is writing there, or was interrupted, so that some of its rows are missing. Wait for it, "
            "or let it be resumed."
        )


def check_listed(shown: str, sizes: Mapping[str, int | None], manifest: Callable[[], bytes]) -> None:
    """Hold the files of a folder to the manifest in it.

    Args:
        shown: What messages call the folder.
        sizes: The files of the folder, and how many bytes they have, if that is known.
        manifest: Reads it.

    Raises:
        DatasetError: If a file is missing, has another size, or is none of these.
    """
    try:
        content = manifest()
    except OSError as error:
        raise DatasetError(f"{shown}: {NAME} cannot be read: {reason_of(error)}.") from None
    listed = _listed(content)
    if listed is None:
        return
    for name in sorted(listed.keys() | sizes.keys()):
        size = sizes.get(name)
        if name not in listed:
            problem = "is not in the manifest there. Keep it elsewhere, or name the files by a pattern."
        elif name not in sizes:
            problem = "is in the manifest there, and is gone. Mask the data again."
        elif size is not None and size != listed[name]:
            problem = "is not as long as the manifest there says. Mask the data again."
        else:
            continue
        raise DatasetError(f"{shown}: {without_partition_values(name)} {problem}")


def _listed(content: bytes) -> Mapping[str, int] | None:
    """Return the files that a manifest of ours names; None if it is somebody else's."""
    try:
        told = json.loads(content)
        if told["format"] != FORMAT:
            return None
        return {file["path"]: file["size"] for table in told["tables"].values() for file in table["files"]}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
