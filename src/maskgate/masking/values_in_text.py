"""Texts in which a value of their own row still stands, in whatever case.

The first four bytes of its row's value are compared with every place of a text, in a few passes over all of its bytes.
Only where they agree is the whole value looked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import Cells, edges_of
from maskgate.methods.layout import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GRAM = 4
# No UTF-8 has these bytes: no place in a text agrees.
_NOWHERE = np.uint32(0xFFFFFFFF)
# Of longer lists of values, the rest is looked for without a look at the first bytes.
_MOST_PASSES = 8
_ROWS = 16_384
_BYTES = 1 << 18


@dataclass(frozen=True, eq=False)
class SoughtValues:
    """The values of a column, ready to be looked for.

    Attributes:
        values: The values in small letters; none is null.
        grams: The first four bytes of each.
        firsts: For each row the place of its first value; one more entry says where the last row ends.
        is_short: For each row whether it has a value that small letters made shorter than four bytes.
    """

    values: pa.Array
    grams: NDArray[np.uint32]
    firsts: NDArray[np.int64]
    is_short: NDArray[np.bool_]

    @classmethod
    def of(cls, values: pa.Array, rows: NDArray[np.int64], row_count: int) -> Self:
        """Take values.

        Args:
            values: Strings or bytes, none of them null.
            rows: For each the row that it stands in, in order.
            row_count: How many rows there are.
        """
        lowered = _in_small_letters(values)
        cells = Cells.of(lowered)
        is_short = np.zeros(row_count, bool)
        is_short[rows[cells.lengths < _GRAM]] = True
        return cls(lowered, _grams(cells), np.searchsorted(rows, np.arange(row_count + 1)), is_short)

    def count_in(self, texts: pa.Array, rows: NDArray[np.int64]) -> int:
        """Count the texts in which a value of their row stands.

        Args:
            texts: Strings, in any layout.
            rows: For each the row that it stands in, in order.
        """
        texts, count = plain(texts), 0
        if not len(self.values):
            return 0
        for start in range(0, len(texts), _ROWS):
            lowered = _in_small_letters(texts.slice(start, _ROWS))
            cells = Cells.of(lowered)
            for part in cells.portions(_ROWS, _BYTES):
                mine = rows[start : start + _ROWS][part]
                near = self._near(cells.at(part), mine)
                count += self._verified(lowered[part].take(pa.array(near)), mine[near])
        return count

    def _near(self, texts: Cells, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the texts that may have a value of their row in them."""
        counts = self.firsts[rows + 1] - self.firsts[rows]
        near = (counts > _MOST_PASSES) | self.is_short[rows]
        data, edges = texts.joined(), edges_of(texts.lengths)
        if len(data) < _GRAM:
            return np.flatnonzero(near)
        # Every place of the bytes as one number, without a copy; those across two texts do no harm.
        places = np.ndarray(len(data) - _GRAM + 1, "<u4", np.ascontiguousarray(data), strides=(1,))
        for turn in range(min(_MOST_PASSES, int(counts.max(initial=0)))):
            grams = np.full(len(rows), _NOWHERE)
            has = counts > turn
            grams[has] = self.grams[self.firsts[rows[has]] + turn]
            wanted = grams if len(rows) == 1 else np.repeat(grams, texts.lengths)[: len(places)]
            hits = np.flatnonzero(places == wanted)
            near[np.searchsorted(edges, hits, side="right") - 1] = True
        return np.flatnonzero(near)

    def _verified(self, texts: pa.Array, rows: NDArray[np.int64]) -> int:
        if not len(texts):
            return 0
        first = int(self.firsts[rows[0]])
        values = _as_bytes(self.values[first : int(self.firsts[rows[-1] + 1])])
        starts, stops = self.firsts[rows] - first, self.firsts[rows + 1] - first
        return sum(
            any(value in text for value in values[start:stop])
            for text, start, stop in zip(_as_bytes(texts), starts.tolist(), stops.tolist(), strict=True)
        )


def _in_small_letters(column: pa.Array) -> pa.Array:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        text = column
    else:
        text = pc.cast(column, options=pc.CastOptions(pa.large_string(), allow_invalid_utf8=True))
    try:
        return pc.utf8_lower(text)
    except pa.ArrowInvalid:  # bytes that are no UTF-8
        return pc.ascii_lower(text)


def _grams(cells: Cells) -> NDArray[np.uint32]:
    """Return the first four bytes of each cell as one number; of shorter cells one that is in no text."""
    grams = np.full(len(cells), _NOWHERE)
    long = cells.lengths >= _GRAM
    starts = cells.starts[long]
    grams[long] = sum(cells.data[starts + at].astype(np.uint32) << np.uint32(8 * at) for at in range(_GRAM))
    return grams


def _as_bytes(texts: pa.Array) -> list[bytes]:
    """Return what stands there, which need not be UTF-8; nothing for a null."""
    large = pa.types.is_large_string(texts.type)
    found: list[bytes] = texts.cast(pa.large_binary() if large else pa.binary()).fill_null(b"").to_pylist()
    return found
