"""Orders of rows that a key and the data decide.

The order comes from the key, from what the method is set to, and from a digest of the column itself: a run that is
repeated gives the same order, and a release with other data one that has nothing to do with it. The digest is of the
cells, so that chunks, layouts and the order of a dictionary make no difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from maskgate.canonical import canonical_bytes
from maskgate.crypto import hmac_sha256
from maskgate.crypto.cells import Cells, validity, validity_buffer
from maskgate.errors import MaskingError
from maskgate.methods.families import value_type
from maskgate.methods.layout import by_value, in_layout_of, plain
from maskgate.methods.method import Family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from maskgate.methods.method import Surroundings

MOVABLE = frozenset(Family) - {Family.NESTED, Family.NULL, Family.OTHER}
_DIGIT_BITS = 16
_WIDTHS = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}


def generator_for(
    columns: Sequence[pa.Array], surroundings: Surroundings, *, purpose: str, parameters: Sequence[Any]
) -> np.random.Generator:
    """Return a generator of random numbers that the key, the parameters and the columns' cells decide.

    The cells are hashed by GHASH under a secret key, and the result goes through HMAC under another (Carter and
    Wegman's way), which gives 128 bits that nobody without the key can tell from even ones; they key Philox
    (Salmon et al., 2011), which is as safe here as it is hard to tell from chance.

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
    return np.random.Generator(np.random.Philox(key=int.from_bytes(seed[:16], "little")))


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


def rearranged(column: pa.Array, places: NDArray[np.int64], sources: NDArray[np.int64]) -> pa.Array:
    """Return the column with other rows' values in some places, and null everywhere else.

    Args:
        column: A column that is :func:`movable`.
        places: Rows that get a value.
        sources: The row that each of them gets it from.
    """
    rows, absent = sources, None
    if len(places) < len(column):
        rows, absent = np.zeros(len(column), np.int64), np.ones(len(column), np.bool_)
        rows[places], absent[places] = sources, False
    # The entries of a dictionary are then put in the order in which rows use them now.
    return movable(pc.take(column, pa.array(rows, mask=absent)))


def is_number_like(type_: pa.DataType) -> bool:
    """Say whether cells of a type are 1, 2, 4 or 8 bytes that numpy can move."""
    return pa.types.is_primitive(type_) and type_.bit_width in _WIDTHS


def shuffled_in_place(column: pa.Array, generator: np.random.Generator) -> pa.Array:
    """Return the column as ``rearranged`` by a permutation would: the generator moves the cells, not their places.

    Args:
        column: One whose type :func:`is_number_like`.
        generator: Used up as far as by a permutation of the rows that are not null.
    """
    width, valid = _WIDTHS[column.type.bit_width], validity(column)
    buffer = column.buffers()[1]
    if buffer is None or len(column) == 0:
        return column
    cells = np.frombuffer(buffer, width, len(column), column.offset * np.dtype(width).itemsize)
    moved = cells.copy() if valid is None else cells[valid]
    generator.shuffle(moved)
    if valid is not None:
        everywhere = np.zeros(len(column), width)
        everywhere[valid] = moved
        moved = everywhere
    return pa.Array.from_buffers(column.type, len(column), [validity_buffer(valid), pa.py_buffer(moved)])


def present_rows(column: pa.Array) -> NDArray[np.int64]:
    """Return the rows that are not null."""
    valid = validity(column)
    return np.arange(len(column)) if valid is None else np.flatnonzero(valid)


def stable_order(codes: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort rows by their codes; of equal ones, the first in `order` comes first.

    Digit by digit, each of 16 bits, for which numpy counts instead of comparing.

    Args:
        codes: Not below 0.
        order: Every row once.
    """
    most = int(codes.max()) if len(codes) else 0
    for digit in range(0, max(1, most.bit_length()), _DIGIT_BITS):
        digits = (codes >> digit).astype(np.uint16)
        order = order.take(np.argsort(digits.take(order), kind="stable"))
    return order


def _content(column: pa.Array) -> list[NDArray[Any]]:
    """Return arrays that differ wherever two columns of one type do, and nowhere else."""
    valid = validity(column)
    which = np.ones(len(column), np.bool_) if valid is None else valid
    present = column.drop_null() if column.null_count else column
    kind = column.type
    if pa.types.is_boolean(kind):
        return [which, present.cast(pa.uint8()).to_numpy(zero_copy_only=False)]
    if any(is_(kind) for is_ in _OF_ANY_LENGTH):
        cells = Cells.of(present)
        first = int(cells.starts[0]) if len(cells) else 0
        return [which, cells.lengths, cells.data[first : first + int(cells.lengths.sum())]]
    width, buffer = kind.bit_width // 8, present.buffers()[1]
    if buffer is None or len(present) == 0:
        return [which]
    return [which, np.frombuffer(buffer, np.uint8, len(present) * width, present.offset * width)]


_OF_ANY_LENGTH = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
