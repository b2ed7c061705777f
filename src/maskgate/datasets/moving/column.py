"""A column whose values change rows, read from where it was taken down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from maskgate.crypto.cells import validity
from maskgate.datasets.moving.recording import CELLS
from maskgate.methods.chance import ContentDigest, content_of
from maskgate.methods.fixed_width import view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from maskgate.datasets.moving.recording import Recording
    from maskgate.datasets.moving.strip import Strip
    from maskgate.methods.chance import Chance

PLACE = "place"


@dataclass(frozen=True)
class Column:
    """The cells of one column, some rows at a time.

    Attributes:
        recording: What was taken down.
        strip: Where it is.
    """

    recording: Recording
    strip: Strip

    @property
    def name(self) -> str:
        """What messages call it."""
        return "" if self.recording.surroundings is None else self.recording.surroundings.column

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.recording.rows

    @property
    def present(self) -> int:
        """How many of them are not null."""
        return self.recording.present

    @property
    def size(self) -> int:
        """How many bytes their cells have."""
        return self.strip.size

    @property
    def type(self) -> pa.DataType:
        """The type of the cells."""
        return self.strip.schema.field(CELLS).type

    @property
    def carried(self) -> pa.Schema:
        """Values, each with its place among those that are not null."""
        return pa.schema([(PLACE, pa.uint64()), (CELLS, self.type)])

    @cached_property
    def groups(self) -> NDArray[np.unsignedinteger[Any]] | None:
        """The final number of each group that was seen; None if all rows are one."""
        return None if self.recording.groups is None else self.recording.groups.final()

    def group_sizes(self) -> tuple[NDArray[np.int64], int]:
        """Return how many cells that are not null each group has, and the greatest group of any row."""
        sizes, most = np.zeros(1, np.int64), 0
        for portion in self.portions():
            if portion.groups is None:
                return np.array([self.present]), 0
            most = max(most, int(portion.groups.max(initial=0)))
            present = portion.groups if portion.valid is None else portion.groups[portion.valid]
            counted = np.bincount(present, minlength=len(sizes))
            counted[: len(sizes)] += sizes
            sizes = counted
        return sizes, most

    def portions(self) -> Iterator[Portion]:
        """Give the rows in order."""
        before = 0
        for batch in self.strip.batches():
            cells = batch.column(0)
            groups = None if self.groups is None else self.groups[view(batch.column(1), np.uint32)]
            portion = Portion(before, cells, validity(cells), groups)
            yield portion
            before += portion.present

    def chance(self, purpose: str, parameters: Sequence[Any]) -> Chance:
        """Return the random words that the content decides, as it does in memory."""
        assert self.recording.surroundings is not None
        digest = ContentDigest(self.recording.surroundings, purpose, parameters)
        self._digest(digest, lambda portion: portion.cells)
        if self.groups is not None:
            self._digest(digest, lambda portion: pa.array(portion.groups))
        return digest.chance()

    def _digest(self, digest: ContentDigest, of: Callable[[Portion], pa.Array]) -> None:
        sizes, number = [self.rows], 0
        while number < len(sizes):
            digest.begin(sizes[number])
            counted: NDArray[np.int64] = np.zeros(1, np.int64)
            for portion in self.portions():
                parts = content_of(of(portion))
                digest.add(parts[number])
                counted = counted + np.array([part.nbytes for part in parts])
            # Whether a cell is null comes first, and takes a byte.
            sizes, number = counted.tolist(), number + 1


@dataclass(frozen=True)
class Portion:
    """Some rows of a column.

    Attributes:
        before: How many cells that are not null come before.
        cells: The cells.
        valid: Which are not null; None if all.
        groups: The final number of each row's group; None if all are one.
    """

    before: int
    cells: pa.Array
    valid: NDArray[np.bool_] | None
    groups: NDArray[Any] | None

    @property
    def present(self) -> int:
        """How many cells are not null."""
        return len(self.cells) - int(self.cells.null_count)

    def carried(self, schema: pa.Schema) -> pa.RecordBatch:
        """Return the values, each with its place."""
        places = pa.array(np.arange(self.before, self.before + self.present, dtype=np.uint64))
        values = self.cells.drop_null() if self.cells.null_count else self.cells
        return pa.RecordBatch.from_arrays([places, values], schema=schema)
