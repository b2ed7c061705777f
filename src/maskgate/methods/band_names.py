"""The names of many bands of one width, written by Arrow's kernels instead of one after the other."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_MOST = 2**62
# 10 to the power of it is an int64.
_MOST_PLACES = 18


def names_of(numbers: pa.Array, numerator: int, places: int) -> pa.Array | None:
    """Write the bands of these numbers; None if their edges are too large for int64.

    Args:
        numbers: Integers without nulls: band 3 reaches from 3 to 4 widths.
        numerator: The width, times 10 to the power of `places`.
        places: How many decimal places the width has.

    Example:
        >>> names_of(pa.array([-1, 0, 3]), 25, 1).to_pylist()
        ['[-2.5, 0)', '[0, 2.5)', '[7.5, 10)']
    """
    ends = pc.min_max(numbers).as_py()
    largest = max(abs(ends["min"] or 0), abs(ends["max"] or 0)) + 1
    if places > _MOST_PLACES or largest * numerator > _MOST:
        return None
    lower = pc.multiply(numbers.cast(pa.int64()), numerator)
    edges = (_written(each, places) for each in (lower, pc.add(lower, numerator)))
    opened, between, closed = (pa.scalar(each) for each in ("[", ", ", ")"))
    first, second = edges
    return pc.binary_join_element_wise(opened, first, between, second, closed, "")


def _written(values: pa.Array, places: int) -> pa.Array:
    """Write whole numbers over a power of ten as :func:`maskgate.methods.numbers.written` does."""
    if places == 0:
        return values.cast(pa.string())
    sizes, ten = pc.abs(values), 10**places
    whole = pc.divide(sizes, ten)
    rest = pc.subtract(sizes, pc.multiply(whole, ten)).cast(pa.string())
    text = pc.binary_join_element_wise(whole.cast(pa.string()), pc.utf8_lpad(rest, places, "0"), ".")
    text = pc.utf8_rtrim(pc.utf8_rtrim(text, "0"), ".")
    signs = pc.if_else(pc.less(values, 0), "-", "")
    return pc.binary_join_element_wise(signs, text, "")
