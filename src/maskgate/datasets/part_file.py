"""One file that is written once, front to back, and hashed on the way."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any, BinaryIO

from maskgate.datasets.checkpoint import WrittenSegment
from maskgate.datasets.early_sync import EarlySync
from maskgate.datasets.object_uploads import discard_file
from maskgate.datasets.storage_errors import reason_of
from maskgate.errors import DatasetError, MaskgateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from maskgate.datasets.checkpoint import Checkpoint
    from maskgate.datasets.formats import Assembly, Segment


class PartFile:
    """A file put together from segments.

    Args:
        file: Where the bytes go.
        assembly: Which bytes these are.
        checkpoint: How far the file is already.
    """

    def __init__(self, file: BinaryIO, assembly: Assembly, checkpoint: Checkpoint | None = None) -> None:
        self._file = file
        self._assembly = assembly
        self._sync = EarlySync(file)
        self._hash = hashlib.sha256()
        self.size = 0
        self.rows = 0
        self._noted: list[WrittenSegment] = []
        if checkpoint is None:
            self._write(assembly.begin())
        else:
            self._hash = checkpoint.go_on(file, assembly)
            self.size, self.rows = checkpoint.part.size, checkpoint.part.rows

    def add(self, segment: Segment) -> None:
        """Write a segment.

        Raises:
            DatasetError: If it cannot be written.
        """
        for data in self._assembly.add(segment):
            self._write(data)
        self.rows += segment.rows
        self._noted.append(WrittenSegment(segment.rows, segment.size, self._assembly.remembered()))
        if segment.release is not None:
            segment.release()

    def store(self) -> tuple[dict[str, Any], list[WrittenSegment]]:
        """Bring the bytes so far to the disk; return their size and SHA-256, and the segments since the last time.

        Raises:
            DatasetError: If it cannot be written.
        """
        _translated(self._sync.reach)
        noted, self._noted = self._noted, []
        return {"size": self.size, "sha256": self._hash.hexdigest()}, noted

    def finish(self) -> dict[str, Any]:
        """Write the end, bring the bytes to the disk, close, and return size and SHA-256.

        Raises:
            DatasetError: If it cannot be written.
        """
        self._write(self._assembly.end())
        _translated(self._close)
        return {"size": self.size, "sha256": self._hash.hexdigest()}

    def _write(self, data: Any) -> None:
        view = memoryview(data).cast("B")
        _translated(lambda: self._file.write(view))
        _translated(lambda: self._sync.wrote(len(view)))
        self._hash.update(view)
        self.size += len(view)

    def _close(self) -> None:
        self._sync.finish()
        self._file.close()

    def discard(self) -> None:
        """Close a file that will be removed; what fails then does not matter."""
        self._sync.stop()
        with contextlib.suppress(OSError):
            discard_file(self._file)


def _translated(write: Callable[[], Any]) -> None:
    failure = ""
    try:
        write()
    except MaskgateError:
        raise
    except FileExistsError:
        failure = "something has appeared at the target meanwhile"
    except Exception as error:  # noqa: BLE001  each filesystem has its own errors, and they may hold credentials
        failure = reason_of(error)
    if failure:
        raise DatasetError(f"the masked data cannot be written: {failure}.")
