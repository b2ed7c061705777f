"""Numbers by the band that they fall in: ``[40, 50)`` holds 40 and not 50."""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity
from maskgate.methods.numbers import MOST_EXACT, as_doubles, exactly, integers_of, over_power_of_ten, written
from maskgate.methods.shape import literally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from numpy.typing import NDArray

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
# Bands that lie close are all named, also those that no row is in; others are looked for first.
_MOST_NAMED = 1024
_MOST_COMPARED = 24
_BYTE = 255
_INT64_BYTES = 8
_ROWS = 32_768
WIDTH_PATTERN = rf"\[{_NUMBER}, {_NUMBER}\)|<{_NUMBER}|>={_NUMBER}"


class NotANumberError(ValueError):
    """Some cells are no number, so that no band holds them."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


def check_width(width: float) -> None:
    """Refuse widths that make no bands.

    Raises:
        ValueError: If the width is not above zero or has too many digits.
    """
    if not 0 < width < float("inf"):
        raise ValueError("the width of a band is a number above zero")
    if over_power_of_ten(exactly(width))[0] > MOST_EXACT // 1000:
        raise ValueError("the width of a band has too many digits")


def check_edges(edges: Sequence[float]) -> None:
    """Refuse edges that make no bands.

    Raises:
        ValueError: If there is no edge, or they do not go up.
    """
    if not edges:
        raise ValueError("`band:` needs a width, or at least one edge")
    if any(not -float("inf") < edge < float("inf") for edge in edges):
        raise ValueError("the edges of bands are finite numbers")
    if any(lower >= upper for lower, upper in pairwise(edges)):
        raise ValueError("the edges of bands go up, each larger than the one before")


def bands_of_width(column: pa.Array, width: float) -> pa.Array:
    """Write the band of each number, where all bands are `width` wide and one begins at 0.

    Beyond what doubles tell apart at this width, one open band holds all the rest.

    Args:
        column: A plain column of numbers.
        width: Above zero.

    Raises:
        NotANumberError: If cells are NaN.
    """
    exact = exactly(width)
    numerator, places = over_power_of_ten(exact)
    if places == 0 and pa.types.is_integer(column.type):
        return _whole_bands(column, numerator)
    values = _numbers_of(column)
    last = MOST_EXACT // numerator - 1
    numbers = np.empty(len(values), np.int64)
    for start in range(0, len(values), _ROWS):
        rows = slice(start, start + _ROWS)
        numbers[rows] = _band_numbers(values[rows], width, numerator, 10.0**places, last)

    def name(number: int) -> str:
        if number == last:
            return f">={written(number * exact)}"
        if number == -last - 1:
            return f"<{written((number + 1) * exact)}"
        return _between(number * exact, (number + 1) * exact)

    valid = validity(column)
    present = numbers if valid is None else numbers[valid]
    if len(present) == 0:
        return pa.nulls(len(column), pa.string())
    return _written(numbers, int(present.min()), int(present.max()), valid, name)


def _band_numbers(
    values: NDArray[np.float64], width: float, numerator: int, ten: float, last: int
) -> NDArray[np.float64]:
    guess: NDArray[np.float64] = np.clip(np.floor(values / width), -last - 1, last)
    # A quotient may land on the wrong side of an edge by its last bit; the edges themselves decide.
    guess += values >= (guess + 1) * numerator / ten
    guess -= values < guess * numerator / ten
    return np.clip(guess, -last - 1, last)


def _whole_bands(column: pa.Array, width: int) -> pa.Array:
    """Write the band of each integer, however large, in bands that are whole numbers wide."""
    ends = pc.min_max(column)
    if not ends["min"].is_valid:
        return pa.nulls(len(column), pa.string())
    values = integers_of(column)
    wide = values.dtype.type if values.dtype.itemsize == _INT64_BYTES else np.int64
    numbers = np.empty(len(values), wide)
    for start in range(0, len(values), _ROWS):
        np.floor_divide(values[start : start + _ROWS], wide(width), out=numbers[start : start + _ROWS])

    def name(number: int) -> str:
        return f"[{number * width}, {(number + 1) * width})"

    return _written(numbers, ends["min"].as_py() // width, ends["max"].as_py() // width, validity(column), name)


def bands_by_edges(column: pa.Array, edges: Sequence[float]) -> pa.Array:
    """Write the band of each number, where bands meet at the edges and the outer two are open.

    Args:
        column: A plain column of numbers.
        edges: Ascending.

    Raises:
        NotANumberError: If cells are NaN.
    """
    if len(edges) > _MOST_COMPARED:
        numbers: NDArray[Any] = np.searchsorted(np.array(edges, np.float64), _numbers_of(column), side="right")
    else:
        numbers = _passed(column, edges)
    return _written(numbers, 0, len(edges), validity(column), edge_names(edges).__getitem__)


def _passed(column: pa.Array, edges: Sequence[float]) -> NDArray[np.uint8]:
    """Count the edges that each number has reached."""
    whole = pa.types.is_integer(column.type)
    values = integers_of(column) if whole else _numbers_of(column)
    passed = np.zeros(len(values), np.uint8)
    for start in range(0, len(values), _ROWS):
        rows = slice(start, start + _ROWS)
        for edge in edges:
            # An integer reaches an edge where it reaches the next integer, and so is never rounded.
            passed[rows] += values[rows] >= (ceil(edge) if whole else edge)
    return passed


def edge_names(edges: Sequence[float]) -> list[str]:
    """Return the names of all bands that the edges make, from the lowest up."""
    exact = [exactly(edge) for edge in edges]
    inner = [_between(lower, upper) for lower, upper in pairwise(exact)]
    return [f"<{written(exact[0])}", *inner, f">={written(exact[-1])}"]


def edges_pattern(edges: Sequence[float]) -> str:
    """Return a pattern that matches just the names of the bands."""
    return "|".join(literally(name) for name in edge_names(edges))


def _between(lower: Decimal, upper: Decimal) -> str:
    return f"[{written(lower)}, {written(upper)})"


def _numbers_of(column: pa.Array) -> NDArray[np.float64]:
    values = as_doubles(column)
    strange = int(np.isnan(values).sum())
    if strange:
        raise NotANumberError(strange)
    return values


def _written(
    numbers: NDArray[Any], first: int, last: int, valid: NDArray[np.bool_] | None, name: Callable[[int], str]
) -> pa.Array:
    """Write each band once; rows are many and bands few.

    Args:
        numbers: The number of each cell's band; where it is null, any.
        first: The least number that a cell has.
        last: The greatest.
        valid: Which cells are not null, None if all.
        name: Writes a band.
    """
    absent = None if valid is None else ~valid
    if last - first < _MOST_NAMED:
        places = (numbers - numbers.dtype.type(first)).astype(np.int32) if first or last > _BYTE else numbers
        names = pa.array([name(number) for number in range(first, last + 1)], pa.string())
        return pc.take(names, pa.array(places, mask=absent), boundscheck=False)
    codes = pa.array(numbers, mask=absent).dictionary_encode()
    return pc.take(pa.array([name(each) for each in codes.dictionary.to_pylist()], pa.string()), codes.indices)
