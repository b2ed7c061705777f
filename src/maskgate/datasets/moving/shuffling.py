"""Shuffles that memory does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.datasets.moving.recording import CELLS
from maskgate.datasets.moving.result import Result
from maskgate.datasets.moving.sorting import OuterOrder, even_bounds
from maskgate.datasets.moving.strip import Strip
from maskgate.methods.orders import Word
from maskgate.methods.permutation import MOST_VALUE_BITS, cells_to_move, ends, is_fixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.datasets.moving.column import Column
    from maskgate.datasets.moving.spill import Spill
    from maskgate.datasets.moving.strip import Workspace

_WORD_BITS = 64


def shuffled_outside(column: Column, space: Workspace, into: Spill) -> Result:
    """Return the values as :class:`~maskgate.methods.shuffle.Shuffle` orders them.

    Values in order fill the rows in order. Of those that would fill a null, the first goes to the first row that is
    left over, and so on.
    """
    chance = column.chance("shuffle", [])
    base, bits = _value_bits(column)
    is_word = bits <= MOST_VALUE_BITS
    word = Word.of(column.rows, bits if is_word else max(column.rows - 1, 0).bit_length())
    bins = space.bins_for(column.rows, 0 if is_word else column.size)
    carried = None if is_word else pa.schema([(CELLS, column.type)])
    order = OuterOrder(space, chance, word, even_bounds(word, bins), carried)
    flags = Strip(space.spill, pa.schema([("valid", pa.bool_())]))
    for portion in column.portions():
        values = cells_to_move(portion.cells) - base if is_word else np.zeros(len(portion.cells), np.uint8)
        order.add(values, None, portion.valid, None if carried is None else portion.carried(column.carried).select([1]))
        valid = portion.cells.is_valid()
        flags.append(pa.record_batch([valid], schema=flags.schema))
    flags.flush()
    schema = pa.schema([(CELLS, column.type)])
    here, behind = Strip(into, schema), Strip(into, schema)
    start = 0
    for rows in order.in_order():
        words, values = rows.words, rows.carried
        cells = _from_words(words & word.of_value, base, column.type) if values is None else values.column(0)
        batch = pa.record_batch([cells], schema=schema)
        valid = flags.read(start, start + len(words)).column(0)
        start += len(words)
        if valid.false_count:
            here.append(batch.filter(valid))
            behind.append(batch.filter(pc.invert(valid)))
        else:
            here.append(batch)
    return Result((here, behind))


def _value_bits(column: Column) -> tuple[Any, int]:
    """Return the least cell as a whole number of its width, and how many bits cells lie apart; too many for texts."""
    if not is_fixed(column.type):
        return np.uint64(0), _WORD_BITS
    found = [ends(portion.cells) for portion in column.portions() if len(portion.cells)]
    least, most = min(each for each, _ in found), max(each for _, each in found)
    width = column.type.bit_width
    bits = (most - least).bit_length()
    return np.dtype(f"u{min(width, _WORD_BITS) // 8}").type(least % (1 << min(width, _WORD_BITS))), bits


def _from_words(values: NDArray[Any], base: Any, kind: pa.DataType) -> pa.Array:
    cells = values.astype(base.dtype) + base
    return pa.Array.from_buffers(kind, len(cells), [None, pa.py_buffer(cells)])
