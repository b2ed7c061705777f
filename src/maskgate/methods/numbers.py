"""Numbers of any Arrow type as doubles, and exact decimals out of the rules file."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity
from maskgate.methods.fixed_width import clear_nulls

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MOST_EXACT = 2**53
# Decimals of so many digits never share their nearest double.
_SURE_DIGITS = 15
_INT64_MAX = 2**63 - 1
_BEYOND_INT64 = 2.0**63
# 10^22 is the last power of ten that a double holds exactly.
_MOST_PLACES = 22
_WORD = 2.0**32
_ROWS = 16_384
_WORD_BITS = 64
_SIGN = 63
_NOWHERE = np.zeros(0, np.int64)
_NO_DIGITS = pa.chunked_array([], pa.string())


@dataclass(frozen=True)
class Inexact:
    """The cells whose nearest doubles do not say all of them: integers beyond 2^53, decimals of over 15 digits.

    Attributes:
        rests: Given some rows and their nearest doubles, returns how much integers of at most 64 bits are above those,
            and 0 for other cells; None instead of zeros alone.
        places: Where other cells are that differ from their doubles, ascending.
        digits: What they are exactly, in one spelling.
    """

    rests: Callable[[slice, NDArray[np.float64]], NDArray[np.int64] | None]
    places: NDArray[np.int64]
    digits: pa.ChunkedArray


class Numbers:
    """A plain column of numbers as doubles, some thousand rows at a time.

    What is one number as an integer, a decimal and a double is one double here. Two numbers of one column that share
    their nearest double are told apart by `inexact`.

    Attributes:
        inexact: The cells of which doubles may not say all; None if there are none.
    """

    def __init__(self, column: pa.Array) -> None:
        self.inexact: Inexact | None = None
        self._over = 1.0
        units = _unscaled(column) if pa.types.is_decimal(column.type) else None
        if units is not None:
            # Both exact, so that the quotient is the nearest double.
            self._values: NDArray[Any] = units
            self._over = 10.0**column.type.scale
            limit = 10**_SURE_DIGITS
            if units.min(initial=0) <= -limit or units.max(initial=0) >= limit:
                self.inexact = _of_decimals(column)
        elif pa.types.is_decimal(column.type):
            self._values = as_doubles(column)
            self.inexact = _of_decimals(column)
        else:
            self._values = _data(column, column.type.to_pandas_dtype())
            if pa.types.is_integer(column.type) and self._values.itemsize == np.dtype(np.int64).itemsize:
                self.inexact = _of_integers(self._values)
        self._rounded = pa.types.is_floating(column.type)

    def doubles(self, rows: slice, into: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the nearest doubles of some rows, in `into`; zero has no sign. Under a null may lie anything."""
        np.copyto(into, self._values[rows], casting="unsafe")
        if self._rounded:
            into += 0.0
        elif self._over > 1:
            into /= self._over
        return into

    def integers(self, rows: slice) -> NDArray[Any]:
        """View some rows of a column of integers."""
        return self._values[rows]

    def lie_within(self, rows: slice, least: float, most: float) -> bool:
        """Say whether some rows are integers, none of which is beyond two bounds."""
        here = self._values[rows]
        if here.dtype.kind == "f" or self._over > 1:
            return False
        return bool(least <= here.min() and here.max() <= most)


def integers_of(column: pa.Array) -> NDArray[Any]:
    """View a plain column of integers; under a null may lie anything."""
    return _data(column, column.type.to_pandas_dtype())


def as_doubles(column: pa.Array) -> NDArray[np.float64]:
    """Return the doubles nearest to the cells of a plain column of numbers; 0 where it is null."""
    if pa.types.is_decimal(column.type):
        return _decimals_as_doubles(column)
    if column.null_count == 0:
        return _data(column, column.type.to_pandas_dtype()).astype(np.float64, copy=False)
    doubles: NDArray[np.float64] = pc.cast(column, pa.float64(), safe=False).fill_null(0).to_numpy(zero_copy_only=False)
    return doubles


