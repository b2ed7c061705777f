"""The bytes that stand for a value when it is tokenized or keys a draw.

Integers are their shortest decimal digits, strings their UTF-8 bytes, dates and timestamps ISO 8601 in UTC, bytes
themselves. So ``42`` read from CSV and the int64 42 have one token. A timestamp without a zone counts as UTC; its
fraction of a second is written as short as it can be, so that the unit does not show. Floats are refused: 0.1 has no
one spelling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.methods.families import family_of, value_type
from maskgate.methods.layout import plain
from maskgate.methods.method import Family

if TYPE_CHECKING:
    from collections.abc import Sequence

FAMILIES = frozenset(
    {Family.INTEGER, Family.DECIMAL, Family.STRING, Family.BINARY, Family.DATE, Family.TIMESTAMP, Family.NULL}
)


def check_token_input(type_: pa.DataType) -> None:
    """Refuse types whose values have no one spelling.

    Raises:
        ValueError: If values of the type cannot be tokenized.
    """
    family = family_of(type_)
    if family is Family.FLOAT:
        raise ValueError(f"{type_} has no one spelling of a value; convert it to integers or strings first")
    if family is Family.DECIMAL and value_type(type_).scale > 0:
        raise ValueError(f"{type_} has fractions; only whole decimals (scale 0) can be tokenized")
    if family not in FAMILIES:
        raise ValueError(f"{type_} cannot be tokenized; integers, strings, bytes, dates and timestamps can")


def token_input(column: pa.Array, normalize: Sequence[str] = ()) -> pa.Array:
    """Return the strings or bytes that stand for the cells of a column.

    Args:
        column: A column in any layout, of a type that :func:`check_token_input` takes.
        normalize: Steps for strings, in order: ``trim``, ``lower``. Other types have one spelling as it is.
    """
    column = plain(column)
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        for step in normalize:
            column = _STEPS[step](column)
        return column
    if pa.types.is_timestamp(kind):
        return _instants(column)
    if pa.types.is_date(kind):
        return _days(column)
    if pa.types.is_integer(kind) or pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_decimal(kind):
        return column.cast(pa.decimal256(76, 0)).cast(pa.string())
    return column


_STEPS = {"trim": pc.utf8_trim_whitespace, "lower": pc.utf8_lower}


def _days(column: pa.Array) -> pa.Array:
    days = column.cast(pa.date32())
    text = days.cast(pa.string())
    return text if _all_written(text) else _written_by_numpy(days.cast(pa.int32()), "D")


def _instants(column: pa.Array) -> pa.Array:
    unit = column.type.unit
    text = column.cast(pa.timestamp(unit)).cast(pa.string())
    if not _all_written(text):
        text = _written_by_numpy(column.cast(pa.int64()), unit)
    if unit != "s":
        text = pc.utf8_rtrim(pc.utf8_rtrim(text, "0"), ".")
    return pc.binary_join_element_wise(pc.replace_substring(text, " ", "T"), "Z", "")


def _all_written(text: pa.Array) -> bool:
    """Say whether Arrow wrote every date; beyond the year 32767 it does not."""
    return not pc.any(pc.starts_with(text, "<")).as_py()


def _written_by_numpy(counts: pa.Array, unit: str) -> pa.Array:
    moments = counts.fill_null(0).to_numpy().astype(f"datetime64[{unit}]")
    return pa.array(np.datetime_as_string(moments), mask=counts.is_null().to_numpy(zero_copy_only=False))
