"""Numbers by the band that they fall in: ``[40, 50)`` holds 40 and not 50."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity
from maskgate.methods.numbers import MOST_EXACT, as_doubles, exactly, over_power_of_ten, written
from maskgate.methods.shape import literally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
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
        whole = column.fill_null(0).to_numpy(zero_copy_only=False)
        wide = whole.astype(np.uint64 if whole.dtype == np.uint64 else np.int64)
        numbers = wide // wide.dtype.type(numerator)
        return _written(numbers, column, lambda number: _between(number * exact, (number + 1) * exact))
    values = _numbers_of(column)
    last = MOST_EXACT // numerator - 1
    ten = 10.0**places
    guess = np.clip(np.floor(values / width), -last - 1, last)
    # A quotient may land on the wrong side of an edge by its last bit; the edges themselves decide.
    guess += values >= (guess + 1) * numerator / ten
    guess -= values < guess * numerator / ten
    numbers = np.clip(guess, -last - 1, last).astype(np.int64)

    def name(number: int) -> str:
        if number == last:
            return f">={written(number * exact)}"
        if number == -last - 1:
            return f"<{written((number + 1) * exact)}"
        return _between(number * exact, (number + 1) * exact)

    return _written(numbers, column, name)


def bands_by_edges(column: pa.Array, edges: Sequence[float]) -> pa.Array:
    """Write the band of each number, where bands meet at the edges and the outer two are open.

    Args:
        column: A plain column of numbers.
        edges: Ascending.

    Raises:
        NotANumberError: If cells are NaN.
    """
    numbers = np.searchsorted(np.array(edges, np.float64), _numbers_of(column), side="right")
    names = edge_names(edges)
    return _written(numbers, column, names.__getitem__)


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


def _numbers_of(column: pa.Array) -> np.ndarray:
    values = as_doubles(column)
    strange = int(np.isnan(values).sum())
    if strange:
        raise NotANumberError(strange)
    return values


def _written(numbers: np.ndarray, column: pa.Array, name: Callable[[int], str]) -> pa.Array:
    """Write each band once; rows are many and bands few."""
    valid = validity(column)
    codes = pa.array(numbers, mask=None if valid is None else ~valid).dictionary_encode()
    names = pa.array([name(each) for each in codes.dictionary.to_pylist()], pa.string())
    return pc.take(names, codes.indices)
