"""Where masked files go, so that nobody sees half of them.

* A new file or folder is written into a work folder beside its place, and gets its name when it is whole.
* A staging that exists and is empty, and an object store, are written into; the manifest comes last, and says which
  files count.
* One run at a time writes to a target. Who comes second is told.
* What cannot be finished is taken away again, or left in the work folder for a run that goes on from there.
* A target that is there already stays as it is. A run that resumes may find that it is its own result.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from maskgate.datasets.formats import format_of
from maskgate.datasets.local_output import FolderThatExists, open_path
from maskgate.datasets.object_output import open_objects
from maskgate.datasets.object_store import plain_path

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
        DatasetError: If there is something already that is not what is resumed, or another run writes there.
    """
    target = plain_path(target)
    if "://" in target:
        return open_objects(target, one_file=is_one_file(target), existing=existing, resume=resume)
    if existing:
        return FolderThatExists.open(Path(target))
    return open_path(Path(target), one_file=is_one_file(target), resume=resume)


def is_one_file(target: str) -> bool:
    """Say whether a target names one file rather than a folder of parts."""
    return format_of(target) is not None
