"""Columns of few different texts, each in many rows.

Arrow copies one text after the other, and takes longest to find out how long each is. Here a row's text is copied at
one of two widths, whatever its own, and what is too much of it is overwritten by the text of the next row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import Cells, validity_buffer
from maskgate.crypto.room import room

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# numpy copies items of these widths at once.
_WIDTHS = (8, 16, 32)
_MOST_BYTES = 2**31 - 1
# How many rows are looked at first, and of how many one has to be of another length than the row before.
_PROBED, _SELDOM = 1024, 8
# So many rows at a time stay in the processor's cache.
_ROWS = 16_384


class FewTexts:
    """Texts that are written by their numbers.

    Args:
        texts: Plain strings without nulls.
    """

    def __init__(self, texts: pa.StringArray) -> None:
        self.texts = texts
        cells = Cells.of(texts)
        self._widest = int(cells.lengths.max(initial=0))
        self._lengths = np.append(cells.lengths, 0)
        width = next((width for width in _WIDTHS if self._widest <= width), 0)
        self._items = _padded(cells, width) if width else None

    def column(self, codes: NDArray[Any], first: int, valid: NDArray[np.bool_] | None) -> pa.StringArray:
        """Write a column.

        Args:
            codes: For each row the number of its text; where it is null, any.
            first: The number of the first text.
            valid: Which rows are not null; None if all.
        """
        is_large = len(codes) * self._widest + _WIDTHS[-1] > _MOST_BYTES
        probe = codes[:_PROBED] if valid is None else codes[:_PROBED][valid[:_PROBED]]
        if self._items is None or is_large or self._are_alike(probe.astype(np.int64) - first):
            places = codes.astype(np.int64) - first if first else codes
            absent = None if valid is None else ~valid
            return pc.take(self.texts, pa.array(places, mask=absent), boundscheck=False)
        return self._by_copies(codes, first, valid, self._items)

    def _are_alike(self, places: NDArray[np.int64]) -> bool:
        """Say whether texts are mostly as long as the one before, or nearly, so that Arrow guesses their length."""
        classes = np.frexp(self._lengths.take(places, mode="clip"))[1]
        return bool(np.count_nonzero(classes[1:] != classes[:-1]) * _SELDOM < len(classes))

    def _by_copies(
        self, codes: NDArray[Any], first: int, valid: NDArray[np.bool_] | None, items: NDArray[Any]
    ) -> pa.StringArray:
        edges = room(len(codes) + 1, np.int32)
        edges[0] = 0
        # Room for the longest, of which only what is written is ever touched.
        bytes_ = pa.allocate_buffer(len(codes) * self._widest + items.itemsize, resizable=True)
        windows = np.ndarray(
            (bytes_.size - items.itemsize + 1,), items.dtype, np.frombuffer(bytes_, np.uint8), strides=(1,)
        )
        ends = room(min(_ROWS, len(codes)) + 1, np.int64)
        end = 0
        for rows, places in self._places(codes, first, valid):
            here = ends[: len(places) + 1]
            here[0] = end
            self._lengths.take(places, out=here[1:], mode="clip")
            np.cumsum(here, out=here)
            edges[rows.start + 1 : rows.stop + 1] = here[1:]
            # Of bytes that are assigned more than once, the last assignment stays, as of any item.
            windows[here[:-1]] = items.take(places, mode="clip")
            end = int(here[-1])
        bytes_.resize(end)
        return pa.Array.from_buffers(pa.string(), len(codes), [validity_buffer(valid), pa.py_buffer(edges), bytes_])

    def _places(
        self, codes: NDArray[Any], first: int, valid: NDArray[np.bool_] | None
    ) -> Iterator[tuple[slice, NDArray[np.int64]]]:
        """Yield the rows, some thousand at a time, and where their texts stand; those of nulls behind all others."""
        absent = len(self.texts)
        for start in range(0, len(codes), _ROWS):
            rows = slice(start, min(start + _ROWS, len(codes)))
            places = codes[rows].astype(np.int64)
            if valid is not None:
                # Products are many times as fast as setting single cells.
                places -= first + absent
                places *= valid[rows]
                places += absent
            elif first:
                places -= first
            yield rows, places


def _padded(cells: Cells, width: int) -> NDArray[Any]:
    """Return texts as items of one width with zeros behind them, and an empty one at the end."""
    items = np.zeros((len(cells) + 1, width), np.uint8)
    within = np.arange(width) < cells.lengths[:, np.newaxis]
    items[:-1][within] = cells.joined()
    return items.view(f"V{width}").reshape(-1)
