"""Footers of Parquet files, put together.

Nothing but the row groups and the count of rows is changed in one; everything else is copied as bytes.

https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.datasets.formats.thrift import STRUCT, fields_of, int64, list_of, struct_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUM_ROWS, _ROW_GROUPS = 3, 4


def joined_footer(first: bytes, groups: Sequence[bytes], rows: int) -> bytes:
    """Return a footer with other row groups.

    Args:
        first: A ``FileMetaData`` of the same schema and writer.
        groups: The row groups.
        rows: How many rows they have together.
    """
    fields = fields_of(first)
    return struct_bytes({**fields, _NUM_ROWS: int64(rows), _ROW_GROUPS: list_of(STRUCT, groups)})
