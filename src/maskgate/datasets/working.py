"""What is done to a stretch of rows, on any thread: checked, masked, encoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from maskgate.datasets.collecting import collect
from maskgate.datasets.feeding import Stretch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from maskgate.datasets.formats import Encoder, Segment
    from maskgate.datasets.source import Source
    from maskgate.masking import MaskingReport, MaskingRun
    from maskgate.masking.run import MaskedBatch


@dataclass(frozen=True)
class Done:
    """A stretch that is ready to be written.

    Attributes:
        masked: What the run wants to know of it.
        segments: Its bytes; none if they are in a finished file already.
        report: What was done to it.
    """

    masked: tuple[MaskedBatch, ...] = field(repr=False)
    segments: tuple[Segment, ...] = field(repr=False)
    report: MaskingReport


@dataclass(frozen=True)
class Work:
    """The work of one run.

    Attributes:
        run: Masks.
        encoder: Encodes.
        batch_rows: How many rows are masked at once.
        group_rows: How many rows are encoded together.
        finished_rows: How many rows at the beginning are in finished files.
    """

    run: MaskingRun
    encoder: Encoder
    batch_rows: int
    group_rows: int
    finished_rows: int

    def do(self, stretch: Stretch) -> Done:
        """Mask and encode.

        Raises:
            DatasetError: If the rows are damaged.
            MaskingError: If a method cannot take a value.
        """
        batch = stretch.batch()
        if self.run.plan.whole_table:
            masked = [self.run.mask(batch)]
        else:
            masked = [self.run.mask(each) for each in _cut(batch, self.batch_rows)]
        report = sum((each.report for each in masked[1:]), masked[0].report)
        segments = tuple(self._segments(stretch.start, [each.batch for each in masked]))
        return Done(tuple(each.without_rows() for each in masked), segments, report)

    def whole(self, source: Source, most_bytes: int) -> Iterator[Stretch]:
        """Read a whole table as one stretch, for methods that must see all rows; nothing, if it has none.

        Raises:
            DatasetError: If it is larger than `most_bytes`.
        """
        batch = collect(source, self.run.plan.table, most_bytes)
        if batch.num_rows:
            yield Stretch(0, ((batch, source.pieces[0]),))

    def _segments(self, start: int, batches: Sequence[pa.RecordBatch]) -> Iterator[Segment]:
        if len(batches) > 1:
            # A row group of several batches.
            if start >= self.finished_rows:
                yield self.encoder.encode(batches)
            return
        for part in _cut(batches[0], self.group_rows):
            if start >= self.finished_rows:
                yield self.encoder.encode([part])
            start += part.num_rows


def _cut(batch: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
    """Cut a batch into what is handled at once; nothing, if it has no rows."""
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)