def counted(column: pa.Array, places: int) -> NDArray[Any]:
    """Return integers or decimals as how many 10^-places they are, exactly; under a null may lie anything.

    Args:
        column: A plain column of integers or decimals.
        places: Not below 0, nor below the scale of decimals.

    Returns:
        Integers; those of Python where 64 bits do not hold all.
    """
    is_whole = pa.types.is_integer(column.type)
    values = integers_of(column) if is_whole else _units(column)
    factor = 10 ** (places - (0 if is_whole else column.type.scale))
    if factor == 1:
        return values
    most = _INT64_MAX // factor
    if values.dtype != object and -most <= int(values.min(initial=0)) and int(values.max(initial=0)) <= most:
        return values.astype(np.int64) * np.int64(factor)
    many: NDArray[Any] = values.astype(object) * factor
    return many


def exactly(number: float) -> Decimal:
    """Return the decimal that a number of the rules file was written as, in its shortest form."""
    return Decimal(str(number)).normalize()


def written(number: Decimal) -> str:
    """Write a decimal without exponent and without needless zeros."""
    return f"{number.normalize():f}"


def over_power_of_ten(number: Decimal) -> tuple[int, int]:
    """Split a number into a whole numerator and the least power of ten under it.

    Example:
        >>> over_power_of_ten(Decimal("2.50"))
        (25, 1)
    """
    places = max(0, -int(number.normalize().as_tuple().exponent))
    return int(number.scaleb(places)), places


def _data(column: pa.Array, kind: Any) -> NDArray[Any]:
    buffer, width = column.buffers()[1], np.dtype(kind)
    if buffer is None or len(column) == 0:
        return np.zeros(len(column), width)
    return np.frombuffer(buffer, width, len(column), column.offset * width.itemsize)


def _units(column: pa.Array) -> NDArray[Any]:
    """Return decimals without their point: int64, or Python's integers where that does not hold all; 0 under nulls."""
    words = _words(column)
    return np.array([int(text) for text in _digits(column).to_pylist()], object) if words is None else words


def _words(column: pa.Array) -> NDArray[np.int64] | None:
    """Return decimals without their point; None if one does not fit a word, 0 under nulls."""
    count, valid = column.type.bit_width // _WORD_BITS, validity(column)
    if count <= 1:
        words = _data(column, f"i{column.type.bit_width // 8}").astype(np.int64)
    else:
        limbs = _data(column, f"V{count * 8}").view(np.int64).reshape(-1, count)
        # A copy even of a single row, which is contiguous as it is, and may be read-only memory.
        words = limbs[:, 0].copy()
        signs = words >> _SIGN
        for number in range(1, count):
            same = limbs[:, number] == signs
            if not (same if valid is None else same | ~valid).all():
                return None
    clear_nulls(words, valid)
    return words


def _digits(column: pa.Array) -> pa.Array:
    """Write decimals without their point; 0 for nulls."""
    wide = column.cast(pa.decimal256(76, column.type.scale)).fill_null(0)
    return pa.Array.from_buffers(pa.decimal256(76, 0), len(wide), wide.buffers(), offset=wide.offset).cast(pa.string())


def _unscaled(column: pa.Array) -> NDArray[np.int64] | None:
    """Return decimals without their point; None if one is beyond what a double counts, 0 under nulls."""
    if not 0 <= column.type.scale <= _MOST_PLACES:
        return None
    words = _words(column)
    if words is None or words.min(initial=0) < -MOST_EXACT or words.max(initial=0) > MOST_EXACT:
        return None
    return words


