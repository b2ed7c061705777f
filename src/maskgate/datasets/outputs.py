"""Where masked files go, so that nobody sees half of them.

* A new file or folder is written into a work folder beside its place, and gets its name when it is whole.
* A staging that exists and is empty, and an object store, are written into; the manifest comes last, and says which
  files count.
* One run at a time writes to a target. Who comes second is told.
* What cannot be finished is taken away again, or left in the work folder for a run that goes on from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from maskgate.datasets.formats import format_of
from maskgate.datasets.local_output import FolderThatExists, NewTarget, is_empty
from maskgate.datasets.object_output import open_objects
from maskgate.datasets.object_store import plain_path, without_credentials
from maskgate.datasets.storage_errors import translated
from maskgate.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from maskgate.datasets.journal import Journal


class Output(Protocol):
    """A place that masked files go to.

    Attributes:
        journal: What is finished of a run; None if a run cannot be resumed.
    """

    journal: Journal | None

    def create(self, name: str) -> BinaryIO:
        """Open a new file for writing; `name` may have one folder in it."""
        ...

    def reopen(self, name: str) -> BinaryIO:
        """Open a finished file for reading."""
        ...

    def finish(self) -> None:
        """Show everything that was written."""
        ...

    def abandon(self) -> None:
        """Take away everything that was written."""
        ...

    def leave(self) -> bool:
        """Leave the finished parts for a run that goes on from there; say whether there are any."""
        ...


def open_output(target: str, *, existing: bool = False, resume: bool = False) -> Output:
    """Open the place that a target names.

    Args:
        target: A path or URI; with the suffix of a format it is one file, otherwise a folder.
        existing: Write into a folder that is there and empty, such as a staging.
        resume: Go on where a run before has stopped, if there was one.

    Raises:
        DatasetError: If there is something already, or another run writes there.
        UsageError: If a single object shall be resumed.
    """
    target = plain_path(target)
    if "://" in target:
        if resume and is_one_file(target):
            raise UsageError(
                f"{without_credentials(target)}: a single object is written in one go. To be able to resume, name a "
                "prefix, which gets parts."
            )
        return open_objects(target, one_file=is_one_file(target), existing=existing, resume=resume)
    if existing:
        return FolderThatExists.open(Path(target))
    path = Path(target)
    if translated(target, lambda: _is_taken(path, one_file=is_one_file(target))):
        # A run that was killed when all was done has left nothing to go on from.
        left = ", and nothing is left to resume" if resume else ""
        raise DatasetError(f"{target}: it exists already{left}. Choose another target, or remove it first.")
    return NewTarget.open(path, one_file=is_one_file(target), resume=resume)


def _is_taken(path: Path, *, one_file: bool) -> bool:
    return path.is_symlink() or (path.exists() and (one_file or not path.is_dir() or not is_empty(path)))


def is_one_file(target: str) -> bool:
    """Say whether a target names one file rather than a folder of parts."""
    return format_of(target) is not None
