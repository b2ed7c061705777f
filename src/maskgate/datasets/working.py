"""What is done to a stretch of rows, on any thread: checked, masked, encoded."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.datasets.feeding import cut
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maskgate.datasets.feeding import Stretch
    from maskgate.datasets.formats import Encoder, Segment
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
        turn_to: Called before rows are masked, on the same thread, with how many rows come before them.
    """

    run: MaskingRun
    encoder: Encoder
    batch_rows: int
    group_rows: int
    finished_rows: int
    turn_to: Callable[[int], None]

    def do(self, stretch: Stretch) -> Done:
        """Mask and encode.

        Raises:
            DatasetError: If the rows are damaged.
            MaskingError: If a method cannot take a value.
        """
        held, first = [stretch.batch()], stretch.start
        del stretch
        masked = self._masked(first, held)
        report = sum((each.report for each in masked[1:]), masked[0].report)
        # Only the list has the rows then, and the encoder can let go of each column that it is through with.
        batches = [each.batch for each in masked]
        masked = [each.without_rows() for each in masked]
        return Done(tuple(masked), tuple(self._segments(first, batches)), report)

    def _masked(self, first: int, held: list[pa.RecordBatch]) -> list[MaskedBatch]:
        if self.run.plan.whole_table:
            return [self.run.mask(held)]
        if held[0].num_rows <= self.batch_rows:
            return [self._mask(first, held)]
        return [self._mask(start, [each]) for start, each in cut(held.pop(), self.batch_rows, first)]

    def _mask(self, start: int, held: list[pa.RecordBatch]) -> MaskedBatch:
        self.turn_to(start)
        return self.run.mask(held)

    def _segments(self, start: int, batches: list[pa.RecordBatch]) -> Iterator[Segment]:
        if len(batches) > 1 or batches[0].num_rows <= self.group_rows:
            # A row group of one batch, or of several.
            if start >= self.finished_rows:
                yield self._encoded(batches)
            return
        for at, part in cut(batches.pop(), self.group_rows, start):
            if at >= self.finished_rows:
                yield self._encoded([part])

    def _encoded(self, batches: list[pa.RecordBatch]) -> Segment:
        with suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return self.encoder.encode(batches)
        # Outside of the handler: the original error quotes the value.
        raise DatasetError(
            f'table "{self.run.plan.table}": the format of the files cannot hold some masked value, such as a '
            "moment of a far year. Choose another format."
        )
