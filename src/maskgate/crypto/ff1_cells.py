"""FF1 over the cells of a column of text: which cells it takes, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from maskgate.crypto.cells import Cells, validity, validity_buffer
from maskgate.crypto.ff1_digits import by_length

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from maskgate.crypto.ff1_alphabet import Alphabet, Spelled
    from maskgate.crypto.ff1_digits import Strip

# Arithmetic runs over fewer rows; these bound the memory, and give values of a rare length some company.
_ROWS = 131_072
_BYTES = 8_388_608
_MOST_TEXT = 2**31 - 1


@dataclass(frozen=True)
class Faults:
    """How many cells cannot be taken.

    Attributes:
        foreign: Cells with characters that do not belong there.
        short: Cells with too few characters.
    """

    foreign: int = 0
    short: int = 0

    def __bool__(self) -> bool:
        return bool(self.foreign or self.short)

    def __add__(self, other: Faults) -> Faults:
        return Faults(self.foreign + other.foreign, self.short + other.short)


def spelled_portions(column: pa.Array, alphabet: Alphabet) -> Iterator[tuple[slice, Spelled]]:
    """Take the cells of a column of text apart, some at a time; a null counts as empty."""
    cells = Cells.of(column.fill_null("") if column.null_count else column)
    for rows in cells.portions(_ROWS, _BYTES):
        lengths = cells.lengths[rows]
        start = int(cells.starts[rows][0])
        yield rows, alphabet.read(cells.data[start : start + int(lengths.sum())], lengths)


def permuted(
    column: pa.Array, alphabet: Alphabet, at_least: int, permute: Callable[[Strip], Any]
) -> tuple[Any, Faults]:
    """Change the digits of all cells of a column.

    Args:
        column: ``string`` or ``large_string``.
        alphabet: What the cells are spelled in.
        at_least: How many digits a cell needs.
        permute: Changes values of one length in place.

    Returns:
        The column as it was but for its digits, or None if a cell cannot be taken; and how many cannot.

    Raises:
        OverflowError: If the text is longer than ``string`` can hold in one array (2 GiB).
    """
    faults = Faults()
    texts, sizes = [np.zeros(0, np.uint8)], [np.zeros(0, np.int64)]
    valid = validity(column)
    for rows, spelled in spelled_portions(column, alphabet):
        faults += _faults(spelled, at_least, None if valid is None else valid[rows])
        if not faults:
            for strip in by_length(spelled.digits, spelled.counts, alphabet.radix, at_least=at_least):
                permute(strip)
            text, lengths = spelled.written()
            texts.append(text)
            sizes.append(lengths)
    return (None if faults else _built(column.type, texts, sizes, valid)), faults


def _faults(spelled: Spelled, at_least: int, valid: NDArray[np.bool_] | None) -> Faults:
    foreign, short = spelled.foreign, spelled.counts < at_least
    if valid is not None:
        short &= valid
    if foreign is None:
        return Faults(0, int(short.sum()))
    return Faults(int(foreign.sum()), int((short & ~foreign).sum()))


def _built(
    kind: pa.DataType, texts: list[NDArray[np.uint8]], sizes: list[NDArray[np.int64]], valid: NDArray[np.bool_] | None
) -> pa.Array:
    lengths = np.concatenate(sizes)
    text = texts[1] if len(texts) == 2 else np.concatenate(texts)  # noqa: PLR2004  one portion alone
    large = pa.types.is_large_string(kind)
    if len(text) > _MOST_TEXT and not large:
        raise OverflowError(f"{len(text)} bytes of text do not fit one string array; use large_string, or fewer rows")
    offsets = np.zeros(len(lengths) + 1, np.int64 if large else np.int32)
    np.cumsum(lengths, out=offsets[1:])
    buffers = [validity_buffer(valid), pa.py_buffer(offsets), pa.py_buffer(text)]
    return pa.Array.from_buffers(kind, len(lengths), buffers)
