"""The names of the columns of a CSV file, and where its rows begin."""

from __future__ import annotations

import csv
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maskgate.datasets.formats.csv_dialect import Dialect


@dataclass(frozen=True)
class Header:
    """The names of the columns, and how far they are.

    Attributes:
        names: The columns.
        lines: How many ends of lines stand before the first row: before, inside of and behind the names.
        is_all: Whether nothing stands behind them.
    """

    names: list[str]
    lines: int
    is_all: bool

    @classmethod
    def of(cls, name: str, dialect: Dialect, head: bytes) -> Self:
        """Find the names.

        Args:
            name: What messages call the file.
            dialect: How it is written.
            head: Its first bytes.

        Raises:
            DatasetError: If there is no line, or the first one holds no names.
        """
        text = dialect.text_of(name, head)
        if not text.strip("\r\n"):
            raise DatasetError(f"{name}: it is empty, so that nobody knows its columns.")
        if not dialect.header:
            return cls([f"f{at}" for at in range(len(next(dialect.cells_as_written(text))))], 0, is_all=False)
        rows = dialect.lines_of(text)
        with suppress(csv.Error):
            return cls(next(filter(None, rows)), rows.line_num, is_all=_is_at_end(rows))
        raise DatasetError(
            f"{name}: its first line has a cell of more than {csv.field_size_limit():,} characters, which is no "
            "name of a column. If the file has no names, declare it: --source-option header=false or "
            "source_options={'header': False}."
        )


def _is_at_end(rows: Iterator[list[str]]) -> bool:
    with suppress(csv.Error):
        return next(rows, None) is None
    # There is a row, of which a cell is longer than Python's reader takes.
    return False
