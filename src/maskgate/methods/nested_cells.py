"""Nested cells as bytes: equal cells have equal bytes, in every layout that can hold them, and no others do.

A null is one zero byte. Anything else is a one and how many bytes follow, then a single value's own bytes, or the
cells inside, one behind the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import Cells, edges_of, validity, validity_buffer
from maskgate.methods.nesting import codes_of, elements_of, fields_of, sizes_of, taken
from maskgate.methods.opening import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_LENGTH = np.dtype(">u8")
_NULL, _HERE = b"\0", b"\1"


def nested_cells(column: pa.Array, single: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Return bytes that stand for the cells of a nested column.

    Args:
        column: A column that is nested in any layout.
        single: Makes text or bytes of the single values inside, nulls kept.
    """
    column = opened(column)
    kind = column.type
    if pa.types.is_union(kind):
        return _of_unions(column, single)
    valid = validity(column)
    if pa.types.is_struct(kind):
        inside = [_told(field, single) for field in fields_of(column)]
        return _side_by_side(inside, len(column), valid)
    if pa.types.is_nested(kind):
        return _one_behind_another(_told(elements_of(column), single), sizes_of(column), valid)
    return single(column).cast(pa.large_binary())


def _told(column: pa.Array, single: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Return the cells with whether they are there, and how long they are, before them."""
    cells = nested_cells(column, single)
    lengths = Cells.of(cells).lengths.astype(_LENGTH)
    before = pa.Array.from_buffers(pa.binary(_LENGTH.itemsize), len(cells), [None, pa.py_buffer(lengths)])
    parts = [pa.scalar(_HERE, pa.large_binary()), before.cast(pa.large_binary()), cells]
    return pc.fill_null(pc.binary_join_element_wise(*parts, pa.scalar(b"", pa.large_binary())), _NULL)


def _side_by_side(parts: Sequence[pa.Array], count: int, valid: NDArray[np.bool_] | None) -> pa.Array:
    bits = [validity_buffer(valid)]
    if not parts:
        empty = [*bits, pa.py_buffer(np.zeros(count + 1, np.int64)), pa.py_buffer(b"")]
        return pa.Array.from_buffers(pa.large_binary(), count, empty)
    joined = pc.binary_join_element_wise(*parts, pa.scalar(b"", pa.large_binary()))
    return joined if valid is None else pc.if_else(pa.array(valid), joined, pa.scalar(None, joined.type))


def _one_behind_another(cells: pa.Array, sizes: NDArray[np.int64], valid: NDArray[np.bool_] | None) -> pa.Array:
    inside = Cells.of(cells)
    edges = edges_of(inside.lengths)[edges_of(sizes)]
    buffers = [validity_buffer(valid), pa.py_buffer(edges), pa.py_buffer(inside.joined())]
    return pa.Array.from_buffers(pa.large_binary(), len(sizes), buffers)


def _of_unions(column: pa.UnionArray, single: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Put before the cells of each member which it is."""
    whole = taken(column, pa.array(np.arange(len(column))))
    codes, parts, order = codes_of(whole), [], []
    for member, code in enumerate(whole.type.type_codes):
        mine = np.flatnonzero(codes == code)
        places = mine if whole.type.mode == "sparse" else whole.offsets.to_numpy()[mine]
        cells = nested_cells(taken(whole.field(member), pa.array(places)), single)
        which = pa.scalar(bytes([code]), pa.large_binary())
        parts.append(pc.binary_join_element_wise(which, cells, pa.scalar(b"", pa.large_binary())))
        order.append(mine)
    return pc.take(pa.concat_arrays(parts), pa.array(np.argsort(np.concatenate(order))))
