"""Least and greatest value of columns behind a dictionary, found among its entries.

Arrow looks for them among the rows, which takes as long as to write the column four times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.datasets.formats.thrift import TRUE, Value, binary, int64
from maskgate.methods.codes import is_used

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NULL_COUNT, _MAX, _MIN, _MAX_IS_EXACT, _MIN_IS_EXACT = 3, 5, 6, 7, 8
_LONGEST = 4096
_TEXTS = (pa.string(), pa.binary(), pa.large_string(), pa.large_binary())


def statistics_of(columns: Sequence[pa.Array]) -> Mapping[int, Value] | None:
    """Return the ``Statistics`` of a column of text behind dictionaries; None if Arrow has to find them.

    Args:
        columns: Its cells, batch by batch.
    """
    kind = columns[0].type
    if not pa.types.is_dictionary(kind) or kind.value_type not in _TEXTS:
        return None
    for column in columns:
        entries = column.dictionary
        if entries.null_count or not is_used(column.indices, len(entries)).all():
            return None
    found = {_NULL_COUNT: int64(sum(column.null_count for column in columns))}
    bounds = pc.min_max(pa.chunked_array([column.dictionary for column in columns], kind.value_type))
    if bounds["min"].is_valid:
        least, greatest = (bounds[end].as_buffer().to_pybytes() for end in ("min", "max"))
        if max(len(least), len(greatest)) <= _LONGEST:
            found |= {_MIN: binary(least), _MAX: binary(greatest), _MIN_IS_EXACT: TRUE, _MAX_IS_EXACT: TRUE}
    return found
