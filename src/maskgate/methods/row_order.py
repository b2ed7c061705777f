"""Orders of rows that do not depend on where the rows stand, since each row has a key of its own.

Where the table declares a ``row_key:``, a shuffle or swap is the same on one machine, in one part after the other, and
inside of Spark. Every row gets a *mark*, the CMAC of its row key. The content of the column is digested into a sum that
has no order, and the sum gives a *seed*, so that a release with other data has another order. Each row's *place* is its
mark, encrypted under the seed; and rows are put in order by their places.

A mark is even and unknown to whoever lacks the key, and so is a place; each order is as likely as any other as long as
AES is a pseudo-random permutation. Both are 16 bytes, most significant first, so that engines which sort bytes agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from maskgate.canonical import canonical_bytes
from maskgate.crypto import cmac, hmac_sha256
from maskgate.crypto.cells import validity
from maskgate.errors import MaskingError
from maskgate.methods.families import family_of
from maskgate.methods.layout import plain
from maskgate.methods.method import Family
from maskgate.methods.nested_cells import nested_cells
from maskgate.methods.permutation import cells_as_bytes
from maskgate.methods.token_input import FAMILIES, token_input

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from maskgate.keys import Key
    from maskgate.methods.method import Surroundings

_BLOCK = 16
_WORD = np.dtype(">u8")
_HALF = np.uint64(32)
_MODULUS = 1 << 128
_TRIPLE = 3
_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


class RowOrder:
    """Digests and orders of the rows of one column, some rows at a time.

    Args:
        key: The key of the column.
        table: The name of the table.
        column: The path of the column.
        purpose: The method.
        parameters: Whatever else the order depends on.
    """

    def __init__(self, key: Key, table: str, column: str, *, purpose: str, parameters: Sequence[Any]) -> None:
        self._key, self._purpose = key, purpose
        self._context = canonical_bytes([table, column, *parameters]).decode()

    def marks(self, row_keys: pa.Array) -> NDArray[Any]:
        """Return the mark of each row, as two words.

        Raises:
            MaskingError: If a row has no key.
        """
        if row_keys.null_count:
            raise MaskingError(f"{row_keys.null_count} rows have no `row_key:`. Fill it in, or name another column.")
        return _words(cmac.digest(spelled(row_keys), self._subkey("mark")))

    def groups(self, columns: Sequence[pa.Array]) -> NDArray[Any]:
        """Return for each row the digest of its values in some columns; a null is a value."""
        digested = [_words(cmac.digest(spelled(column), self._subkey("cell"))) for column in columns]
        return _words(cmac.digest(_side_by_side(digested), self._subkey("group")))

    def content(self, marks: NDArray[Any], column: pa.Array, groups: NDArray[Any] | None) -> int:
        """Return a digest of some rows; the digests of all rows are added up, in any order, modulo 2^128."""
        cells = _words(cmac.digest(spelled(column), self._subkey("cell")))
        parts = [marks, cells] if groups is None else [marks, cells, groups]
        words = _words(cmac.digest(_side_by_side(parts), self._subkey("content"))).astype(np.uint64)
        low = words & np.uint64(0xFFFFFFFF)
        # Of half a word each, so that no sum of fewer than 2^32 rows runs over.
        high_sums, low_sums = (words >> _HALF).sum(axis=0, dtype=np.uint64), low.sum(axis=0, dtype=np.uint64)
        first, second = ((int(high_sums[at]) << 32) + int(low_sums[at]) for at in (0, 1))
        return ((first << 64) + second) % _MODULUS

    def places(self, content: int, marks: NDArray[Any], number: int = 0) -> NDArray[Any]:
        """Return the place of each row in the order with this number, as two words.

        Args:
            content: The digests of all rows, added up.
            marks: The marks of some rows.
            number: Which order; one has nothing to do with another.
        """
        total = (content % _MODULUS).to_bytes(_BLOCK, "big")
        seed = hmac_sha256.digest(pa.array([total + bytes([number])]), self._subkey("seed"))[0].as_py()
        encryptor = Cipher(AES(seed), ECB()).encryptor()  # noqa: S305  the block cipher itself is wanted
        return np.frombuffer(encryptor.update(np.ascontiguousarray(marks).tobytes()), _WORD).reshape(-1, 2)

    def _subkey(self, use: str) -> bytes:
        # What a cell is does not depend on the column, but nothing that is digested here may be found elsewhere.
        return self._key.subkey(purpose=f"{self._purpose} by row key: {use}", scheme="order", domain=self._context)


@dataclass(frozen=True)
class PresentRows:
    """What orders the rows of one column that are not null, all of them at once.

    Attributes:
        marks: Their marks.
        groups: The digests of their groups; None if all are one.
        places: Their places in each order that is wanted.
    """

    marks: NDArray[Any]
    groups: NDArray[Any] | None
    places: tuple[NDArray[Any], ...]

    @classmethod
    def of(
        cls,
        column: pa.Array,
        surroundings: Surroundings,
        row_order: Callable[[Key, str, str], RowOrder],
        within: Sequence[pa.Array] = (),
    ) -> PresentRows | None:
        """Look at a whole column; None if the table declares no row key.

        Raises:
            MaskingError: If there is no key, a row has no row key, or two rows have the same.
        """
        if surroundings.row_key is None:
            return None
        where = f'column "{surroundings.column}"'
        if surroundings.key is None:
            raise MaskingError(f"{where}: an order by the row key needs a key")
        order = row_order(surroundings.key, surroundings.table, surroundings.column)
        try:
            marks = order.marks(surroundings.row_key)
            check_marks(marks)
        except MaskingError as error:
            raise MaskingError(f"{where}: {error}") from None
        groups = order.groups(within) if within else None
        content = order.content(marks, column, groups)
        valid = validity(plain(column))
        if valid is not None:
            marks, groups = marks[valid], None if groups is None else groups[valid]
        return cls(marks, groups, tuple(order.places(content, marks, number) for number in (0, 1)))


def check_marks(marks: NDArray[Any]) -> None:
    """Refuse rows of which two have one key.

    Raises:
        MaskingError: If there are such; with their number.
    """
    ordered = marks[in_order(marks)]
    repeated = int((ordered[1:] == ordered[:-1]).all(axis=1).sum())
    if repeated:
        raise MaskingError(f"{repeated} rows have the `row_key:` of another. Name a column that is unique.")


def in_order(*keys: NDArray[Any]) -> NDArray[np.intp]:
    """Return the rows in order: by the first key, then by the next; each has one or more words a row."""
    columns = [part.astype(np.uint64) for key in keys for part in (key.T if key.ndim > 1 else [key])]
    # What all rows have in common orders nothing.
    columns = [each for each in columns if len(each) and each.min() != each.max()] or columns[:1]
    order = np.argsort(columns[0])
    first = columns[0][order]
    if (first[1:] == first[:-1]).any():
        return np.lexsort(columns[::-1])
    # Words of 64 even bits hardly ever tie, and one of them sorts many times as fast as two.
    return order


def shuffled_sources(marks: NDArray[Any], places: NDArray[Any]) -> NDArray[np.int64]:
    """Return for each row the row that it gets its value from: the row at the place that its mark has in order."""
    sources = np.empty(len(marks), np.int64)
    sources[in_order(marks)] = in_order(places)
    return sources


def swapped_sources(
    groups: NDArray[Any] | None,
    places: NDArray[Any],
    ranked: tuple[NDArray[Any], NDArray[Any], float] | None = None,
) -> NDArray[np.int64]:
    """Return for each row the row of its group that it exchanges its value with.

    Args:
        groups: What rows of a group have in common; None if all are one.
        places: Their places.
        ranked: For rank swapping, the values as :func:`sortable` words, places for ties, and the percentage.
    """
    members = np.zeros((len(places), 2), np.uint64) if groups is None else groups
    blocks = np.zeros(len(places), np.uint64)
    if ranked is not None:
        values, ties, percent = ranked
        order, ranks, sizes = _ranks(members, values, ties)
        blocks[order] = blocks_of(ranks, sizes, percent)
    order, ranks, sizes = _ranks(np.column_stack([members, blocks]), places)
    starts = np.arange(len(order)) - ranks
    sources = np.empty(len(order), np.int64)
    sources[order] = order[starts + partners_of(ranks, sizes)]
    return sources


def blocks_of(ranks: NDArray[np.int64], sizes: NDArray[np.int64], percent: float) -> NDArray[np.int64]:
    """Cut groups into blocks of neighbours in rank; return the number of each row's block.

    A last block of one joins the one before, which is why a block is one narrower than the distance allows.
    """
    widths = np.maximum(2, (sizes * (percent / 100)).astype(np.int64))
    counts = np.maximum(1, sizes // widths + (sizes % widths > 1))
    blocks: NDArray[np.int64] = np.minimum(ranks // widths, counts - 1)
    return blocks


def partners_of(ranks: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each rank in a group of some size the rank that it gets its value from.

    Neighbours exchange theirs. Where a group is odd, its last three pass theirs round; one that is alone keeps it.
    """
    partners = np.where(sizes == 1, ranks, ranks ^ 1)
    lasts = (sizes % 2 == 1) & (sizes >= _TRIPLE) & (ranks >= sizes - _TRIPLE)
    return np.where(lasts, np.where(ranks == sizes - 1, sizes - _TRIPLE, ranks + 1), partners)


