"""Columns of one length as bytes, and back: how rows travel to a plugin's process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence


def rows_to_bytes(columns: Sequence[pa.Array]) -> pa.Buffer:
    """Write columns as an Arrow stream.

    Example:
        >>> [each.to_pylist() for each in rows_from_bytes(rows_to_bytes([pa.array(["a", None]), pa.array([1, 2])]))]
        [['a', None], [1, 2]]
    """
    batch = pa.record_batch(list(columns), [str(number) for number in range(len(columns))])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def rows_from_bytes(data: bytes) -> list[pa.Array]:
    """Read the columns that :func:`rows_to_bytes` wrote.

    Raises:
        EOFError: If it is no such stream.
    """
    try:
        with pa.ipc.open_stream(data) as reader:
            columns: list[pa.Array] = reader.read_next_batch().columns
    except (pa.ArrowException, StopIteration):
        columns = []
    if not columns:
        raise EOFError
    return columns
