"""A table that is read in pieces, wherever it is."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.datasets.files import without_partition_values
from maskgate.datasets.formats import DIALECT
from maskgate.datasets.row_size import least_row_size
from maskgate.datasets.sound_rows import check_rows
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from maskgate.datasets.formats import Piece

MOST_ROWS = 131_072
_MOST_BYTES = 64 << 20
_USUAL_BYTES = 32 << 20
# Of rows this long even a few are enough work, and each is in memory several times while a batch is encoded.
_LONG_ROW = 256 << 10
_FEW_BYTES = 8 << 20
# What is done once for each column of a batch takes as long as so many bytes of its cells.
_COLUMN_BYTES = 32 << 10


@dataclass(frozen=True)
class InputState:
    """What a file was like when the run began.

    Attributes:
        name: Where it is.
        size: Its bytes.
        stamp: A time, or what an object store calls its version.
        digest: A hash of what was read of it, such as its footer.
    """

    name: str
    size: int | None
    stamp: str
    digest: str


@dataclass(frozen=True)
class Source:
    """One table, ready to be read.

    Attributes:
        schema: Its schema.
        pieces: Its rows, in order.
        read: Reads a piece: the piece, how many rows a batch has at most, and the columns (None for all).
        rows: How many rows it has, if that is known before.
        uri: Where it is, without credentials; None if it is in memory.
        inputs: Its files as they are now; empty if it cannot be read a second time.
        states: Looks at the files again; None if there are none.
        repeating: Columns that can be read behind a dictionary.
        as_dictionaries: Returns the same source with some of these read so.
        remarks: What is worth telling about a column, where the rules do not fit it.
        can_be_read_again: Whether the same rows come another time.
        about_rows: How many rows it may have, where that is not known before; None if nothing tells.
    """

    schema: pa.Schema
    pieces: tuple[Piece, ...]
    read: Callable[[Piece, int, Sequence[str] | None], Iterator[pa.RecordBatch]] = field(repr=False)
    rows: int | None = None
    uri: str | None = None
    inputs: tuple[InputState, ...] = ()
    states: Callable[[], list[tuple[str, int | None, str]]] | None = field(default=None, repr=False)
    repeating: tuple[str, ...] = ()
    as_dictionaries: Callable[[Collection[str]], Source] | None = field(default=None, repr=False)
    remarks: Mapping[str, str] = field(default_factory=dict)
    can_be_read_again: bool = True
    about_rows: int | None = None

    def verify(self) -> None:
        """Look whether the files are still those of the beginning.

        Raises:
            DatasetError: If one has changed, is gone, or is new.
        """
        if self.states is None:
            return
        before = {each.name: (each.size, each.stamp) for each in self.inputs}
        now = {name: (size, stamp) for name, size, stamp in self.states()}
        for name in sorted(before.keys() | now.keys()):
            if before.get(name) != now.get(name):
                what = "is gone" if name not in now else "is new" if name not in before else "has changed"
                shown = without_partition_values(name)
                raise DatasetError(f"{shown}: the file {what} since the run began. Mask the data when it is at rest.")

    @property
    def dialect(self) -> str:
        """How its text is written, if it is text; empty otherwise."""
        return ((self.schema.metadata or {}).get(DIALECT) or b"").decode()

    @cached_property
    def batch_rows(self) -> int:
        """How many rows to mask at once, so that a batch stays small however wide a row is."""
        rows, size = sum(piece.rows or 0 for piece in self.pieces), sum(piece.size for piece in self.pieces)
        known = size // rows if rows else max((0, *(piece.row_size for piece in self.pieces)))
        size = max(1, known, least_row_size(self.schema))
        least = _FEW_BYTES if size >= _LONG_ROW else _USUAL_BYTES
        most = min(_MOST_BYTES, max(least, _COLUMN_BYTES * len(self.schema)))
        limited = min(MOST_ROWS, max(1, most // size))
        # A power of two, so that a few bytes more or less in a file rarely change how the output is cut.
        return 1 << (limited.bit_length() - 1)

    @property
    def known_bytes(self) -> int:
        """What its rows take at least, as far as anybody knows before."""
        return sum(piece.size for piece in self.pieces)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Read all rows.

        Args:
            columns: The columns to read; None for all.

        Raises:
            DatasetError: If something turns out to be damaged.
        """
        rows = self.batch_rows
        for piece in self.pieces:
            start = 0
            for batch in self.read(piece, rows, columns):
                yield checked(batch, piece.around(start, batch.num_rows))
                start += batch.num_rows


def checked(batch: pa.RecordBatch, piece: Piece) -> pa.RecordBatch:
    """Return a batch, if it is what it says.

    Raises:
        DatasetError: If it is not.
    """
    # A file does not promise that text is UTF-8, or that lists stay in their bounds; errors may quote what is in it.
    with suppress(pa.ArrowException, ValueError):
        check_rows(batch)
        return batch
    raise DatasetError(f"{piece.shown}: it is damaged: what it holds is not what it says it is. Write it again.")
