"""FF1 over the cells of a column of text."""

from __future__ import annotations

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


def refused(column: pa.Array, alphabet: Alphabet, refuse: Callable[[Spelled], NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Say which cells cannot be taken; a null can.

    Args:
        column: ``string`` or ``large_string``.
        alphabet: What the cells are spelled in.
        refuse: Says it of cells that were taken apart.
    """
    parts = [refuse(spelled) for _, spelled in _portions(column, alphabet)]
    found = np.concatenate([np.zeros(0, np.bool_), *parts])
    valid = validity(column)
    return found if valid is None else found & valid


def permuted(
    column: pa.Array,
    alphabet: Alphabet,
    refuse: Callable[[Spelled], NDArray[np.bool_]],
    permute: Callable[[Strip], Any],
) -> tuple[Any, int]:
    """Change the digits of all cells of a column.

    Args:
        column: ``string`` or ``large_string``.
        alphabet: What the cells are spelled in.
        refuse: Says which cells cannot be taken.
        permute: Changes values of one length in place.

    Returns:
        The column as it was but for its digits, or None if a cell cannot be taken; and how many cannot.

    Raises:
        OverflowError: If the text is longer than ``string`` can hold in one array (2 GiB).
    """
    count = 0
    texts, sizes = [np.zeros(0, np.uint8)], [np.zeros(0, np.int64)]
    valid = validity(column)
    for rows, spelled in _portions(column, alphabet):
        found = refuse(spelled)
        count += int(np.count_nonzero(found if valid is None else found & valid[rows]))
        if count == 0:
            for strip in by_length(spelled.digits, spelled.counts, alphabet.radix):
                permute(strip)
            text, lengths = spelled.written()
            texts.append(text)
            sizes.append(lengths)
    return (None if count else _built(column.type, texts, sizes, valid)), count


def _portions(column: pa.Array, alphabet: Alphabet) -> Iterator[tuple[slice, Spelled]]:
    """Take cells apart, some at a time; a null counts as empty."""
    cells = Cells.of(column.fill_null("") if column.null_count else column)
    for rows in cells.portions(_ROWS, _BYTES):
        lengths = cells.lengths[rows]
        start = int(cells.starts[rows][0])
        yield rows, alphabet.read(cells.data[start : start + int(lengths.sum())], lengths)


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
