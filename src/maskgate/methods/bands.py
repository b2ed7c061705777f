"""Numbers by the band that they fall in: ``[40, 50)`` holds 40 and not 50."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from functools import partial
from itertools import pairwise
from math import ceil
from sys import float_info
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity
from maskgate.crypto.room import room
from maskgate.methods.band_names import names_of
from maskgate.methods.numbers import MOST_EXACT, as_doubles, counted, exactly, over_power_of_ten, written
from maskgate.methods.shape import literally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
# Bands that lie close are all named, also those that no row is in; others are looked for first.
_MOST_NAMED = 1024
_ROWS_A_BAND = 8
_MOST_COMPARED = 128
_BYTE = 255
_INT64_BYTES = 8
_INT64_MAX = 2**63 - 1
# More than any decimal has.
_DIGITS = 200
# A double has room for 10 to the power of it.
_MOST_PLACES = 300
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
    digits, places = over_power_of_ten(exactly(width))
    if digits > MOST_EXACT // 1000 or places > _MOST_PLACES:
        raise ValueError("the width of a band has too many digits")


def check_edges(edges: Sequence[float]) -> None:
    """Refuse edges that make no bands.

    Raises:
        ValueError: If there is no edge, or they do not go up.
    """
    if not edges:
        raise ValueError("`band:` needs a width, or at least one edge")
    if any(not abs(edge) <= float_info.max for edge in edges):
        raise ValueError("the edges of bands are finite numbers that doubles reach")
    if any(lower >= upper for lower, upper in pairwise(edges)):
        raise ValueError("the edges of bands go up, each larger than the one before")


def bands_of_width(column: pa.Array, width: float) -> pa.Array:
    """Write the band of each number, where all bands are `width` wide and one begins at 0.

    Floats beyond what doubles tell apart at this width have one open band for all the rest.

    Args:
        column: A plain column of numbers.
        width: Above zero.

    Raises:
        NotANumberError: If cells are NaN.
    """
    exact = exactly(width)
    if pa.types.is_floating(column.type):
        return _bands_of_floats(column, exact)
    whole, fraction = over_power_of_ten(exact)
    places = max(fraction, _scale_of(column.type))
    numbers = _divided(counted(column, places), int(exact.scaleb(places)))

    def name(number: int) -> str:
        return _between(number * exact, (number + 1) * exact)

    with localcontext(prec=_DIGITS):
        return _written(numbers, validity(column), name, names=partial(names_of, numerator=whole, places=fraction))


def _bands_of_floats(column: pa.Array, width: Decimal) -> pa.Array:
    numerator, places = over_power_of_ten(width)
    values = _numbers_of(column)
    last = MOST_EXACT // numerator - 1
    numbers = room(len(values), np.int64)
    for start in range(0, len(values), _ROWS):
        rows = slice(start, start + _ROWS)
        numbers[rows] = _band_numbers(values[rows], float(width), numerator, 10.0**places, last)

    def name(number: int) -> str:
        if number == last:
            return f">={written(number * width)}"
        if number == -last - 1:
            return f"<{written((number + 1) * width)}"
        return _between(number * width, (number + 1) * width)

    def names(chosen: pa.Array) -> pa.Array | None:
        ends = pc.min_max(chosen).as_py()
        is_open = ends["min"] == -last - 1 or ends["max"] == last
        return None if is_open else names_of(chosen, numerator, places)

    return _written(numbers, validity(column), name, names=names)


def _band_numbers(
    values: NDArray[np.float64], width: float, numerator: int, ten: float, last: int
) -> NDArray[np.float64]:
    guess: NDArray[np.float64] = np.clip(np.floor(values / width), -last - 1, last)
    # A quotient may land on the wrong side of an edge by its last bit; the edges themselves decide.
    guess += values >= (guess + 1) * numerator / ten
    guess -= values < guess * numerator / ten
    return np.clip(guess, -last - 1, last)


def _divided(values: NDArray[Any], width: int) -> NDArray[Any]:
    """Return the number of the band of each whole number, however large."""
    if values.dtype == object or width > _INT64_MAX:
        return values.astype(object) // width
    wide = values.dtype.type if values.dtype.itemsize == _INT64_BYTES else np.int64
    numbers = room(len(values), wide)
    for start in range(0, len(values), _ROWS):
        np.floor_divide(values[start : start + _ROWS], wide(width), out=numbers[start : start + _ROWS])
    return numbers


def bands_by_edges(column: pa.Array, edges: Sequence[float]) -> pa.Array:
    """Write the band of each number, where bands meet at the edges and the outer two are open.

    Args:
        column: A plain column of numbers.
        edges: Ascending.

    Raises:
        NotANumberError: If cells are NaN.
    """
    if pa.types.is_floating(column.type):
        values, limits = _numbers_of(column), [float(edge) for edge in edges]
    else:
        places = _scale_of(column.type)
        values = counted(column, places)
        # A whole number reaches an edge where it reaches the next whole number.
        limits = [ceil(Fraction(exactly(edge)) * 10**places) for edge in edges]
    return _written(_passed(values, limits), validity(column), edge_names(edges).__getitem__, (0, len(edges)))


def _passed(values: NDArray[Any], limits: Sequence[float]) -> NDArray[Any]:
    """Count the limits that each number has reached."""
    if len(limits) > _MOST_COMPARED:
        return _searched(values, limits)
    passed = np.zeros(len(values), np.uint8)
    for start in range(0, len(values), _ROWS):
        rows = slice(start, start + _ROWS)
        for limit in limits:
            passed[rows] += values[rows] >= limit
    return passed


def _searched(values: NDArray[Any], limits: Sequence[float]) -> NDArray[np.int64]:
    if values.dtype.kind in "iu":
        # No number of the type reaches a limit above it, and every one a limit below it.
        ends = np.iinfo(values.dtype)
        limits = [max(limit, int(ends.min)) for limit in limits if limit <= int(ends.max)]
    found: NDArray[np.int64] = np.searchsorted(np.array(limits, values.dtype), values, side="right")
    return found


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


def _scale_of(kind: pa.DataType) -> int:
    return max(0, kind.scale) if pa.types.is_decimal(kind) else 0


def _written(
    numbers: NDArray[Any],
    valid: NDArray[np.bool_] | None,
    name: Callable[[int], str],
    ends: tuple[int, int] | None = None,
    names: Callable[[pa.Array], pa.Array | None] | None = None,
) -> pa.Array:
    """Write each band once; rows are many and bands few.

    Args:
        numbers: The number of each cell's band; where it is null, any.
        valid: Which cells are not null, None if all.
        name: Writes a band.
        ends: The least and the greatest band there are; None to look for them.
        names: Writes many bands at once; None, or what gives None, if it cannot.
    """
    absent = None if valid is None else ~valid
    if numbers.dtype == object:
        texts = {number: name(number) for number in set(numbers if valid is None else numbers[valid])}
        return pa.array([texts.get(number) for number in numbers], pa.string(), mask=absent)
    codes = pa.array(numbers, mask=absent)
    first, last = ends or pc.min_max(codes).as_py().values()
    if first is None:
        return pa.nulls(len(numbers), pa.string())
    if last - first < (_MOST_NAMED if names is None else max(_MOST_NAMED, len(numbers) // _ROWS_A_BAND)):
        if first or last > _BYTE:
            codes = pa.array((numbers - numbers.dtype.type(first)).astype(np.int32), mask=absent)
        chosen = pa.array(np.arange(first, last + 1, dtype=numbers.dtype))
    else:
        codes = codes.dictionary_encode()
        codes, chosen = codes.indices, codes.dictionary
    return pc.take(_named(chosen, name, names), codes, boundscheck=False)


def _named(
    numbers: pa.Array, name: Callable[[int], str], names: Callable[[pa.Array], pa.Array | None] | None
) -> pa.Array:
    texts = None if names is None else names(numbers)
    return pa.array([name(each) for each in numbers.to_pylist()], pa.string()) if texts is None else texts
