"""Which cells are whole numbers by their spelling, whatever their type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import Cells
from maskgate.methods.fixed_width import extent
from maskgate.methods.numbers import integers_of
from maskgate.methods.token_input import token_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Of at most 18 digits: any such number fits int64, whoever wrote it.
_DIGITS = 18
_LIMIT = 10**_DIGITS
_ZERO, _NINE, _MINUS = b"09-"


def whole_numbers(column: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
    """Return the cells that are a whole number of at most 18 digits, in its shortest spelling.

    Args:
        column: A plain column of a type that can be tokenized.

    Returns:
        The numbers, 0 where a cell is none; and where cells are numbers, None if all are. A null may count as either.
    """
    kind = column.type
    if pa.types.is_null(kind):
        return np.zeros(len(column), np.int64), None
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return np.zeros(len(column), np.int64), np.zeros(len(column), np.bool_)
    if pa.types.is_decimal(kind) and kind.scale == 0 and kind.precision <= _DIGITS:
        column = column.cast(pa.int64())
    if not pa.types.is_integer(column.type):
        return _spelled(token_input(column))
    numbers = integers_of(column)
    least, most = extent(numbers)
    if least > -_LIMIT and most < _LIMIT:
        return numbers.astype(np.int64, copy=False), None
    is_number = (numbers > -_LIMIT) & (numbers < _LIMIT)
    return np.where(is_number, numbers, 0).astype(np.int64), is_number


def _spelled(text: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
    cells = Cells.of(text)
    candidates = _candidates(cells)
    numbers, is_number = np.zeros(len(text), np.int64), np.zeros(len(text), np.bool_)
    if len(candidates):
        chosen = text if len(candidates) == len(text) else pc.take(text, pa.array(candidates))
        spelling = pc.cast(chosen, options=pc.CastOptions(pa.large_string(), allow_invalid_utf8=True))
        digits = pc.ascii_is_decimal(pc.ascii_ltrim(spelling, "-")).to_numpy(zero_copy_only=False)
        if not digits.all():
            candidates, spelling = candidates[digits], spelling.filter(pa.array(digits))
        numbers[candidates] = spelling.cast(pa.int64()).to_numpy(zero_copy_only=False)
        is_number[candidates] = True
    if cells.valid is not None:
        is_number |= ~cells.valid
    return numbers, None if is_number.all() else is_number


def _candidates(cells: Cells) -> NDArray[np.int64]:
    """Return the cells that begin as the shortest spelling of a number does, and are no longer than one."""
    if len(cells.data) == 0:
        return np.zeros(0, np.int64)
    last = len(cells.data) - 1
    first = cells.data.take(np.minimum(cells.starts, last))
    negative = first == _MINUS
    if negative.any():
        first = np.where(negative, cells.data.take(np.minimum(cells.starts + 1, last)), first)
    length = cells.lengths - negative
    alone = (length == 1) & ~negative
    fits = (length >= 1) & (length <= _DIGITS) & (first <= _NINE) & ((first > _ZERO) | ((first == _ZERO) & alone))
    return np.flatnonzero(fits)
