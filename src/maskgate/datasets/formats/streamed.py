"""Rows of a text as Arrow reads them, block after block."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FOREIGN = (pa.ArrowException, OSError, ValueError)


def streamed(opened: Callable[[], pa.RecordBatchReader], problem: str) -> Iterator[pa.RecordBatch]:
    """Read a stream to its end.

    Args:
        opened: Opens it.
        problem: What to say if it cannot be read; what Arrow itself says may quote a row.

    Raises:
        DatasetError: If it cannot be opened or read.
    """
    with suppress(*_FOREIGN):
        yield from opened()
        return
    raise DatasetError(problem)
