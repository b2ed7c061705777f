"""Integers and decimals without fractions as words of 64 bits, and back: exact, whatever their width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from maskgate.crypto.cells import validity
from maskgate.methods.fixed_width import as_column, view

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WORD = 8


def is_whole(kind: pa.DataType) -> bool:
    """Say whether a plain type holds whole numbers alone."""
    return bool(pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0))


def most_of(kind: pa.DataType) -> int:
    """Return the greatest number that a type of whole numbers holds."""
    if pa.types.is_decimal(kind):
        return int(10**kind.precision) - 1
    return int(2 ** (kind.bit_width - pa.types.is_signed_integer(kind))) - 1


def wholes_of(column: pa.Array) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the numbers of a plain column, zeros for nulls, and which of them are no positive ones of one word."""
    kind, valid = column.type, validity(column)
    size = kind.bit_width // 8
    if size <= _WORD:
        numbers = view(column, f"{'u' if pa.types.is_unsigned_integer(kind) else 'i'}{size}")
        return numbers if valid is None else numbers * valid, np.zeros(len(column), np.bool_)
    words = view(column, f"V{size}").view("<u8").reshape(len(column), size // _WORD)
    numbers = words[:, 0]
    beyond: NDArray[np.bool_] = np.any(words[:, 1:] != 0, axis=1)
    return (numbers, beyond) if valid is None else (numbers * valid, beyond & valid)


def column_of_wholes(numbers: NDArray[np.uint64], like: pa.Array) -> pa.Array:
    """Return positive numbers as a column of the type of another, with its nulls."""
    size = like.type.bit_width // 8
    if size <= _WORD:
        return as_column(numbers.astype(f"u{size}"), like, like.type)
    words = np.zeros((len(numbers), size // _WORD), "<u8")
    words[:, 0] = numbers
    return as_column(words.reshape(-1).view(f"V{size}"), like, like.type)
