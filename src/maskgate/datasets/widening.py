"""Types that hold each value of two others, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

# What is large takes texts of any layout, in whatever order the files come.
_TEXTS = ((pa.string(), pa.string_view(), pa.large_string()), (pa.binary(), pa.binary_view(), pa.large_binary()))
_SIGNED = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
# A float holds integers of fewer bits than its own digits have.
_FLOATS = ((16, 8, pa.float16()), (32, 16, pa.float32()), (64, 32, pa.float64()))
_LONGEST_DECIMAL = 38
_DIGITS = {
    pa.int8(): 3,
    pa.int16(): 5,
    pa.int32(): 10,
    pa.int64(): 19,
    pa.uint8(): 3,
    pa.uint16(): 5,
    pa.uint32(): 10,
    pa.uint64(): 20,
}
_UNITS = ("s", "ms", "us", "ns")


def wider_type(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Return the type that holds all values of both, exactly; None if there is none.

    Example:
        >>> print(wider_type(pa.timestamp("ms"), pa.timestamp("us")), wider_type(pa.int64(), pa.float64()))
        timestamp[us] None
    """
    one, other = _plain(one), _plain(other)
    if (same := same_type(one, other)) is not None:
        return same
    for texts in _TEXTS:
        if one in texts and other in texts:
            return texts[-1]
    if pa.types.is_timestamp(one) and pa.types.is_timestamp(other) and one.tz == other.tz:
        return _finer(one, other)
    if any(is_(one) and is_(other) for is_ in (pa.types.is_time, pa.types.is_duration)):
        return _finer(one, other)
    if pa.types.is_decimal128(one) or pa.types.is_decimal128(other):
        return _decimal(one, other)
    return _number(one, other) or _nested(one, other, wider_type)


def wider_number(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Return what takes the values of two types that were told from JSON; None if there is nothing.

    Whole numbers beside others are doubles, as they are within one file; those that a double does not hold are refused
    where they are read.
    """
    if {one, other} == {pa.int64(), pa.float64()}:
        return pa.float64()
    return same_type(one, other) or _nested(one, other, wider_number, fills=True)


def same_type(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Return the type that both have, or that one has while the other has no value."""
    if one == other or pa.types.is_null(other):
        return one
    return other if pa.types.is_null(one) else None


def _finer(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    return max(one, other, key=lambda kind: _UNITS.index(kind.unit))


def _decimal(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Return the decimal for decimals of two scales, or for one and integers."""
    if not all(pa.types.is_decimal128(kind) or pa.types.is_integer(kind) for kind in (one, other)):
        return None
    parts = [
        (_DIGITS[kind], 0) if kind in _DIGITS else (kind.precision - kind.scale, kind.scale) for kind in (one, other)
    ]
    whole, scale = (max(each) for each in zip(*parts, strict=True))
    return pa.decimal128(whole + scale, scale) if whole + scale <= _LONGEST_DECIMAL else None


def _number(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    integers = [kind for kind in (one, other) if pa.types.is_integer(kind)]
    floats = [kind for kind in (one, other) if pa.types.is_floating(kind)]
    if len(integers) + len(floats) < 2:  # noqa: PLR2004  both
        return None
    bits, room = (max((kind.bit_width for kind in each), default=0) for each in (integers, floats))
    if floats:
        return next((kind for own, held, kind in _FLOATS if own >= room and held >= bits), None)
    return _integer(one, other)


def _integer(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    unsigned = [kind for kind in (one, other) if pa.types.is_unsigned_integer(kind)]
    if len(unsigned) != 1:
        return max(one, other, key=lambda kind: kind.bit_width)
    signed = other if unsigned[0] == one else one
    return _SIGNED.get(max(signed.bit_width, 2 * unsigned[0].bit_width))


def _nested(
    one: pa.DataType,
    other: pa.DataType,
    wider: Callable[[pa.DataType, pa.DataType], pa.DataType | None],
    *,
    fills: bool = False,
) -> pa.DataType | None:
    if all(pa.types.is_list(kind) or pa.types.is_large_list(kind) for kind in (one, other)):
        inner = wider(one.value_type, other.value_type)
        make = pa.list_ if pa.types.is_list(one) and pa.types.is_list(other) else pa.large_list
        return None if inner is None else make(inner)
    if pa.types.is_map(one) and pa.types.is_map(other):
        key, value = wider(one.key_type, other.key_type), wider(one.item_type, other.item_type)
        return None if key is None or value is None else pa.map_(key, value)
    if not (pa.types.is_struct(one) and pa.types.is_struct(other)):
        return None
    here, there = ({item.name: item.type for item in each} for each in (one, other))
    if not fills and list(here) != list(there):
        return None
    merged = {name: wider(here.get(name, pa.null()), there.get(name, pa.null())) for name in here | there}
    return None if None in merged.values() else pa.struct(list(merged.items()))


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
