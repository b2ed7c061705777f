"""Neighbours in some order that exchange their values, while rows come in portions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from maskgate.datasets.moving.strip import together
from maskgate.methods.pairs import Blocks, neighbours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from maskgate.datasets.moving.result import Moved
    from maskgate.datasets.moving.sorting import Ordered

_LEAST = 2


def pair_neighbours(rows: Iterator[Ordered], moved: Moved) -> None:
    """Exchange the values of neighbours, from where their block begins; the last three of an odd block go round.

    Args:
        rows: Rows with the values that they bring along, block by block; a block may go on in the next portion.
        moved: Takes values with their new places.
    """
    blocks: NDArray[np.int64] = np.zeros(0, np.int64)
    held: pa.RecordBatch | None = None
    for portion in rows:
        blocks = np.concatenate([blocks, portion.groups.astype(np.int64)])
        assert portion.carried is not None
        held = portion.carried if held is None else together([held, portion.carried], held.schema)
        # Of the last block, which may go on, so many that those before are pairs.
        last = len(blocks) - int(np.searchsorted(blocks, blocks[-1])) if len(blocks) else 0
        done = len(blocks) - min(last, _LEAST + last % _LEAST)
        _pair(blocks[:done], held.slice(0, done), moved)
        blocks, held = blocks[done:], held.slice(done)
    if held is not None:
        _pair(blocks, held, moved)


def _pair(blocks: NDArray[Any], batch: pa.RecordBatch, moved: Moved) -> None:
    starts = np.flatnonzero(np.diff(blocks, prepend=blocks[:1] - 1)) if len(blocks) else np.zeros(0, np.int64)
    ((_, sources),) = neighbours(Blocks(np.arange(len(blocks)), starts))
    moved.exchange(batch, batch.take(pa.array(sources)))
