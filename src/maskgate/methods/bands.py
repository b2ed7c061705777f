"""Numbers by the band that they fall in: ``[40, 50)`` holds 40 and not 50."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
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
from maskgate.methods.few_texts import FewTexts
from maskgate.methods.fixed_width import extent, view
from maskgate.methods.numbers import MOST_EXACT, counted, exactly, over_power_of_ten, written
from maskgate.methods.shape import literally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
# Bands that lie close are all named, also those that no row is in; others are looked for first.
_MOST_NAMED = 1024
_ROWS_A_BAND = 8
_MOST_COMPARED = 128
_PARTS = 8
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
    whole, fraction = over_power_of_ten(exact)
    if pa.types.is_floating(column.type):
        names = _Names(whole, fraction, MOST_EXACT // whole - 1)
        return _written(_of_floats(column, float(exact), names), validity(column), names)
    places = max(fraction, _scale_of(column.type))
    numbers = _divided(counted(column, places), int(exact.scaleb(places)))
    return _written(numbers, validity(column), _Names(whole, fraction))


def _of_floats(column: pa.Array, width: float, names: _Names) -> NDArray[np.int64]:
    """Return the number of the band of each float."""
    values = _numbers_of(column)
    numbers = room(len(values), np.int64)
    bands, edges = np.empty((2, min(_ROWS, len(values))))
    with np.errstate(invalid="ignore", over="ignore"):  # what lies under nulls may be anything
        for start in range(0, len(values), _ROWS):
            here = values[start : start + _ROWS]
            guess = bands[: len(here)]
            np.divide(here, width, out=guess)
            np.floor(guess, out=guess)
            _settle(here, guess, names, edges[: len(here)])
            np.copyto(numbers[start : start + _ROWS], guess, casting="unsafe")
    return numbers


def _settle(values: NDArray[np.float64], guess: NDArray[np.float64], names: _Names, edges: NDArray[np.float64]) -> None:
    """Correct the numbers of bands, in place: a quotient may land on the wrong side of an edge by its last bit."""
    last = names.last or 0
    # What is NaN, under a null, counts as far, too.
    is_far = not (guess.min(initial=0) >= -last - 1 and guess.max(initial=0) <= last)
    if is_far:
        np.clip(guess, -last - 1, last, out=guess)
    np.add(guess, 1, out=edges)
    for compare, correction in ((np.greater_equal, 1), (np.less, -1)):
        # The edges themselves decide.
        edges *= names.numerator
        if names.places:
            edges /= 10.0**names.places
        wrong = compare(values, edges)
        if wrong.any():
            guess += wrong * float(correction)
        np.copyto(edges, guess)
    if is_far:
        np.clip(guess, -last - 1, last, out=guess)


@dataclass(frozen=True)
class _Names:
    """How bands of one width are called.

    Attributes:
        numerator: The width, times 10 to the power of `places`.
        places: How many decimal places the width has.
        last: The number of the last band, which has no upper end; the first, without a lower one, is -last - 1. None
            if every band has both.
    """

    numerator: int
    places: int
    last: int | None = None

    def one(self, number: int) -> str:
        with localcontext(prec=_DIGITS):
            width = Decimal(self.numerator).scaleb(-self.places)
            if self.last is not None and number >= self.last:
                return f">={written(number * width)}"
            if self.last is not None and number < -self.last:
                return f"<{written(-self.last * width)}"
            return _between(number * width, (number + 1) * width)

    def of(self, numbers: pa.Array) -> pa.Array:
        ends = pc.min_max(numbers).as_py()
        is_open = self.last is not None and (ends["min"] <= -self.last - 1 or ends["max"] >= self.last)
        names = None if is_open else names_of(numbers, self.numerator, self.places)
        return pa.array([self.one(each) for each in numbers.to_pylist()], pa.string()) if names is None else names


@lru_cache(maxsize=4)
def _named(names: _Names, first: int, last: int) -> FewTexts:
    return FewTexts(names.of(pa.array(np.arange(first, last + 1))))


def _divided(values: NDArray[Any], width: int) -> NDArray[Any]:
    """Return the number of the band of each whole number, however large."""
    if values.dtype == object or width > _INT64_MAX:
        return values.astype(object) // width
    wide = values.dtype.type if width <= np.iinfo(values.dtype).max else np.int64
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
    return _named_edges(tuple(edges)).column(_passed(values, limits), 0, validity(column))


@lru_cache(maxsize=16)
def _named_edges(edges: tuple[float, ...]) -> FewTexts:
    return FewTexts(pa.array(edge_names(edges), pa.string()))


def _passed(values: NDArray[Any], limits: Sequence[float]) -> NDArray[Any]:
    """Count the limits that each number has reached."""
    if len(limits) > _MOST_COMPARED:
        return _searched(values, limits)
    passed = np.zeros(len(values), np.uint8)
    for start in range(0, len(values), _ROWS):
        rows = slice(start, start + _ROWS)
        for limit in limits:
            passed[rows] += (values[rows] >= limit).view(np.uint8)
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
    """Return floats as doubles; under a null may lie anything."""
    values = view(column, column.type.to_pandas_dtype()).astype(np.float64, copy=False)
    with np.errstate(all="ignore"):
        # A finite sum has no NaN in it: of nearly all columns, one pass says enough.
        is_finite = np.isfinite(values.sum())
    strange = 0 if is_finite else pc.sum(pc.is_nan(column)).as_py() or 0
    if strange:
        raise NotANumberError(strange)
    return values


def _scale_of(kind: pa.DataType) -> int:
    return max(0, kind.scale) if pa.types.is_decimal(kind) else 0


def _written(numbers: NDArray[Any], valid: NDArray[np.bool_] | None, names: _Names) -> pa.Array:
    """Write each band once; rows are many and bands few.

    Args:
        numbers: The number of each cell's band; where it is null, any.
        valid: Which cells are not null, None if all.
        names: How bands are called.
    """
    absent = None if valid is None else ~valid
    if numbers.dtype == object:
        texts = {number: names.one(number) for number in set(numbers if valid is None else numbers[valid])}
        return pa.array([texts.get(number) for number in numbers], pa.string(), mask=absent)
    most = max(_MOST_NAMED, len(numbers) // _ROWS_A_BAND)
    first, last = extent(numbers)
    if last - first >= most:
        # What lies under nulls may be far from all the others.
        first, last = (each.as_py() for each in pc.min_max(pa.array(numbers, mask=absent)).values())
        if first is None:
            return pa.nulls(len(numbers), pa.string())
    if last - first < most:
        used = range(first, last + 1)
        # Rounded outwards, so that the next batches mostly have the same ends, and find the names written.
        some = max(_MOST_NAMED, 1 << (last - first).bit_length()) // _PARTS
        first, last = first // some * some, last // some * some + some - 1
        if first > -_INT64_MAX and last < _INT64_MAX:
            return _named(names, first, last).column(numbers, first, valid, used)
    codes = pa.array(numbers, mask=absent).dictionary_encode()
    return pc.take(names.of(codes.dictionary), codes.indices, boundscheck=False)
