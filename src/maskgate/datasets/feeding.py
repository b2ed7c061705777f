"""A table cut into stretches of equal length, wherever its files begin and end.

* The same rows are cut at the same places, so that the same rows give the same files.
* Nothing of what is handed on is kept on the way, so that who works on rows can let go of them.
* A file on a disk is read as a stream. Pieces in an object store are fetched ahead, a few at a time.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from maskgate.datasets.source import checked
from maskgate.masking.joining import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    import pyarrow as pa

    from maskgate.datasets.formats import Piece
    from maskgate.datasets.source import Source

_FETCHERS = 8
_FETCHED_WHOLE = 16 << 20


@dataclass(frozen=True)
class Stretch:
    """Rows that become one row group.

    Attributes:
        start: How many rows there are before.
        parts: The rows, with the piece that each batch is from.
    """

    start: int
    parts: tuple[tuple[pa.RecordBatch, Piece], ...] = field(repr=False)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(batch.num_rows for batch, _ in self.parts)

    @property
    def size(self) -> int:
        """How many bytes they take."""
        return sum(batch.nbytes for batch, _ in self.parts)

    def batch(self) -> pa.RecordBatch:
        """Return the rows as one batch; on any thread.

        Raises:
            DatasetError: If they are not what their file says they are.
        """
        return joined([checked(batch, piece) for batch, piece in self.parts], self.parts[0][0].schema)


def whole(batch: pa.RecordBatch, source: Source) -> Iterator[Stretch]:
    """Give a whole table as one stretch, for methods that must see all rows; nothing, if it has none."""
    if batch.num_rows:
        yield Stretch(0, ((batch, source.pieces[0]),))


def cut(batch: pa.RecordBatch, rows: int, start: int = 0) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Cut a batch into what is handled at once, each with the number of its first row; nothing, if it has no rows."""
    for at in range(0, batch.num_rows, rows):
        yield start + at, batch.slice(at, rows)


def stretches(source: Source, most: int, *, skip: int = 0) -> Iterator[Stretch]:
    """Cut a table into stretches of `most` rows, the last one shorter.

    Args:
        source: The table.
        most: How many rows a stretch has.
        skip: How many rows to leave out at the beginning.

    Raises:
        DatasetError: If a file cannot be read.
    """
    pending: list[tuple[pa.RecordBatch, Piece]] = []
    start, rows = skip, 0
    for batch, piece in _batches(source, min(most, source.batch_rows), skip):
        at, end = 0, batch.num_rows
        while at < end:
            pending.append((batch.slice(at, most - rows), piece))
            at, rows = at + pending[-1][0].num_rows, rows + pending[-1][0].num_rows
            if at == end:
                del batch
            if rows == most:
                start, rows = start + rows, 0
                yield Stretch(start - most, _taken(pending))
    if pending:
        yield Stretch(start, _taken(pending))


def _taken(pending: list[tuple[pa.RecordBatch, Piece]]) -> tuple[tuple[pa.RecordBatch, Piece], ...]:
    """Empty a list, so that nobody but whoever works on the rows has them."""
    taken = tuple(pending)
    pending.clear()
    return taken


def _batches(source: Source, rows: int, skip: int) -> Iterator[tuple[pa.RecordBatch, Piece]]:
    """Read the rows that are wanted, in order, so many at a time, each batch with where it is from.

    No more are read at once than a stretch has: two stretches that come of one read begin together, and those who work
    on them would wait for the next read together, too.
    """
    pieces, skip = _left(source.pieces, skip)
    ahead = _Ahead(source, pieces, rows)
    with ThreadPoolExecutor(_FETCHERS, thread_name_prefix="maskgate-fetch") as pool:
        try:
            for at, piece in enumerate(pieces):
                start = 0
                for batch in ahead.read(at, pool):
                    around = piece.around(start, batch.num_rows)
                    start += batch.num_rows
                    left = [batch.slice(min(skip, batch.num_rows))]
                    skip -= batch.num_rows - left[0].num_rows
                    del batch
                    if left[0].num_rows:
                        yield left.pop(), around
        finally:
            ahead.cancel()


def _left(pieces: Sequence[Piece], skip: int) -> tuple[Sequence[Piece], int]:
    """Return what has to be read to have all rows but the first ones, and how many of these it still has."""
    for at, piece in enumerate(pieces):
        if piece.rows is None or piece.rows > skip:
            first, skip = piece.behind(skip)
            return (first, *pieces[at + 1 :]), skip
        skip -= piece.rows
    return (), skip


class _Ahead:
    """Fetches small pieces of remote files before their turn."""

    def __init__(self, source: Source, pieces: Sequence[Piece], rows: int) -> None:
        self._source = source
        self._pieces = pieces
        self._rows = rows
        self._fetched: deque[tuple[int, Future[list[pa.RecordBatch]]]] = deque()

    def read(self, at: int, pool: ThreadPoolExecutor) -> Iterator[pa.RecordBatch]:
        """Read the piece at a place, and have those behind it fetched."""
        while self._fetched and self._fetched[0][0] < at:
            self._fetched.popleft()
        start = self._fetched[-1][0] + 1 if self._fetched else at
        for later in range(start, min(at + _FETCHERS, len(self._pieces))):
            if not self._is_fetched(self._pieces[later]):
                break
            self._fetched.append((later, pool.submit(self._whole, later)))
        if self._fetched and self._fetched[0][0] == at:
            return iter(self._fetched.popleft()[1].result())
        return self._stream(at)

    def cancel(self) -> None:
        """Fetch no more."""
        for _, future in self._fetched:
            future.cancel()

    def _is_fetched(self, piece: Piece) -> bool:
        return piece.file.filesystem is not None and 0 < piece.size <= _FETCHED_WHOLE

    def _whole(self, at: int) -> list[pa.RecordBatch]:
        return list(self._stream(at))

    def _stream(self, at: int) -> Iterator[pa.RecordBatch]:
        return self._source.read(self._pieces[at], self._rows, None)
