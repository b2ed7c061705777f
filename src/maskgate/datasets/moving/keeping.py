"""Streams and queries, which come once, kept so that they can be read twice."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.datasets.formats.portions import in_portions
from maskgate.masking.joining import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maskgate.datasets.formats import Piece
    from maskgate.datasets.moving.spill import Place, Spill
    from maskgate.datasets.source import Source


def held_or_kept(source: Source, most: int, spill: Spill) -> tuple[pa.RecordBatch | None, Source]:
    """Read a source that can be read once to its end.

    Args:
        source: The source.
        most: The most bytes that are held.
        spill: Where rows go if there are more.

    Returns:
        All rows, or None if they are too many; and a source that gives them again.

    Raises:
        DatasetError: If it cannot be read, or the folder for temporary files is too small.
        MaskingError: If a column is too long for its type.
    """
    held: list[pa.RecordBatch] = []
    size = 0
    kept = _Kept(source, spill)
    for batch in source.batches():
        size += batch.nbytes
        held.append(batch)
        if size > most:
            for each in held:
                kept.add(each)
            held = []
    if size <= most:
        return joined(held, source.schema), source
    return None, replace(source, read=kept.read, rows=kept.rows, can_be_read_again=True)


class _Kept:
    """Rows in a file, each batch as a stream of Arrow's own, with its dictionaries."""

    def __init__(self, source: Source, spill: Spill) -> None:
        self.rows = 0
        self._batch_rows, self._spill = source.batch_rows, spill
        self._places: list[Place] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Write rows."""
        self.rows += batch.num_rows
        for portion in in_portions(batch, self._batch_rows):
            sink = io.BytesIO()
            with pa.ipc.new_stream(sink, batch.schema) as stream:
                stream.write_batch(portion)
            self._places.append(self._spill.write(sink.getbuffer()))

    def read(self, _piece: Piece, rows: int, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """Give them again."""
        for place in self._places:
            with pa.ipc.open_stream(pa.py_buffer(self._spill.read(place))) as stream:
                for batch in stream:
                    yield from in_portions(batch, rows, columns)
