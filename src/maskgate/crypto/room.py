"""Room for whole columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Less than this stays in the cache anyway, and more does not fit into it.
_LEAST_WARMED, _MOST_WARMED = 1 << 20, 1 << 25
_WORDS = {2, 4, 8}


def room(count: int, kind: Any) -> NDArray[Any]:
    """Return an array to write to, in Arrow's memory.

    Arrow keeps memory that was given back, where numpy returns it to the system and has it zeroed anew: for a column
    of a million words that takes longer than a pass over it.

    Args:
        count: How many items.
        kind: A numpy type.
    """
    width = np.dtype(kind)
    return np.frombuffer(pa.allocate_buffer(count * width.itemsize), width, count)


def warmed(items: NDArray[Any]) -> NDArray[Any]:
    """Read items in order and return them, so that the processor's cache holds them if there is room.

    To read them at random is then three times as fast.
    """
    if _LEAST_WARMED <= items.nbytes <= _MOST_WARMED:
        items.view(f"u{items.itemsize}" if items.itemsize in _WORDS else np.uint8).max()
    return items


def taken(items: NDArray[Any], places: NDArray[np.integer[Any]]) -> NDArray[Any]:
    """Return the items at some places, all of which are there, in room of their own."""
    return warmed(items).take(places, out=room(len(places), items.dtype), mode="clip")
