"""Rows written behind one another, to be read again in order or from any place; and the same in many bins."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from maskgate.datasets.moving.spill import Place, Spill

_CHUNK = 1 << 20
_LEAST_BIN, _MOST_BIN = 1 << 20, 1 << 28


@dataclass(frozen=True)
class Workspace:
    """A file for what memory does not hold, and how memory is shared out.

    Attributes:
        spill: The file.
        memory: How many bytes of memory there are in all.
    """

    spill: Spill
    memory: int

    @property
    def bin_bytes(self) -> int:
        """About how many bytes are put in order at once; on the way they are there several times."""
        return min(_MOST_BIN, max(_LEAST_BIN, self.memory // 16))

    def bins_for(self, rows: int, size: int) -> int:
        """Return how many bins to make of so many rows that have so many bytes besides their words and places."""
        return 1 + (size + 16 * rows) // self.bin_bytes

    @property
    def held_bytes(self) -> int:
        """How many bytes are held for all bins together before they are written."""
        return max(_CHUNK, self.memory // 16)


class Strip:
    """Rows of one schema behind one another.

    Args:
        spill: The file.
        schema: Columns of any type but dictionaries.
        chunk_bytes: About how many bytes are written at once; None for those that somebody else says.
    """

    def __init__(self, spill: Spill, schema: pa.Schema, chunk_bytes: int | None = _CHUNK) -> None:
        self.rows = 0
        self.size = 0
        self.schema = schema
        self._spill, self._chunk_bytes = spill, chunk_bytes
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0
        self._starts: list[int] = []
        self._places: list[Place] = []

    def append(self, batch: pa.RecordBatch) -> None:
        """Add rows at the end."""
        if batch.num_rows == 0:
            return
        self._held.append(batch)
        self._held_bytes += batch.nbytes
        if self._chunk_bytes is not None and self._held_bytes >= self._chunk_bytes:
            self.flush()

    def flush(self) -> None:
        """Write what is held; before it is read."""
        if self._held:
            chunk = together(self._held, self.schema)
            self._held, self._held_bytes = [], 0
            self._places.append(self._spill.write(memoryview(chunk.serialize()).cast("B")))
            self._starts.append(self.rows)
            self.rows += chunk.num_rows
            self.size += chunk.nbytes

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read all rows in order."""
        for at in range(len(self._places)):
            yield self._chunk(at)

    def read(self, start: int, stop: int) -> pa.RecordBatch:
        """Read rows from anywhere; on any thread."""
        found, at = [], bisect_right(self._starts, start) - 1
        while start < stop:
            chunk = self._chunk(at).slice(start - self._starts[at], stop - start)
            found.append(chunk)
            start, at = start + chunk.num_rows, at + 1
        return together(found, self.schema)

    def all(self) -> pa.RecordBatch:
        """Read all rows at once."""
        return together(list(self.batches()), self.schema)

    def _chunk(self, at: int) -> pa.RecordBatch:
        return pa.ipc.read_record_batch(pa.py_buffer(self._spill.read(self._places[at])), self.schema)


class Bins:
    """Strips, into which rows are sorted by numbers.

    Args:
        space: Where rows wait.
        schema: What rows look like.
        count: How many bins there are.
    """

    def __init__(self, space: Workspace, schema: pa.Schema, count: int) -> None:
        self.schema = schema
        self._strips = [Strip(space.spill, schema, None) for _ in range(count)]
        self._most, self._held = space.held_bytes, 0

    def add(self, numbers: NDArray[Any], batch: pa.RecordBatch) -> None:
        """Put each row behind the others of the bin with its number."""
        numbers = numbers.astype(np.min_scalar_type(len(self._strips)), copy=False)
        ordered = batch if len(self) == 1 else batch.take(pa.array(np.argsort(numbers, kind="stable")))
        ends = np.cumsum(np.bincount(numbers, minlength=len(self))).tolist()
        start = 0
        for strip, end in zip(self._strips, ends, strict=True):
            strip.append(ordered.slice(start, end - start))
            start = end
        self._held += batch.nbytes
        # All at once: a few rows that a bin holds keep all rows in memory that came with them.
        if self._held >= self._most:
            self.flush()

    def flush(self) -> None:
        """Write what is held; before bins are read."""
        for strip in self._strips:
            strip.flush()
        self._held = 0

    def __len__(self) -> int:
        return len(self._strips)

    def __getitem__(self, number: int) -> pa.RecordBatch:
        return self._strips[number].all()


def together(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    """Put rows behind one another, as one batch."""
    columns = [
        pa.concat_arrays([batch.column(at) for batch in batches]) if batches else pa.array([], item.type)
        for at, item in enumerate(schema)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def spread_out(values: pa.Array, valid: NDArray[np.bool_] | None) -> pa.Array:
    """Return a column that has the values where it is not null, in their order."""
    if valid is None:
        return values
    return pc.take(values, pa.array(np.cumsum(valid) - valid, mask=~valid), boundscheck=False)