def sortable(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Return words that sort as integers or doubles do; all that are no number come last."""
    sign = np.uint64(1 << 63)
    if values.dtype.kind == "u":
        return values.astype(np.uint64)
    if values.dtype.kind == "i":
        return values.astype(np.int64).view(np.uint64) ^ sign
    # Minus zero is zero.
    bits = (values.astype(np.float64) + 0.0).view(np.uint64)
    words = np.where(bits & sign, ~bits, bits | sign)
    return np.where(np.isnan(values), np.uint64(2**64 - 1), words)


def spelled(column: pa.Array) -> pa.Array:  # noqa: PLR0911  one a family
    """Return strings or bytes that stand for cells, the same for the same value in every type that can hold it."""
    if family_of(column.type) is Family.NESTED:
        return nested_cells(column, spelled)
    column = plain(column)
    kind, family = column.type, family_of(column.type)
    if family is Family.FLOAT:
        doubles = column.cast(pa.float64()).fill_null(0).to_numpy(zero_copy_only=False)
        words = sortable(doubles).astype(_WORD)
        whole = pa.Array.from_buffers(pa.binary(words.itemsize), len(words), [None, pa.py_buffer(words)])
        return pc.if_else(column.is_valid(), whole, pa.scalar(None, whole.type)) if column.null_count else whole
    if family is Family.DECIMAL and kind.scale > 0:
        return column.cast(pa.decimal256(76, kind.scale)).cast(pa.string())
    if family is Family.TIME:
        return column.cast(pa.time64("ns")).cast(pa.int64()).cast(pa.string())
    if family is Family.DURATION:
        # In nanoseconds, which int64 does not hold of every one.
        counts = column.cast(pa.int64()).cast(pa.decimal256(19, 0))
        return pc.multiply(counts, pa.scalar(_NANOSECONDS[kind.unit], pa.decimal256(10, 0))).cast(pa.string())
    if family is Family.INTERVAL:
        return cells_as_bytes(column)
    return token_input(column) if family in FAMILIES else column.cast(pa.string())


def _ranks(members: NDArray[Any], *keys: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]:
    """Return rows in order, and for each its rank in its group and the size of the group."""
    order = in_order(members, *keys)
    ordered = members[order]
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    starts = np.flatnonzero(is_first)
    sizes = np.diff(np.append(starts, len(order)))
    return order, np.arange(len(order)) - np.repeat(starts, sizes), np.repeat(sizes, sizes)


def _words(digests: Any) -> NDArray[Any]:
    """View digests as two words each, zeros for nulls."""
    chunk = digests.combine_chunks() if isinstance(digests, pa.ChunkedArray) else digests
    return np.frombuffer(chunk.buffers()[1], _WORD, 2 * len(chunk), chunk.offset * _BLOCK).reshape(-1, 2)


def _side_by_side(parts: Sequence[NDArray[Any]]) -> pa.Array:
    """Put words of one row behind each other, as bytes."""
    words = np.ascontiguousarray(np.column_stack(parts).astype(_WORD))
    width = words.shape[1] * words.itemsize
    return pa.Array.from_buffers(pa.binary(width), len(words), [None, pa.py_buffer(words)])
