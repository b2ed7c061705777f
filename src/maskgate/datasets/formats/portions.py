"""Rows in batches of the length that is asked for, wherever the batches of a file end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa


def in_portions(batch: pa.RecordBatch, rows: int, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Give the rows of a batch in portions; none, if it has no rows.

    Args:
        batch: The rows.
        rows: How many a portion has at most.
        columns: The columns that are wanted, in this order; None for all.
    """
    wanted = batch if columns is None else batch.select(list(columns))
    for start in range(0, wanted.num_rows, rows):
        yield wanted.slice(start, rows)
