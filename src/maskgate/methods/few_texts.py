"""Columns of few different texts, each in many rows.

Arrow copies one text after the other, and takes longest to find out how long each is. Here a row's text is copied at
one of some widths, whatever its own, and what is too much of it is overwritten by the text of the next row. Where texts
are so few that all pairs of them can be laid out, two rows are copied at once.
"""

from __future__ import annotations

from dataclasses import dataclass
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
# How many rows are looked at first. Where fewer than one in eight is of another length than the row before, Arrow is
# as fast.
_PROBED, _SELDOM = 1024, 8
# So many rows at a time stay in the processor's cache; an even number.
_ROWS = 16_384
# Of so many texts, pairs are laid out: more do not stay in the cache.
_MOST_PAIRED = 64
_BYTE = 256


class FewTexts:
    """Texts that are written by their numbers.

    Args:
        texts: Plain strings without nulls.
    """

    def __init__(self, texts: pa.StringArray) -> None:
        self.texts = texts
        self._cells = Cells.of(texts)
        self._widest = int(self._cells.lengths.max(initial=0))
        self._lengths = np.append(self._cells.lengths, 0)
        width = _width(self._widest)
        self._singles = None if width is None else _Items(_padded(self._cells, width), self._lengths, 1)
        self._last_pairs: tuple[range, _Items | None] | None = None

    def column(
        self, codes: NDArray[Any], first: int, valid: NDArray[np.bool_] | None, used: range | None = None
    ) -> pa.StringArray:
        """Write a column.

        Args:
            codes: For each row the number of its text; where it is null, any.
            first: The number of the first text.
            valid: Which rows are not null; None if all.
            used: In which range the numbers of rows that are not null lie; None if it is not known.
        """
        every = range(first, first + len(self.texts))
        is_large = (len(codes) + 1) * self._widest + _WIDTHS[-1] > _MOST_BYTES
        probe = codes[:_PROBED] if valid is None else codes[:_PROBED][valid[:_PROBED]]
        if self._singles is None or is_large or self._are_alike(probe.astype(np.int64) - first):
            places = codes.astype(np.int64) - first if first else codes
            absent = None if valid is None else ~valid
            return pc.take(self.texts, pa.array(places, mask=absent), boundscheck=False)
        used = every if used is None else used
        pairs = self._pairs(range(used.start - first, used.stop - first))
        if pairs is not None:
            return _by_copies(codes, used, valid, pairs)
        return _by_copies(codes, every, valid, self._singles)

    def _pairs(self, used: range) -> _Items | None:
        """Lay out the pairs of some of the texts, or find that it was done the last time."""
        last = self._last_pairs
        if last is None or last[0] != used:
            last = self._last_pairs = used, _paired(self._cells.at(slice(used.start, used.stop)))
        return last[1]

    def _are_alike(self, places: NDArray[np.int64]) -> bool:
        """Say whether texts are mostly as long as the one before, or nearly, so that Arrow guesses their length."""
        classes = np.frexp(self._lengths.take(places, mode="clip"))[1]
        return bool(np.count_nonzero(classes[1:] != classes[:-1]) * _SELDOM < len(classes))


@dataclass(frozen=True)
class _Items:
    """What is copied at once: one text, or two of them.

    Attributes:
        items: The bytes of each, with zeros behind them. The place of a pair has the number of its first text in the
            lower byte, and that of its second in the higher.
        lengths: How many bytes each single text has, and a 0 at the end, for no text.
        rows: How many texts are copied at once.
    """

    items: NDArray[Any]
    lengths: NDArray[np.int64]
    rows: int


def _paired(cells: Cells) -> _Items | None:
    """Return all pairs of some texts and no text; None if they are too many, or too long."""
    width = _width(2 * int(cells.lengths.max(initial=0)))
    if width is None or len(cells) >= _MOST_PAIRED:
        return None
    lengths = np.append(cells.lengths, 0)
    single = _padded(cells, width).view(np.uint8).reshape(-1, width)
    items = np.zeros((len(single), _BYTE, width), np.uint8)
    for number, length in enumerate(lengths.tolist()):
        items[:, number, :length] = single[number, :length]
        items[:, number, length:] = single[:, : width - length]
    return _Items(items.view(f"V{width}").reshape(-1), lengths, 2)


def _by_copies(codes: NDArray[Any], used: range, valid: NDArray[np.bool_] | None, texts: _Items) -> pa.StringArray:
    """Write a column by copying one item after the other."""
    kind, edges = texts.items.dtype, room(len(codes) + 1, np.int32)
    edges[0] = 0
    # Room for the longest, of which only what is written is ever touched.
    bytes_ = pa.allocate_buffer(len(codes) * int(texts.lengths.max(initial=0)) + kind.itemsize, resizable=True)
    windows = np.ndarray((bytes_.size - kind.itemsize + 1,), kind, np.frombuffer(bytes_, np.uint8), strides=(1,))
    portion = min(_ROWS, len(codes))
    ends, copied, end = room(portion + 1, np.int64), room(portion // texts.rows + 1, kind), 0
    for start, places in _places(codes, used, valid):
        here = ends[: len(places) + 1]
        here[0] = end
        texts.lengths.take(places, out=here[1:], mode="clip")
        np.cumsum(here, out=here)
        edges[start + 1 : start + 1 + len(places)] = here[1:]
        items = places if texts.rows == 1 else _in_pairs(places, len(used))
        # Of bytes that are assigned more than once, the last assignment stays, as of any item.
        windows[here[: -1 : texts.rows]] = texts.items.take(items, out=copied[: len(items)], mode="clip")
        end = int(here[-1])
    bytes_.resize(end)
    return pa.Array.from_buffers(pa.string(), len(codes), [validity_buffer(valid), pa.py_buffer(edges), bytes_])


def _places(
    codes: NDArray[Any], used: range, valid: NDArray[np.bool_] | None
) -> Iterator[tuple[int, NDArray[np.integer[Any]]]]:
    """Yield where some thousand rows begin, and where their texts stand; those of nulls behind all others."""
    kind: Any = np.uint8 if len(used) < _MOST_PAIRED else np.int64
    absent, first = kind(len(used)), np.array(used.start).astype(kind)
    for start in range(0, len(codes), _ROWS):
        # Bytes wrap around.
        places = codes[start : start + _ROWS].astype(kind)
        places -= first
        if valid is not None:
            # Products are many times as fast as setting single cells.
            places -= absent
            places *= valid[start : start + _ROWS]
            places += absent
        yield start, places


def _in_pairs(places: NDArray[np.integer[Any]], absent: int) -> NDArray[np.int64]:
    """Return where pairs stand, the last one with no text if it has no other."""
    if len(places) % 2:
        places = np.append(places, places.dtype.type(absent))
    return places.view("<u2").astype(np.int64)


def _width(widest: int) -> int | None:
    """Return the least width that texts can be copied at; None if they are longer."""
    return next((width for width in _WIDTHS if widest <= width), None)


def _padded(cells: Cells, width: int) -> NDArray[Any]:
    """Return texts as items of one width with zeros behind them, and an empty one at the end."""
    items = np.zeros((len(cells) + 1, width), np.uint8)
    within = np.arange(width) < cells.lengths[:, np.newaxis]
    items[:-1][within] = cells.joined()
    return items.view(f"V{width}").reshape(-1)
