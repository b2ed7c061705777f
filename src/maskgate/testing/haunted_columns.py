"""Columns of every type, with nulls, empties and extremes, that hold bytes which no cell shows.

Each is a slice; under its nulls, outside of the slice and in an unused dictionary entry lies a *ghost*, a value that
no masking may let out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

TEXT_GHOST = "ZQZQZQZQZQZQZQZQZQZQ"
_NUMBER_GHOST = 0x5A515A515A515A5
_DAY_GHOST = 0x15A515
_STRING = pa.string()
_INT64 = np.iinfo(np.int64)
_TEXTS = ["", "a", "Ann Example", "ann@example.com", "Ζωή 😀 \n line", " trim me ", "x" * 3000, "42", "Ann Example"]
_INTEGERS = [0, 42, -1, 7, 42, _INT64.max, _INT64.min, 250_000, 10]
_FRACTIONS = ["0.00", "42.00", "-1.25", "0.30", "42.00", "99999999999999.99", "-99999999999999.99", "0.07", "10.00"]
_DAYS = ["1987-07-03", "0001-01-01", "9999-12-31", "1970-01-01", "1969-12-31", "2024-02-29", "2021-01-03"]


@dataclass(frozen=True)
class HauntedColumn:
    """A column to try, and the bytes that must not come out of it.

    Attributes:
        name: What the column is, for the name of a test.
        array: The column.
        ghost: Bytes that lie in its buffers and in none of its cells.
    """

    name: str
    array: pa.Array
    ghost: bytes


def haunted_columns() -> list[HauntedColumn]:
    """Return a column of every type that a table may have."""
    text, number = TEXT_GHOST, _NUMBER_GHOST
    strings = [_haunted(kind, _TEXTS, text) for kind in (pa.string(), pa.large_string(), pa.string_view())]
    doubles = [0.0, -0.0, 42.0, 1e300, -1e300, float("inf"), 0.1, 5e-324]
    decimals = [Decimal(each) for each in _FRACTIONS]
    wholes = [Decimal(each).to_integral_value() for each in _FRACTIONS]
    moments = [0, 1_500_000_000_123, -1, 86_400_000, -62_135_596_800_000 + 1, 253_402_300_799_999]
    return [
        *strings,
        _haunted(pa.binary(), [each.encode() for each in _TEXTS], text.encode()),
        _haunted(pa.binary(20), [b"%020d" % each for each in range(4)], text.encode()),
        _haunted(pa.int64(), _INTEGERS, number),
        _haunted(pa.uint64(), [0, 42, 2**64 - 1, 10, 42], number),
        _haunted(pa.int8(), [0, 42, -128, 127], None),
        _haunted(pa.float64(), doubles, np.int64(number).view(np.float64).item()),
        _haunted(pa.float32(), [0.0, 42.0, 0.1, 3e38], None),
        _haunted(pa.decimal128(20, 2), decimals, Decimal(number).scaleb(-2)),
        _haunted(pa.decimal256(40, 0), wholes, Decimal(number)),
        _haunted(pa.decimal32(7, 2), decimals[:5], None),
        _haunted(pa.decimal64(15, 0), wholes[:5], Decimal(number % 10**15)),
        _haunted(pa.date32(), [date.fromisoformat(each) for each in _DAYS], _DAY_GHOST),
        _haunted(pa.date64(), [date.fromisoformat(each) for each in _DAYS], None),
        _haunted(pa.timestamp("ms"), moments, number >> 8),
        _haunted(pa.timestamp("s", "Europe/Berlin"), [each // 1000 for each in moments], number >> 16),
        _haunted(pa.timestamp("ns", "UTC"), [0, -1, _INT64.max, _INT64.min + 1, 1_500_000_000_123_456_789], number),
        _haunted(pa.time64("us"), [0, 1, 86_399_999_999], _DAY_GHOST),
        _haunted(pa.bool_(), [True, False], None),
        _haunted(pa.duration("s"), [0, -1], number),
        _dictionary(pa.int8()),
        _dictionary(pa.uint32()),
        _dictionary(pa.int16(), pa.string_view()),
        _listed(),
        _struct(),
        _map(),
        HauntedColumn("null", pa.nulls(5), b""),
    ]


def bytes_of(array: pa.Array) -> bytes:
    """Return all bytes that an array carries, in sight or not."""
    if isinstance(array.type, pa.BaseExtensionType):
        return bytes_of(array.storage)
    if pa.types.is_dictionary(array.type):
        return bytes_of(array.indices) + bytes_of(array.dictionary)
    return b"".join(buffer.to_pybytes() for buffer in array.buffers() if buffer is not None)


def _with_ghosts(values: list[Any], ghost: Any) -> tuple[list[Any], list[bool]]:
    """Put the ghost around and between the values, and say which places a null covers."""
    filled, present = [ghost], [True]
    for index, value in enumerate(values):
        filled.append(value)
        present.append(True)
        if index % 2 == 0:
            filled.append(ghost)
            present.append(False)
    return [*filled, ghost], [*present, True]


def _haunted(kind: pa.DataType, values: list[Any], ghost: Any) -> HauntedColumn:
    filled, present = _with_ghosts(values, values[0] if ghost is None else ghost)
    array = _covered(pa.array(filled, kind), present)
    sample = b"".join(buffer.to_pybytes() for buffer in pa.array([ghost], kind).buffers()[1:])
    end = TEXT_GHOST[:4].encode() if isinstance(ghost, str | bytes) else sample.rstrip(b"\0")
    return HauntedColumn(str(kind), array, end if ghost is not None else b"")


def _covered(array: pa.Array, present: list[bool]) -> pa.Array:
    """Make cells null without touching what lies there, and leave out the first and the last."""
    bits = pa.py_buffer(np.packbits(np.array(present), bitorder="little"))
    covered = pa.Array.from_buffers(array.type, len(array), [bits, *array.buffers()[1:]])
    return covered.slice(1, len(array) - 2)


def _dictionary(index_type: pa.DataType, value_type: pa.DataType = _STRING) -> HauntedColumn:
    entries = pa.array([TEXT_GHOST, *_TEXTS[:-1]], value_type)
    filled, present = _with_ghosts([8, 1, 3, 3, 2, 1], 0)
    codes = _covered(pa.array(filled, index_type), present)
    array = pa.DictionaryArray.from_arrays(codes, entries)
    return HauntedColumn(str(array.type), array, TEXT_GHOST[:4].encode())


def _listed() -> HauntedColumn:
    ghosts, present = _with_ghosts([["a", None], [], ["bc"]], [TEXT_GHOST])
    lists = pa.array(ghosts, pa.list_(pa.string()))
    mask = pa.array([not each for each in present])
    array = pa.ListArray.from_arrays(lists.offsets, lists.values, mask=mask).slice(1, len(present) - 2)
    return HauntedColumn(str(array.type), array, TEXT_GHOST[:4].encode())


def _struct() -> HauntedColumn:
    ghosts, present = _with_ghosts(["a", None, "bc"], TEXT_GHOST)
    mask = pa.array([not each for each in present])
    inner = pa.StructArray.from_arrays([pa.array(ghosts)], ["text"], mask=mask)
    return HauntedColumn(str(inner.type), inner.slice(1, len(present) - 2), TEXT_GHOST[:4].encode())


def _map() -> HauntedColumn:
    kind = pa.map_(pa.string(), pa.int64())
    array = pa.array([[(TEXT_GHOST, 1)], [("a", 1), ("b", None)], None, [], [(TEXT_GHOST, 2)]], kind)
    return HauntedColumn(str(kind), array.slice(1, 3), TEXT_GHOST[:4].encode())
