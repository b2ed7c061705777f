"""How far a single file is that is being written, so that another run can go on in the middle of it.

Beside the bytes of the file it takes what their format remembers of each segment, such as where a row group's pages
are: a file is continued by telling a new assembly what the one before remembered.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maskgate.datasets.formats import Assembly
    from maskgate.datasets.journal import PartRecord

_READ = 1 << 20


@dataclass(frozen=True)
class WrittenSegment:
    """A segment whose bytes are in a file already.

    Attributes:
        rows: How many rows it has.
        size: How many bytes.
        note: What the assembly remembers of it: bytes, or what JSON has.
    """

    rows: int
    size: int
    note: Any = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return it for a journal."""
        is_bytes = isinstance(self.note, bytes)
        note = {"bytes": base64.b64encode(self.note).decode()} if is_bytes else {"value": self.note}
        return {"rows": self.rows, "size": self.size, "note": note}

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> WrittenSegment:
        """Take it from a journal."""
        note = entry["note"]
        found = base64.b64decode(note["bytes"]) if "bytes" in note else note["value"]
        return cls(entry["rows"], entry["size"], found)


@dataclass(frozen=True)
class Checkpoint:
    """A file as far as it is safely stored.

    Attributes:
        part: Its bytes so far.
        segments: What they consist of, in order.
    """

    part: PartRecord
    segments: tuple[WrittenSegment, ...] = field(repr=False)

    def with_more(self, part: PartRecord, segments: Sequence[WrittenSegment]) -> Checkpoint:
        """Return how far it is some segments later."""
        return Checkpoint(part, (*self.segments, *segments))

    def go_on(self, file: BinaryIO, assembly: Assembly) -> Any:
        """Put file and assembly where they were, and return the hash of what is there.

        Args:
            file: Open for reading and writing.
            assembly: A new one.

        Raises:
            DatasetError: If the file is not what it was.
        """
        hashed, left = hashlib.sha256(), self.part.size
        while left and (read := file.read(min(left, _READ))):
            hashed.update(read)
            left -= len(read)
        if hashed.hexdigest() != self.part.sha256:
            file.close()
            raise DatasetError(
                f"{self.part.path}: what the run that was interrupted has written of this file has changed since. Mask "
                "the data anew, without --resume."
            )
        # What came behind it may be half a segment.
        os.ftruncate(file.fileno(), self.part.size)
        assembly.begin()
        for segment in self.segments:
            assembly.recall(segment.rows, segment.size, segment.note)
        return hashed
