"""The whole of a table at once, for methods that must see all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.masking.joining import joined

if TYPE_CHECKING:
    import pyarrow as pa

    from maskgate.datasets.source import Source


def collect(source: Source, most: int) -> pa.RecordBatch | None:
    """Read a whole table into memory; None if it is larger than that.

    Args:
        source: The table.
        most: The most bytes that it may have as Arrow data.

    Raises:
        DatasetError: If it cannot be read.
        MaskingError: If a column is too long for its type.
    """
    if source.known_bytes > most:
        return None
    batches: list[pa.RecordBatch] = []
    size = 0
    for batch in source.batches():
        size += batch.nbytes
        if size > most:
            return None
        batches.append(batch)
    return joined(batches, source.schema)
