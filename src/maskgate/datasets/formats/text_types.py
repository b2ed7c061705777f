"""Types of text: what the cells of a column are when nobody says so, and how they are written again.

A column is of a type only if each of its cells is written as values of that type are, so that nothing changes that is
kept: leading zeros, signs, trailing zeros and other spellings of dates make it text. A cell further down that is not
written so is refused, and the column named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_DECIMAL = r"^-?\d+\.\d+$"
_MOMENT = r"^\d{4}-\d\d-\d\d([ T])\d\d:\d\d:\d\d(?:\.(\d+))?(Z?)$"
_UNITS = {0: "s", 3: "ms", 6: "us", 9: "ns"}
_LONGEST_DECIMAL = 38
_FEW = 100
_NAMED = re.compile(r"(?P<name>[a-z]+)(?P<bits>\d*)(?:[(\[](?P<first>[^,\])]+)(?:,\s*(?P<second>[^\])]+))?[)\]])?")


def guessed_type(text: pa.Array) -> pa.DataType:
    """Return the type that all cells of a column of text are written in: text if there is none, null without a cell."""
    present = text.drop_null()
    if not len(present):
        return pa.null()
    # Arrow takes long over cells that it cannot read: what the first ones are not is tried on no more of them.
    few = present.slice(0, _FEW)
    fitting = (kind for kind in _candidates(present) if is_written_as(few, kind) and is_written_as(present, kind))
    return next(fitting, pa.string())


def is_written_as(text: pa.Array, kind: pa.DataType) -> bool:
    """Say whether every cell is written as values of a type are."""
    return parsed_back(text, kind) is not None


def parsed_back(text: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Return the values that cells stand for, if each is written as its value is; otherwise None."""
    with suppress(pa.ArrowException, ValueError):
        values = parsed(text, kind)
        if values is text or pc.all(pc.equal(written(values, moment_of(text, kind)), text)).as_py() in {True, None}:
            return values
    return None


def parsed(text: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return the values that cells stand for.

    Raises:
        pa.ArrowException: If one stands for none.
    """
    return text if pa.types.is_string(kind) else text.cast(kind)


def written(column: pa.Array, moment: str = " ", shown: str = "") -> pa.Array:
    """Return how values are written; null where they are.

    Args:
        column: Single values in any layout.
        moment: What stands between the day and the time of a moment.
        shown: What messages call the column.

    Raises:
        DatasetError: If a value has no text.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return pc.take(written(column.dictionary, moment, shown), column.indices)
    if pa.types.is_large_string(kind) or pa.types.is_string(kind):
        return column
    text = temporal_text(column, shown) if pa.types.is_temporal(kind) else column.cast(pa.string())
    return pc.replace_substring(text, " ", moment) if pa.types.is_timestamp(kind) and moment != " " else text


def temporal_text(column: pa.Array, shown: str) -> pa.Array:
    """Return how days, times and moments are written; a moment by the clock of its zone.

    Raises:
        DatasetError: If one lies beyond the years that Arrow writes, for which it would put something else, or in a
            zone that nobody knows here.
    """
    with suppress(pa.ArrowException):
        text = _by_the_clock(column)
        if not pc.any(pc.starts_with(text, "<")).as_py():
            return text
        raise DatasetError(
            f'column "{shown}": a day or moment lies beyond the year 32767, and has no text. Choose Parquet or Arrow.'
        )
    raise DatasetError(
        f'column "{shown}": the time zone of its moments is not known here, so that they have no text. Choose Parquet '
        "or Arrow."
    )


def _by_the_clock(column: pa.Array) -> pa.Array:
    text = column.cast(pa.string())
    if not (pa.types.is_timestamp(column.type) and column.type.tz):
        return text
    # Offsets of earlier days have seconds, which the text has no place for: in UTC the moment is exact.
    utc = column.cast(pa.timestamp(column.type.unit, "UTC"))
    offsets = pc.subtract(pc.local_timestamp(column).cast(pa.int64()), utc.cast(pa.int64()))
    minute = 60 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[column.type.unit]
    is_exact = pc.equal(pc.multiply(pc.divide(offsets, minute), minute), offsets)
    return text if pc.all(is_exact).as_py() in {True, None} else pc.if_else(is_exact, text, utc.cast(pa.string()))


def moment_of(text: pa.Array, kind: pa.DataType) -> str:
    """Return what stands between day and time in the first cell that is not null."""
    if not pa.types.is_timestamp(kind) or text.null_count == len(text):
        return " "
    first = text[0] if text[0].is_valid else text.drop_null()[0]
    return "T" if "T" in first.as_py() else " "


def can_be_written(kind: pa.DataType) -> bool:
    """Say whether values of a type have a text."""
    if pa.types.is_dictionary(kind):
        return can_be_written(kind.value_type)
    return any(
        fits(kind)
        for fits in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_integer,
            pa.types.is_floating,
            pa.types.is_decimal,
            pa.types.is_boolean,
            pa.types.is_date,
            pa.types.is_time,
            pa.types.is_timestamp,
            pa.types.is_null,
        )
    )


def declared_types(options: Mapping[str, Any]) -> dict[str, pa.DataType]:
    """Return the types that a user declares of columns, by their names.

    Raises:
        UsageError: If one is no type, or they are not given by column.
    """
    types = options.get("types") or {}
    if not isinstance(types, Mapping):
        raise UsageError(
            "types are declared by column: --source-option types.zip=string, or {'types': {'zip': 'string'}}."
        )
    return {str(name): _declared_type(str(kind)) for name, kind in types.items()}


def _declared_type(name: str) -> pa.DataType:
    """Return the type that a user names, such as ``int64``, ``decimal(10, 2)`` or ``timestamp[us, UTC]``.

    Raises:
        UsageError: If there is none.
    """
    found = _NAMED.fullmatch(name.strip())
    try:
        if found is not None and found["name"] == "decimal" and found["second"]:
            return pa.decimal128(int(found["first"]), int(found["second"]))
        if found is not None and found["name"] == "timestamp" and found["first"]:
            zone = found["second"]
            return pa.timestamp(found["first"], zone.removeprefix("tz=") if zone else None)
        kind = pa.type_for_alias({"date": "date32", "decimal": ""}.get(name, name))
    except (ValueError, TypeError):
        kind = None
    # Arrow makes no time of day of a text.
    if kind is None or not can_be_written(kind) or pa.types.is_null(kind) or pa.types.is_time(kind):
        raise UsageError(
            f"there is no type '{name}' for a column of text. There are string, int64, float64, bool, date32, "
            "decimal(10, 2), timestamp[us] and timestamp[us, UTC], for example."
        )
    return kind


def _candidates(text: pa.Array) -> Iterator[pa.DataType]:
    yield from (pa.bool_(), pa.int64())
    if pc.all(pc.match_substring_regex(text, _DECIMAL)).as_py():
        scales = pc.subtract(pc.utf8_length(text), pc.add(pc.find_substring(text, "."), 1))
        scale, longest = pc.max(scales).as_py(), pc.max(pc.utf8_length(text)).as_py()
        if longest <= _LONGEST_DECIMAL and pc.min(scales).as_py() == scale:
            yield pa.decimal128(_LONGEST_DECIMAL, scale)
    yield from (pa.float64(), pa.date32())
    found = re.match(_MOMENT, text[0].as_py())
    if found is not None and len(found[2] or "") in _UNITS:
        yield pa.timestamp(_UNITS[len(found[2] or "")], "UTC" if found[3] else None)
