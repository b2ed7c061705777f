"""Values that change rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity, validity_buffer
from maskgate.crypto.room import room, taken
from maskgate.methods.cleansing import are_zeros, cleansed, ordered_by_use
from maskgate.methods.families import value_type
from maskgate.methods.fixed_width import clear_nulls, view
from maskgate.methods.layout import by_value, in_layout_of, plain
from maskgate.methods.method import Family
from maskgate.methods.nesting import taken as cells_at
from maskgate.methods.orders import order_by_chance, sorted_by_chance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.methods.chance import Chance

MOVABLE = frozenset(Family) - {Family.OTHER}
# Numbers that lie so close stand in the sorted words themselves; others are fetched by their rows.
MOST_VALUE_BITS = 32
_WIDTHS = (8, 16, 32, 64, 128, 256)
_NUMBER_BITS = 64


def moved_type(input_type: pa.DataType) -> pa.DataType:
    """Return the type of a column whose values move: itself, without extension or view."""
    kind = value_type(input_type)
    if pa.types.is_string_view(kind):
        kind = pa.large_string()
    if pa.types.is_binary_view(kind):
        kind = pa.large_binary()
    return in_layout_of(input_type, kind)


def movable(column: pa.Array) -> pa.Array:
    """Return the column plain with zeros under nulls, or as a dictionary without nulls, doubles and unused entries."""
    return by_value(column, with_zeros)


def with_zeros(values: pa.Array) -> pa.Array:
    """Return a plain column with zeros under its nulls, if its cells are of a fixed width."""
    kind = values.type
    if not (is_fixed(kind) or pa.types.is_fixed_size_binary(kind)) or are_zeros(values, validity(values)):
        return values
    return with_nulls_of(values, cells_to_move(values).copy())


def cells_as_bytes(column: pa.Array) -> pa.Array:
    """Return the cells of a plain column of a fixed width as the bytes that hold them."""
    kind, valid = pa.binary(column.type.bit_width // 8), validity(column)
    cells = view(column, f"V{kind.byte_width}").copy()
    return pa.Array.from_buffers(kind, len(column), [validity_buffer(valid), pa.py_buffer(cells)])


def is_fixed(type_: pa.DataType) -> bool:
    """Say whether cells of a type are as wide as some word, or two or four of the largest."""
    return (pa.types.is_primitive(type_) or pa.types.is_decimal(type_)) and type_.bit_width in _WIDTHS


def cells_to_move(column: pa.Array) -> NDArray[Any]:
    """View cells of a fixed width as whole numbers, or as bytes where they are wider than any."""
    bits = column.type.bit_width
    return view(column, f"{'u' if bits in _WIDTHS and bits <= _NUMBER_BITS else 'V'}{bits // 8}")


def span(column: pa.Array) -> tuple[int, int]:
    """Return the least of the cells, as whole numbers, and how many bits they lie apart.

    Args:
        column: A plain column that is :func:`movable` and :func:`is_fixed`. Floats count by all their bits, nulls as 0.
    """
    least, most = ends(column)
    return least, (most - least).bit_length()


def ends(column: pa.Array) -> tuple[int, int]:
    """Return the least and the greatest of the cells, as for :func:`span`."""
    kind = column.type
    if pa.types.is_floating(kind) or kind.bit_width > _NUMBER_BITS:
        return 0, (1 << kind.bit_width) - 1
    cells = view(column, f"{'u' if pa.types.is_unsigned_integer(kind) else 'i'}{kind.bit_width // 8}")
    return int(cells.min()), int(cells.max())


def shuffled(column: pa.Array, chance: Chance) -> pa.Array:
    """Return a column that is :func:`movable` with its values in any order, each as likely as any other."""
    valid = validity(column)
    if is_fixed(column.type) and len(column):
        least, bits = span(column)
        if bits <= MOST_VALUE_BITS:
            return _shuffled_numbers(column, valid, chance, least, bits)
    order = order_by_chance(len(column), chance, valid=valid)
    if valid is None and is_fixed(column.type) and column.type.bit_width == order.bit_width:
        return with_nulls_of(column, order.overwritten(cells_to_move(column)))
    sources = room(len(column), np.int64)
    order.write(sources)
    if valid is not None:
        absent = _spread(sources, valid)
        sources[absent] = absent
    return rearranged(column, sources)


def _shuffled_numbers(
    column: pa.Array, valid: NDArray[np.bool_] | None, chance: Chance, least: int, bits: int
) -> pa.Array:
    """Shuffle cells that are words of their own."""
    cells = cells_to_move(column)
    base = cells.dtype.type(least % (1 << column.type.bit_width))
    order = sorted_by_chance(len(cells), chance, bits, lambda rows: cells[rows] - base, valid=valid)
    if valid is None:
        return column_of(column.type, order.instead(cells.dtype, base), None)
    moved = room(len(cells), cells.dtype)
    order.write(moved, base)
    moved[_spread(moved, valid)] = 0
    return column_of(column.type, moved, valid)


def _spread(items: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Let items that fill the first rows fill those that are valid, in place; which one goes where does not matter.

    Returns:
        The rows that are not valid.
    """
    absent, count = np.flatnonzero(~valid), np.count_nonzero(valid)
    items[np.flatnonzero(valid[count:]) + count] = items[absent[absent < count]]
    return absent


def rearranged(column: pa.Array, sources: NDArray[np.int64]) -> pa.Array:
    """Return the column with its values in other rows, and null where it is null.

    Args:
        column: A column that is :func:`movable`.
        sources: For each row the one that it gets its value from; for nulls, their own.
    """
    if pa.types.is_dictionary(column.type):
        codes = rearranged(column.indices, sources)
        # The entries of a dictionary are then put in the order in which rows use them now.
        return movable(pa.DictionaryArray.from_arrays(codes, column.dictionary, safe=False))
    if is_fixed(column.type):
        return with_nulls_of(column, taken(cells_to_move(column), sources))
    if pa.types.is_nested(column.type):
        return ordered_by_use(cleansed(cells_at(column, pa.array(sources))))
    return pc.take(column, pa.array(sources), boundscheck=False)


def among_present(column: pa.Array, sources: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return sources for :func:`rearranged` out of such that count the rows without nulls."""
    valid = validity(plain(column))
    if valid is None:
        return sources
    present, every = np.flatnonzero(valid), np.arange(len(valid))
    every[present] = present[sources]
    return every


def with_nulls_of(column: pa.Array, cells: NDArray[Any]) -> pa.Array:
    """Return cells as a column of the same type, with the same nulls, and nothing under them."""
    valid = validity(column)
    clear_nulls(cells, valid)
    return column_of(column.type, cells, valid)


def column_of(kind: pa.DataType, cells: NDArray[Any], valid: NDArray[np.bool_] | None) -> pa.Array:
    """Return cells under whose nulls lie zeros as a column of their type."""
    return pa.Array.from_buffers(kind, len(cells), [validity_buffer(valid), pa.py_buffer(cells)])
