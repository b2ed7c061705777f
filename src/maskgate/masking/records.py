"""Digests of the cells of a whole column, however long: how many repeat, and how often one stands there.

Each cell is 16 bytes under a key that the run draws and forgets. A million are kept in memory; more go to a
temporary file without a name, in parts by their first byte, and are looked at part by part.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa

from maskgate.crypto import cmac
from maskgate.errors import MaskingError
from maskgate.methods.layout import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MOST_IN_MEMORY = 1_000_000
_PARTS = 256
_WIDTH = 16


def digests_of(column: pa.Array, secret: bytes) -> NDArray[np.uint64]:
    """Return two words for each cell that is not null; equal cells have equal ones.

    Args:
        column: Single values, in any layout.
        secret: A key for :func:`maskgate.crypto.cmac.digest`.
    """
    cells = plain(column).drop_null()
    digests = cmac.digest(_as_bytes(cells), secret)
    words = np.frombuffer(digests.buffers()[1], np.uint64, 2 * len(digests), digests.offset * _WIDTH)
    return words.reshape(-1, 2)


class Records:
    """Digests, collected batch by batch.

    Args:
        most: How many are kept in memory.
    """

    def __init__(self, most: int = MOST_IN_MEMORY) -> None:
        self._most = most
        self._held: list[NDArray[np.uint64]] = []
        self._count = 0
        self._file: IO[bytes] | None = None
        self._places: dict[int, list[tuple[int, int]]] = defaultdict(list)

    def add(self, digests: NDArray[np.uint64]) -> None:
        """Take the digests of one batch.

        Raises:
            MaskingError: If there is no room for a temporary file.
        """
        self._held.append(digests)
        self._count += len(digests)
        if self._count > self._most:
            failure = ""
            try:
                self._put_away()
            except OSError as error:
                failure = error.strerror or type(error).__name__
            if failure:
                raise MaskingError(
                    f"what `check:` counts does not fit into {tempfile.gettempdir()}: {failure}. Make room there, or "
                    "let TMPDIR name another folder."
                )

    def repeated(self) -> int:
        """Count the cells that have the same value as one before."""
        return sum(_repeated(part) for part in self.parts())

    def most(self) -> int:
        """Return how often the most frequent value stands there.

        Values are told apart by 64 bits here: two that are mistaken for one can only make the answer too large.
        """
        return max((_longest_run(np.sort(part[:, 0])) for part in self.parts()), default=0)

    def parts(self) -> Iterator[NDArray[np.uint64]]:
        """Give all digests, so that equal ones are in the same part."""
        if self._file is None:
            yield np.concatenate(self._held) if self._held else np.zeros((0, 2), np.uint64)
            return
        if self._held:
            self._put_away()
        for places in self._places.values():
            pieces = []
            for place, count in places:
                self._file.seek(place)
                pieces.append(np.frombuffer(self._file.read(count * _WIDTH), np.uint64).reshape(-1, 2))
            self._file.seek(0, 2)
            yield np.concatenate(pieces)

    def close(self) -> None:
        """Give the memory and the file back."""
        self._held = []
        if self._file is not None:
            self._file.close()

    def _put_away(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="maskgate-")  # noqa: SIM115  closed by close()
        held = np.concatenate(self._held)
        self._held, self._count = [], 0
        first = held.view(np.uint8)[:, 0]
        held = held[np.argsort(first, kind="stable")]
        edges = np.concatenate([[0], np.cumsum(np.bincount(first, minlength=_PARTS))])
        for part in range(_PARTS):
            start, stop = int(edges[part]), int(edges[part + 1])
            if start < stop:
                self._places[part].append((self._file.tell(), stop - start))
                self._file.write(held[start:stop].data)


def _repeated(part: NDArray[np.uint64]) -> int:
    first = np.sort(part[:, 0])
    doubtful = np.unique(first[1:][first[1:] == first[:-1]])
    if not len(doubtful):
        return 0
    # Hardly ever two different ones begin alike; then the second word tells.
    alike = part[np.isin(part[:, 0], doubtful)]
    alike = alike[np.lexsort((alike[:, 1], alike[:, 0]))]
    return int((alike[1:] == alike[:-1]).all(axis=1).sum())


def _longest_run(ordered: NDArray[np.uint64]) -> int:
    if not len(ordered):
        return 0
    edges = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1], [True]]))
    return int(np.diff(edges).max())


def _as_bytes(cells: pa.Array) -> pa.Array:
    kind = cells.type
    if len(cells) == 0:
        return pa.array([], pa.binary())
    if pa.types.is_boolean(kind):
        cells = cells.cast(pa.uint8())
    elif pa.types.is_floating(kind):
        numbers = cells.to_numpy(zero_copy_only=False) + 0.0  # a negative zero is equal to zero
        cells = pa.array(np.where(np.isnan(numbers), np.nan, numbers).astype(numbers.dtype))
    try:
        width = cells.type.bit_width // 8
    except ValueError:
        return cells  # strings and bytes
    return pa.Array.from_buffers(pa.binary(width), len(cells), [None, cells.buffers()[1]], offset=cells.offset)
