"""What a CSV file quotes, told from its first rows, so that written files quote the same.

A way of quoting all columns alike is tried first, by writing the first rows and looking for them in the file. Where
none fits, the cells are looked at as they stand in the file, and every column that is always quoted will be.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.datasets.formats.csv_dialect import QUOTINGS
from maskgate.datasets.formats.csv_encoding import rendered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maskgate.datasets.formats.csv_dialect import Dialect

_ROWS = 100


def with_quoting(
    dialect: Dialect, schema: pa.Schema, columns: Sequence[pa.Array], text: str, *, is_cut: bool
) -> Dialect:
    """Return a dialect by which the first rows come out as they stand in the file.

    Args:
        dialect: How the file is written, but for its quotes.
        schema: What the columns are taken for.
        columns: Their first cells.
        text: The beginning of the file.
        is_cut: Whether the last row of it may be cut off.
    """
    names, kinds = schema.names, schema.types
    rows = list(islice(dialect.cells_as_written(text), _ROWS + dialect.header))[dialect.header :]
    rows = (rows[:-1] or rows) if is_cut and len(rows) < _ROWS else rows
    few = [column.slice(0, len(rows) if is_cut else _ROWS) for column in columns]
    head = text.encode()
    for quoting in QUOTINGS:
        tried = replace(dialect, quoting=quoting)
        body = rendered(few, _quoted(tried, names, kinds), tried)
        if body and bytes(body) in head:
            return _with_header(tried, names, text)
    cells = zip(*[row for row in rows if len(row) == len(names)], strict=True)
    quoted = [name for name, column in zip(names, cells, strict=False) if _is_quoted(dialect, column)]
    return _with_header(replace(dialect, quoted=tuple(quoted)), names, text)


def has_line(cell: str) -> bool:
    """Say whether a cell holds the end of a line, as nearly all do that swallow what follows an open quote."""
    return "\n" in cell or "\r" in cell


def is_left_open(cell: str, tail: bytes, dialect: Dialect) -> bool:
    """Say whether the last cell of a file is quoted, and the file ends before it does.

    Args:
        cell: What it is read as.
        tail: The last characters of the file, or nothing.
        dialect: How the file is written.
    """
    quote = dialect.quote.encode()
    inner = cell.replace(dialect.quote, (dialect.escape or dialect.quote) + dialect.quote).encode(dialect.encoding)
    if not tail or not cell.strip(dialect.quote):
        return False
    ended = tail.rstrip(b"\r\n")
    if len(inner) >= len(tail):
        return has_line(cell) and not ended.endswith(quote)
    return tail.endswith(quote + inner) and not ended.endswith(quote + inner + quote)


def ends_in_null(tail: bytes, dialect: Dialect) -> bool:
    """Say whether a file ends in an empty cell without the end of a line, which Arrow takes for the empty text."""
    return "" in dialect.nulls and tail.endswith(dialect.delimiter.encode())


def _quoted(dialect: Dialect, names: Sequence[str], kinds: Sequence[pa.DataType]) -> list[bool]:
    return [dialect.is_quoted(name, is_text=pa.types.is_string(kind)) for name, kind in zip(names, kinds, strict=True)]


def _with_header(dialect: Dialect, names: Sequence[str], text: str) -> Dialect:
    """Return a dialect that quotes the names as the first line does, where that is not as it quotes texts."""
    if dialect.quoted_header is not None:
        return dialect
    first = next(dialect.cells_as_written(text), []) if dialect.header else []
    if len(first) != len(names):
        return dialect
    are_quoted = all(_is_in_quotes(dialect, cell) for cell in first)
    return dialect if are_quoted == dialect.quotes_names else replace(dialect, quoted_header=are_quoted)


def _is_quoted(dialect: Dialect, cells: Sequence[str]) -> bool:
    present = [cell for cell in cells if cell not in dialect.nulls]
    return bool(present) and all(_is_in_quotes(dialect, cell) for cell in present)


def _is_in_quotes(dialect: Dialect, cell: str) -> bool:
    # What is cut off behind its first quote is no sign.
    return len(cell) > 1 and cell.startswith(dialect.quote) and cell.endswith(dialect.quote)
