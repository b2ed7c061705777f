"""Orders of rows that a key and the data decide.

The order comes from the key, from what the method is set to, and from a digest of the column itself: a run that is
repeated gives the same order, and a release with other data one that has nothing to do with it. The digest is of the
cells, so that chunks, layouts and the order of a dictionary make no difference.

Rows are put in order by sorting random numbers, each with its row in its last bits and its group in its first: numpy
sorts words several times as fast as it moves single values to and fro.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR, GCM

from maskgate.canonical import canonical_bytes
from maskgate.crypto import hmac_sha256
from maskgate.crypto.cells import Cells, validity, validity_buffer
from maskgate.crypto.room import room, taken
from maskgate.errors import MaskingError
from maskgate.methods.families import value_type
from maskgate.methods.fixed_width import as_column, portions, view
from maskgate.methods.layout import by_value, in_layout_of, plain
from maskgate.methods.method import Family
from maskgate.methods.spread import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from maskgate.methods.method import Surroundings

MOVABLE = frozenset(Family) - {Family.NESTED, Family.NULL, Family.OTHER}
_WORD_BITS = 64
_ZEROS = memoryview(bytes(1 << 18))
# Integers that lie so close are shuffled as they are, not by their rows.
_MOST_VALUE_BITS = 32
_WIDTHS = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}


class Chance:
    """Random words that a seed decides: the key stream of AES in counter mode."""

    def __init__(self, seed: bytes) -> None:
        self._stream = Cipher(AES(seed), CTR(bytes(16))).encryptor()

    def words(self, count: int) -> NDArray[np.uint64]:
        """Return the next words."""
        words = room(count, "<u8")
        for rows in portions(count):
            part = words[rows]
            self._stream.update_into(_ZEROS[: part.nbytes], part.data.cast("B"))
        return words


def chance_for(
    columns: Sequence[pa.Array], surroundings: Surroundings, *, purpose: str, parameters: Sequence[Any]
) -> Chance:
    """Return random words that the key, the parameters and the columns' cells decide.

    The cells are hashed by GHASH under a secret key, and the result goes through HMAC under another (Carter and
    Wegman's way), which gives a seed that nobody without the key can tell from an even one.

    Raises:
        MaskingError: If there is no key.
    """
    key = surroundings.key
    if key is None:
        raise MaskingError(f'column "{surroundings.column}": {purpose} needs a key')
    context = canonical_bytes([surroundings.table, surroundings.column, *parameters]).decode()

    def subkey(use: str) -> bytes:
        return key.subkey(purpose=f"{purpose}: {use}", scheme="order", domain=context)

    hashed = Cipher(AES(subkey("content")), GCM(bytes(12))).encryptor()
    for column in columns:
        for part in _content(plain(column)):
            hashed.authenticate_additional_data(part.nbytes.to_bytes(8, "little"))
            hashed.authenticate_additional_data(part.view(np.uint8).reshape(-1).data)
    hashed.finalize()
    seed = hmac_sha256.digest(pa.array([hashed.tag]), subkey("seed"))[0].as_py()
    return Chance(seed)


def moved_type(input_type: pa.DataType) -> pa.DataType:
    """Return the type of a column whose values move: itself, without extension or view."""
    kind = value_type(input_type)
    if pa.types.is_string_view(kind):
        kind = pa.large_string()
    if pa.types.is_binary_view(kind):
        kind = pa.large_binary()
    return in_layout_of(input_type, kind)


def movable(column: pa.Array) -> pa.Array:
    """Return the column plain, or as a dictionary without nulls, doubles and what no row uses."""
    return by_value(column, lambda values: values)


def rearranged(column: pa.Array, sources: NDArray[np.int64]) -> pa.Array:
    """Return the column with its values in other rows, and null where it is null.

    Args:
        column: A column that is :func:`movable`.
        sources: For each row that is not null, counted without nulls, which of them it gets its value from.
    """
    if pa.types.is_dictionary(column.type):
        codes = rearranged(column.indices, sources)
        # The entries of a dictionary are then put in the order in which rows use them now.
        return movable(pa.DictionaryArray.from_arrays(codes, column.dictionary, safe=False))
    present = column.drop_null() if column.null_count else column
    if is_number_like(column.type):
        return _spread_numbers(taken(_numbers(present), sources), column)
    return spread(pc.take(present, pa.array(sources), boundscheck=False), validity(column))


def shuffled(column: pa.Array, chance: Chance) -> pa.Array:
    """Return a column that is :func:`movable` with its values in any order, each as likely as any other."""
    present = len(column) - column.null_count
    if not is_number_like(column.type) or present == 0:
        return rearranged(column, order_by_chance(present, chance))
    numbers = _numbers(column.drop_null() if column.null_count else column)
    least = numbers.min()
    width = int(numbers.max() - least).bit_length()
    if width > _MOST_VALUE_BITS:
        return _spread_numbers(taken(numbers, order_by_chance(present, chance)), column)
    keys = _sorted_by_chance(present, chance, width, lambda rows: numbers[rows] - least)
    moved = room(present, numbers.dtype)
    for rows in portions(present):
        np.add(keys[rows], least, out=moved[rows], casting="unsafe")
    return _spread_numbers(moved, column)


def is_number_like(type_: pa.DataType) -> bool:
    """Say whether cells of a type are 1, 2, 4 or 8 bytes that numpy can move."""
    return pa.types.is_primitive(type_) and type_.bit_width in _WIDTHS


def _numbers(column: pa.Array) -> NDArray[Any]:
    return view(column, _WIDTHS[column.type.bit_width])


def _spread_numbers(numbers: NDArray[Any], column: pa.Array) -> pa.Array:
    """Put numbers between the nulls of a column."""
    valid, everywhere = validity(column), numbers
    if valid is not None:
        everywhere = np.zeros(len(column), numbers.dtype)
        everywhere[np.flatnonzero(valid)] = numbers
    return pa.Array.from_buffers(column.type, len(column), [validity_buffer(valid), pa.py_buffer(everywhere)])


def order_by_chance(count: int, chance: Chance, groups: NDArray[Any] | None = None) -> NDArray[np.int64]:
    """Return rows group by group, and those of a group in any order, each order as likely as any other.

    Args:
        count: How many rows there are.
        chance: Where the order comes from.
        groups: The number of each row's group, from 0 up; None if all are one.
    """
    return _sorted_by_chance(
        count,
        chance,
        max(count - 1, 0).bit_length(),
        lambda rows: np.arange(rows.start, min(rows.stop, count), dtype=np.uint64),
        groups,
    ).view(np.int64)


def _sorted_by_chance(
    count: int,
    chance: Chance,
    bits: int,
    values: Callable[[slice], NDArray[Any]],
    groups: NDArray[Any] | None = None,
) -> NDArray[np.uint64]:
    """Return values of so many bits group by group, and those of a group in any order."""
    most = 0 if groups is None or count == 0 else int(groups.max())
    free = _WORD_BITS - most.bit_length()
    of_value = np.uint64((1 << bits) - 1)
    of_chance = np.uint64((1 << free) - 1) & ~of_value
    keys = chance.words(count)
    for rows in portions(count):
        drawn = keys[rows]
        drawn &= of_chance
        drawn |= values(rows).astype(np.uint64, copy=False)
        if groups is not None and most:
            drawn |= groups[rows].astype(np.uint64) << np.uint64(free)
    keys.sort()
    _break_ties(keys, of_value, chance)
    keys &= of_value
    return keys


def _break_ties(keys: NDArray[np.uint64], of_value: np.uint64, chance: Chance) -> None:
    """Where sorted keys differ in nothing but their values, which few do, let chance decide once more."""
    tied = np.zeros(len(keys) + 1, np.bool_)
    for rows in portions(len(keys) - 1):
        here = keys[rows.start : rows.stop + 1]
        np.less_equal(here[1:] ^ here[:-1], of_value, out=tied[1:-1][rows])
    if tied.any():
        places = np.flatnonzero(tied[:-1] | tied[1:])
        runs = np.cumsum(~tied[places])
        keys[places] = keys[places[np.lexsort((chance.words(len(places)), runs))]]


def _content(column: pa.Array) -> list[NDArray[Any]]:
    """Return arrays that differ wherever two columns of one type do, and nowhere else."""
    valid = validity(column)
    which = np.ones(len(column), np.bool_) if valid is None else valid
    kind = column.type
    if pa.types.is_boolean(kind):
        return [which, column.fill_null(False).cast(pa.uint8()).to_numpy(zero_copy_only=False)]  # noqa: FBT003
    if any(is_(kind) for is_ in _OF_ANY_LENGTH):
        cells = Cells.of(column.drop_null() if column.null_count else column)
        return [which, cells.lengths, cells.joined()]
    fixed = view(column, f"V{kind.bit_width // 8}")
    # Nothing under nulls counts.
    return [which, view(as_column(fixed.copy(), column, kind), fixed.dtype) if column.null_count else fixed]


_OF_ANY_LENGTH = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