def _decimals_as_doubles(column: pa.Array) -> NDArray[np.float64]:
    unscaled = _unscaled(column)
    if unscaled is not None:
        # Both exact, so that the quotient is the nearest double.
        quotients: NDArray[np.float64] = unscaled / 10.0**column.type.scale
        return quotients
    # Arrow's own conversion of decimals is off by a bit here and there; its parser of text is not.
    doubles: NDArray[np.float64] = column.cast(pa.string()).cast(pa.float64()).fill_null(0).to_numpy()
    return doubles


def _of_integers(values: NDArray[Any]) -> Inexact:
    def rests(rows: slice, doubles: NDArray[np.float64]) -> NDArray[np.int64] | None:
        # Looked at where they are used, while they are in the cache.
        least, most = float(doubles.min()), float(doubles.max())
        if least > -MOST_EXACT and most < MOST_EXACT:
            return None
        return (_near_rests if most < _BEYOND_INT64 else _rests)(values[rows], doubles)

    return Inexact(rests, _NOWHERE, _NO_DIGITS)


def _near_rests(values: NDArray[Any], doubles: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how much integers are above their nearest doubles, which int64 holds as well."""
    rests = doubles.astype(np.int64)
    np.subtract(values.view(np.int64), rests, out=rests)
    return rests


def _rests(values: NDArray[Any], doubles: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how much integers of 64 bits are above their nearest doubles."""
    # In two halves, since a double of 2^63 has no int64 and processors differ in what they make of it.
    high = np.floor(doubles / _WORD)
    nearest = high.astype(np.int64) << np.int64(32)
    nearest += (doubles - high * _WORD).astype(np.int64)
    np.subtract(values.view(np.int64), nearest, out=nearest)
    return nearest


def _of_decimals(column: pa.Array) -> Inexact | None:
    scale = column.type.scale
    wide = column.cast(pa.decimal256(76, scale)).fill_null(0)
    text = _digits(column)
    significant = pc.utf8_rtrim(text, "0")
    zeros = pc.subtract(pc.utf8_length(text), pc.utf8_length(significant)).to_numpy()
    differs = pc.utf8_length(pc.utf8_ltrim(significant, "-")).to_numpy() > _SURE_DIGITS
    # With more places than this, there is no room for whole numbers of 19 digits.
    limit = pa.scalar(Decimal(_INT64_MAX), pa.decimal256(max(19, 76 - scale), 0))
    small = zeros >= scale if scale > 76 - 19 else pc.less_equal(pc.abs(wide), limit).to_numpy(zero_copy_only=False)
    whole = np.flatnonzero((zeros >= scale) & small)
    rests = np.zeros(len(column), np.int64)
    if len(whole):
        # As integers of the same size are.
        differs[whole] = False
        integers = integers_of(pc.take(wide, pa.array(whole)).cast(pa.int64()))
        rests[whole] = _rests(integers, integers.astype(np.float64))
    places, digits = _told(differs, text, scale)
    return Inexact(lambda rows, _: rests[rows], places, digits) if len(places) or rests.any() else None


def _told(differs: NDArray[np.bool_], unscaled: pa.Array, scale: int) -> tuple[NDArray[np.int64], pa.ChunkedArray]:
    """Write the cells that differ from their doubles as their digits up to the last that is not 0, and an exponent."""
    places = np.flatnonzero(differs)
    if len(places) == 0:
        return _NOWHERE, _NO_DIGITS
    # Some thousand at a time: there are several texts on the way.
    portions = [places[start : start + _ROWS] for start in range(0, len(places), _ROWS)]
    return places, pa.chunked_array([_spelled(pc.take(unscaled, pa.array(rows)), scale) for rows in portions])


def _spelled(unscaled: pa.Array, scale: int) -> pa.Array:
    text = unscaled.cast(pa.string())
    significant = pc.utf8_rtrim(text, "0")
    exponents = pc.subtract(pc.subtract(pc.utf8_length(text), pc.utf8_length(significant)), scale)
    return pc.binary_join_element_wise(significant, exponents.cast(pa.string()), "e")
