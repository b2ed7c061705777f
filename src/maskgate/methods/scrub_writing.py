"""Write texts again with other words in some places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity, validity_buffer
from maskgate.detect.spans import Spans
from maskgate.detect.text import strings

if TYPE_CHECKING:
    from maskgate.detect.text import Text


def rewrite(cells: pa.Array, text: Text, spans: Spans, replacements: pa.Array) -> pa.Array:
    """Return the cells with every span replaced.

    Args:
        cells: ``string`` or ``large_string``; a null stays one.
        text: The same cells, laid out, nothing of them taken.
        spans: From left to right; no two overlap, and each is inside of one cell.
        replacements: The text for each span, as ``large_string``.
    """
    count = len(cells)
    # What stands between the cells is replaced by nothing, and so the cells come out back to back.
    between = Spans(np.concatenate([[0], text.ends]), np.concatenate([text.starts, [len(text.data)]]))
    if count == 0:
        return cells
    every = Spans.all_of([between, spans])
    order = np.argsort(every.starts, kind="stable")
    edges = np.empty(2 * len(every) + 1, np.int64)
    edges[0:-1:2], edges[1::2], edges[-1] = every.starts[order], every.ends[order], len(text.data)
    replaced = np.where(order < count + 1, 0, order - count)
    choices = pa.concat_arrays([pa.array([""], pa.large_string()), replacements])
    places = np.zeros(2 * len(every), np.int64)
    places[0::2] = replaced
    is_replaced = np.arange(2 * len(every)) % 2 == 0
    written = pc.if_else(pa.array(is_replaced), pc.take(choices, pa.array(places)), strings(text.data, edges))
    _, offsets, data = written.buffers()
    ends = np.frombuffer(offsets, np.int64, len(written) + 1)
    starts_of_cells = ends[2 * np.flatnonzero(order < count + 1) + 1]
    width = np.int64 if pa.types.is_large_string(cells.type) else np.int32
    valid = validity_buffer(validity(cells))
    return pa.Array.from_buffers(cells.type, count, [valid, pa.py_buffer(starts_of_cells.astype(width)), data])
