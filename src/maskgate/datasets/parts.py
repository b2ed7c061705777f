"""The files of one masked table, written one after the other."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from maskgate.datasets.journal import PartRecord
from maskgate.datasets.part_file import PartFile
from maskgate.datasets.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maskgate.datasets.formats import Encoder, Format, Segment
    from maskgate.datasets.layout import Layout
    from maskgate.datasets.outputs import Output
    from maskgate.datasets.working import Done
    from maskgate.masking import MaskingReport
    from maskgate.masking.run import MaskedBatch


@dataclass(frozen=True)
class Sink:
    """How masked tables are written.

    Attributes:
        output: Where the files go.
        format: What format they have.
        layout: How they are laid out.
        resumes: Whether finished files are written down in the output's journal.
    """

    output: Output
    format: Format
    layout: Layout
    resumes: bool = False


@dataclass(frozen=True)
class Names:
    """What the files of a table are called.

    Attributes:
        folder: The folder they are in, with a slash behind it; empty for that of the output itself.
        only: The name of the only file; None for numbered parts.
    """

    folder: str = ""
    only: str | None = None

    def at(self, number: int, suffix: str) -> str:
        """Return the name of a file."""
        return self.only or f"{self.folder}part-{number:05}{suffix}"


class Parts:
    """Writes segments into files, and begins the next file when one is large enough.

    As a context manager, what is not finished is closed and counts for nothing.

    Args:
        sink: Where to and how.
        names: What the files are called.
        encoder: What knows how a file begins and ends.
        empty: The report on no rows.
    """

    def __init__(self, sink: Sink, names: Names, encoder: Encoder, empty: MaskingReport) -> None:
        self._sink = sink
        self._names = names
        self._encoder = encoder
        self._empty = empty
        journal = sink.output.journal if sink.resumes else None
        self._journal = journal
        self._finished = [] if journal is None else list(journal.parts)
        self._checkpoint = None if journal is None else journal.checkpoint
        self._open: PartFile | None = None
        self._report = empty
        self._stored_size = 0
        self._began = time.monotonic()
        self._resumed = self.finished_rows
        self.size = sum(part.size for part in self._stored)

    @property
    def _stored(self) -> list[PartRecord]:
        return self._finished if self._checkpoint is None else [*self._finished, self._checkpoint.part]

    @property
    def finished_rows(self) -> int:
        """How many rows are in finished files, or in finished stretches of a single one."""
        return sum(part.rows for part in self._stored)

    def finished_report(self) -> MaskingReport:
        """Return what was done to these rows."""
        return sum((part.report(self._empty) for part in self._stored), self._empty)

    def add(self, segments: Sequence[Segment], report: MaskingReport) -> None:
        """Write segments of rows, and what was done to them.

        Raises:
            DatasetError: If they cannot be written.
        """
        for segment in segments:
            part = self._open or self._begin()
            part.add(segment)
            self.size += segment.size
            # What was done to all of them is put down with the first.
            self._report, report = self._report + report, self._empty
            if self._names.only is None and part.size >= self._sink.layout.file_bytes:
                self._end(part)
        self._store()

    def take(self, done: Done) -> tuple[MaskedBatch, ...]:
        """Write a stretch of rows, and return what the run wants to know of it.

        Raises:
            DatasetError: If it cannot be written.
        """
        if done.segments:
            self.add(done.segments, done.report)
        return done.masked

    def progress(self, rows: int, total: int | None, about: int | None = None) -> Progress:
        """Say how far it is."""
        seconds = time.monotonic() - self._began
        return Progress(
            self._empty.table, rows, total, self.size, self._path(), seconds, self._resumed, about_rows=about
        )

    def finish(self) -> tuple[dict[str, Any], ...]:
        """End the last file; return path, size and SHA-256 of each. There is always one, even without rows."""
        if self._open is not None or not self._finished:
            self._end(self._open or self._begin())
        return tuple(part.file for part in self._finished)

    def rows(self) -> tuple[int, ...]:
        """Return how many rows each finished file has."""
        return tuple(part.rows for part in self._finished)

    def _begin(self) -> PartFile:
        go_on = None if self._journal is None or self._checkpoint is None else self._journal.go_on
        file = self._sink.output.create(self._path()) if go_on is None else go_on()
        self._open = PartFile(file, self._encoder.assembly(), self._checkpoint)
        self._report = self._empty if self._checkpoint is None else self._checkpoint.part.report(self._empty)
        self._stored_size = self._open.size
        return self._open

    def _store(self) -> None:
        """Write down how far a single file is, as often as there would be another part."""
        part, journal = self._open, self._journal
        if part is None or journal is None or self._names.only is None:
            return
        if part.size - self._stored_size >= self._sink.layout.file_bytes:
            written, segments = part.store()
            record = PartRecord.of({"path": self._path(), **written}, part.rows, self._report)
            journal.add_checkpoint(record, segments)
            self._stored_size = part.size

    def _end(self, part: PartFile) -> None:
        written = {"path": self._path(), **part.finish()}
        self._open = self._checkpoint = None
        record = PartRecord.of(written, part.rows, self._report)
        self._finished.append(record)
        if self._journal is not None:
            self._journal.add(record)

    def _path(self) -> str:
        return self._names.at(len(self._finished), self._sink.format.suffixes[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._open is not None:
            self._open.discard()
