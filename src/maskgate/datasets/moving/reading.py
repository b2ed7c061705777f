"""The first of two passes: what moves is read, and put in order."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from maskgate.datasets.feeding import cut, stretches
from maskgate.datasets.moving.moves import Moves
from maskgate.datasets.pipeline import in_order
from maskgate.datasets.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from maskgate.datasets.feeding import Stretch
    from maskgate.datasets.formats import Piece
    from maskgate.datasets.source import Source
    from maskgate.masking import MaskingPlan

_READING = "first pass, reading what changes rows"
_MOVING = "first pass, putting in order"


def read_moves(
    source: Source,
    plan: MaskingPlan,
    rows: int,
    memory: int,
    *,
    workers: int,
    progress: Callable[[Progress], None] | None = None,
) -> Moves:
    """Read what moves, and put it where it belongs.

    Args:
        source: The table; it is read again afterwards.
        plan: What is done to it.
        rows: How many rows a stretch has.
        memory: How many bytes there are.
        workers: How many threads look at what is read.
        progress: Told how far it is.

    Raises:
        DatasetError: If memory or the folder for temporary files is too small.
        MaskingError: If a method cannot take a value.
    """
    began, read = time.monotonic(), 0

    def say(step: str) -> None:
        if progress is not None:
            seconds, about = time.monotonic() - began, source.about_rows
            progress(Progress(plan.table, read, source.rows, 0, seconds=seconds, step=step, about_rows=about))

    moves = Moves(plan, memory)
    try:
        feed = stretches(_only(source, moves.columns), rows)
        for start, batch in in_order(_batch, feed, workers, memory):
            for at, part in cut(batch, source.batch_rows, start):
                moves.take_down(at, part)
            read = start + batch.num_rows
            say(_READING)
        moves.move(lambda column: say(f"{_MOVING} {column}"))
    except BaseException:
        moves.close()
        raise
    return moves


def _batch(stretch: Stretch) -> tuple[int, pa.RecordBatch]:
    return stretch.start, stretch.batch()


def _only(source: Source, columns: Sequence[str]) -> Source:
    """Return a source of some columns, cut as the whole is."""

    def read(piece: Piece, rows: int, _columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        return source.read(piece, rows, columns)

    return replace(source, read=read)
