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

from maskgate.crypto.cells import Cells, edges_of, validity_buffer
from maskgate.methods.composing import composed
from maskgate.methods.decimal_digits import with_ascii_digits
from maskgate.methods.families import family_of, value_type
from maskgate.methods.layout import in_portions, plain
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
        normalize: Steps for strings, as :func:`normalized` takes them.
    """
    column = normalized(plain(column), normalize)
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
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


def normalized(column: pa.Array, steps: Sequence[str]) -> pa.Array:
    """Make the strings of a plain column equal that mean the same. Other types have one spelling as it is.

    Args:
        column: A column without dictionary, view or extension layout.
        steps: In their order: ``trim`` (Unicode's white space at the ends), ``lower``, ``nfc`` (the composed form of
            Unicode), ``digits`` (decimal digits alone are kept, those of other scripts as 0 to 9).

    Raises:
        ValueError: If there is no such step.

    Example:
        >>> normalized(pa.array([" +44 (0)20 7946 0958"]), ["digits"]).to_pylist()
        ['4402079460958']
    """
    for step in steps:
        if step not in NORMALIZERS:
            raise ValueError(f"no step of `normalize:` is called '{step}'; there are {', '.join(NORMALIZERS)}")
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        for step in steps:
            column = NORMALIZERS[step](column)
    return column


def _digits(column: pa.Array) -> pa.Array:
    parts = (_digits_of(part) for part in in_portions(column))
    return pa.concat_arrays([column.slice(0, 0), *parts])


def _digits_of(column: pa.Array) -> pa.Array:
    cells = Cells.of(column)
    data = with_ascii_digits(cells.joined())
    kept = (data - np.uint8(ord("0"))) < np.uint8(len("0123456789"))
    counts = np.concatenate([[0], np.cumsum(kept)])
    offsets = counts[edges_of(cells.lengths)]
    if not pa.types.is_large_string(column.type):
        offsets = offsets.astype(np.int32)
    buffers = [validity_buffer(cells.valid), pa.py_buffer(offsets), pa.py_buffer(data[kept])]
    return pa.Array.from_buffers(column.type, len(column), buffers)


NORMALIZERS = {"trim": pc.utf8_trim_whitespace, "lower": pc.utf8_lower, "nfc": composed, "digits": _digits}


def _days(column: pa.Array) -> pa.Array:
    days = column.cast(pa.date32())
    text = days.cast(pa.string())
    return text if _all_written(text) else _days_by_numpy(days.cast(pa.int32()))


def _instants(column: pa.Array) -> pa.Array:
    unit = column.type.unit
    text = column.cast(pa.timestamp(unit)).cast(pa.string())
    if not _all_written(text):
        text = _instants_by_numpy(column.cast(pa.int64()), unit)
    if unit != "s":
        text = pc.utf8_rtrim(pc.utf8_rtrim(text, "0"), ".")
    return pc.binary_join_element_wise(pc.replace_substring(text, " ", "T"), "Z", "")


def _all_written(text: pa.Array) -> bool:
    """Say whether Arrow wrote every date; beyond the year 32767 it does not."""
    return not pc.any(pc.starts_with(text, "<")).as_py()


def _days_by_numpy(counts: pa.Array) -> pa.Array:
    """Write days as Arrow does where it can, so that a value's text does not depend on what stands beside it."""
    days = counts.fill_null(0).to_numpy().astype("datetime64[D]")
    text = pa.array(np.datetime_as_string(days), mask=counts.is_null().to_numpy(zero_copy_only=False))
    # Before the year 0, numpy counts the sign as one of four digits.
    return pc.replace_substring_regex(text, r"^-(\d{3})-", r"-0\1-")


def _instants_by_numpy(counts: pa.Array, unit: str) -> pa.Array:
    # Not as one datetime64: the least of its numbers stands for no moment.
    days, rest = np.divmod(counts.fill_null(0).to_numpy(), _TICKS_OF_A_DAY[unit])
    kind = _TIME_OF_DAY[unit]
    time = pa.array(rest.astype(f"int{kind.bit_width}")).view(kind).cast(pa.string())
    text = _days_by_numpy(pa.array(days, mask=counts.is_null().to_numpy(zero_copy_only=False)))
    return pc.binary_join_element_wise(text, time, "T")


_TICKS_OF_A_DAY = {"s": 86_400, "ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}
_TIME_OF_DAY = {"s": pa.time32("s"), "ms": pa.time32("ms"), "us": pa.time64("us"), "ns": pa.time64("ns")}
