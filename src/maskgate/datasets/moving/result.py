"""Values that have found their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from maskgate.datasets.moving.recording import CELLS
from maskgate.datasets.moving.strip import Bins, Strip
from maskgate.methods.fixed_width import view

if TYPE_CHECKING:
    from maskgate.datasets.moving.column import Column
    from maskgate.datasets.moving.spill import Spill
    from maskgate.datasets.moving.strip import Workspace


@dataclass(frozen=True)
class Result:
    """Values in the order of the rows that are not null.

    Attributes:
        strips: The first ones, and those behind them.
    """

    strips: tuple[Strip, ...]

    def __post_init__(self) -> None:
        for strip in self.strips:
            strip.flush()

    def read(self, start: int, stop: int) -> pa.Array:
        """Return some of them; on any thread."""
        found = []
        for strip in self.strips:
            found.append(strip.read(min(start, strip.rows), min(stop, strip.rows)).column(0))
            start, stop = max(0, start - strip.rows), max(0, stop - strip.rows)
        return pa.concat_arrays(found)


class Moved:
    """Values that have a new place, until they are put there."""

    def __init__(self, column: Column, space: Workspace) -> None:
        self._schema = column.carried
        present = max(1, column.present)
        self._rows = -(-present // space.bins_for(column.rows, column.size))
        self._bins = Bins(space, self._schema, -(-present // self._rows))

    def exchange(self, rows: pa.RecordBatch, sources: pa.RecordBatch) -> None:
        """Give to rows the values of others."""
        places = rows.column(0)
        numbers = view(places, np.uint64) // np.uint64(self._rows)
        self._bins.add(numbers, pa.RecordBatch.from_arrays([places, sources.column(1)], schema=self._schema))

    def result(self, into: Spill) -> Result:
        """Return all values in the order of their places."""
        self._bins.flush()
        strip = Strip(into, pa.schema([self._schema.field(CELLS)]))
        for number in range(len(self._bins)):
            batch = self._bins[number]
            places = view(batch.column(0), np.uint64) - np.uint64(number * self._rows)
            order = np.empty(len(places), np.int64)
            order[places] = np.arange(len(places))
            strip.append(batch.select([CELLS]).take(pa.array(order)))
        return Result((strip,))
