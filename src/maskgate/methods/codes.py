"""The codes of dictionary-encoded columns: which entries rows use, and in which order they first do.

Mostly all entries are in use long before the last row. Codes are read up to there; of those behind, it is only seen
that each points to an entry, which takes a tenth of the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity
from maskgate.crypto.room import room
from maskgate.errors import MaskingError
from maskgate.methods.fixed_width import as_column, cells_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# So many rows at a time stay in the processor's cache.
_ROWS = 32_768


def is_used(codes: pa.Array, count: int) -> NDArray[np.bool_]:
    """Say of each of so many entries whether a code that is not null points to it.

    Raises:
        MaskingError: If a code points to none of them.
    """
    unused = np.ones(count, np.bool_)
    for entries in _fresh_portions(codes, unused):
        unused[entries] = False
    return ~unused


def in_order_of_use(codes: pa.Array, count: int) -> NDArray[np.intp]:
    """Return to which of so many entries codes point, each once, in the order in which they first do.

    Raises:
        MaskingError: If a code points to none of them.
    """
    unused, firsts = np.ones(count, np.bool_), np.empty(count, np.intp)
    found = [np.zeros(0, np.intp)]
    for fresh in _fresh_portions(codes, unused):
        # Of several assignments to one entry the last one stays, which is that of its first row.
        rows = np.arange(len(fresh) - 1, -1, -1)
        firsts[fresh[::-1].copy()] = rows
        # Places, and then what stands there: a choice by booleans takes longer.
        entries = fresh.take(np.flatnonzero(firsts.take(fresh, mode="wrap") == rows[::-1]))
        unused[entries] = False
        found.append(entries)
    return np.concatenate(found)


def renumbered(codes: pa.Array, table: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return what a table has for each code; null where the code is.

    Args:
        codes: Codes of which one of the functions above has seen that they point to entries.
        table: A new code for each entry; anything where no code points to it.
        valid: Which entries have one, so that the others make nulls; None if all.
    """
    numbers = pa.array(table, mask=None if valid is None else ~valid).cast(codes.type)
    if codes.null_count == 0 or valid is not None or not _point_to(cells_of(codes), None, len(table)):
        return pc.take(numbers, codes, boundscheck=False)
    # Nulls and all, and then without what was found for them: several times as fast.
    bare = pa.Array.from_buffers(codes.type, len(codes), [None, codes.buffers()[1]], offset=codes.offset)
    return as_column(cells_of(pc.take(numbers, bare, boundscheck=False)).copy(), codes, codes.type)


def of_one_entry(codes: pa.Array) -> pa.Array:
    """Return codes that all point to the first entry, and are null where the given ones are."""
    cells = room(len(codes), cells_of(codes).dtype)
    cells.fill(0)
    return as_column(cells, codes, codes.type)


def _fresh_portions(codes: pa.Array, unused: NDArray[np.bool_]) -> Iterator[NDArray[np.intp]]:
    """Return the codes of entries that are not used yet, some thousand rows at a time, until all are."""
    cells, valid = cells_of(codes), validity(codes)
    if not _point_to(cells, valid, len(unused)):
        raise MaskingError("a dictionary-encoded column is corrupt: some rows point to no entry of its dictionary")
    if cells.dtype == np.uint64:
        cells = cells.view(np.int64)
    for start in range(0, len(cells), _ROWS):
        portion = cells[start : start + _ROWS]
        if valid is not None:
            portion = portion[valid[start : start + _ROWS]]
        if start:
            portion = portion[np.flatnonzero(unused.take(portion, mode="wrap"))]
        if len(portion):
            # As numbers of any other type, they would be cast anew for every look at a table.
            yield portion.astype(np.intp)
            if not unused.any():
                return


def _point_to(codes: NDArray[Any], valid: NDArray[np.bool_] | None, count: int) -> bool:
    """Say whether all codes that are not null point to one of so many entries."""
    # Seen as numbers without a sign, those below zero are the greatest.
    codes = codes.view(f"u{codes.dtype.itemsize}")
    if len(codes) == 0 or codes.max() < count:
        return True
    # What lies under nulls may be anything.
    return valid is not None and not (codes[valid] >= count).any()
