"""The whole of a table at once, for methods that must see all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.errors import DatasetError
from maskgate.masking.joining import joined

if TYPE_CHECKING:
    import pyarrow as pa

    from maskgate.datasets.source import Source


def collect(source: Source, table: str, most: int) -> pa.RecordBatch:
    """Read a whole table into memory.

    Args:
        source: The table.
        table: What messages call it.
        most: The most bytes that it may have as Arrow data.

    Raises:
        DatasetError: If it is larger.
        MaskingError: If a column is too long for its type.
    """
    batches: list[pa.RecordBatch] = []
    size = 0
    for batch in source.batches():
        size += batch.nbytes
        if size > most:
            raise DatasetError(
                f'table "{table}": a method of its rules must see all rows at once, and they are more than '
                f"{most >> 20} MB in memory. Allow more with --memory, mask it in parts of its own, or choose another "
                "method."
            )
        batches.append(batch)
    return joined(batches, source.schema)
